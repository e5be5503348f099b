"""Real layers of real counties, loaded and exported through the API. Skipped where the data sets are not at hand."""

import json

import geopandas
import numpy as np
import pytest
import shapely

from terrafusion.jobs.models import JobArtifact
from terrafusion.jobs.workers.runner import run_next_job
from terrafusion.roll.models import LayerFeature, Property
from terrafusion.roll.shapes import square_kilometres
from tests.factories import a_county, a_user, client_of

from .reading_back import read_back

pytestmark = pytest.mark.django_db


def loaded(frame):
    """Shapes in longitude and latitude, repaired and flat, as a load leaves them; and how many were invalid."""
    frame = frame[~frame.geometry.isna()].to_crs(4326).reset_index(drop=True)
    shapes = shapely.force_2d(frame.geometry.to_numpy())
    invalid = ~shapely.is_valid(shapes)
    shapes[invalid] = shapely.make_valid(shapes[invalid])
    return frame, shapes, int(invalid.sum())


def load_parcels(county, frame, numbers):
    frame, shapes, invalid = loaded(frame)
    rows = [
        Property(county=county, property_id=str(place), parcel_number=str(number)[:64], geometry=shape)
        for place, (number, shape) in enumerate(zip(frame[numbers], shapes, strict=True))
    ]
    Property.objects.bulk_create(rows, batch_size=1000)
    return shapes, invalid


def load_layer(county, layer, frame, names):
    frame, shapes, _ = loaded(frame)
    columns = [name for name in frame.columns if name != "geometry"]
    LayerFeature.objects.bulk_create(
        LayerFeature(
            county=county,
            layer=layer,
            feature_id=str(place),
            name=str(getattr(row, names))[:200],
            geometry=shape,
            attributes=json.loads(frame.loc[place, columns].to_json()),
        )
        for place, (row, shape) in enumerate(zip(frame.itertuples(), shapes, strict=True))
    )
    return shapes


@pytest.fixture
def exported(tmp_path):
    def export(county, **request):
        client = client_of(a_user(f"analyst-{JobArtifact.objects.count()}", county, role="analyst"))
        answer = client.post("/api/v1/gis-export/run", {"county_id": county.pk} | request, format="json")
        assert answer.status_code == 202, answer.content
        run_next_job()
        job = client.get(answer.json()["links"]["results"]).json()
        assert job["status"] == "COMPLETED", job["message"]
        path = tmp_path / job["result"]["result_file_location"].rsplit("/", 1)[1]
        path.write_bytes(b"".join(client.get(job["result"]["result_file_location"]).streaming_content))
        return job["result"], path

    return export


def test_cambridge_parcels_in_state_plane_feet(shared_data, exported):
    frame = geopandas.read_file(f"/vsigzip/{shared_data('cambridge_parcels')}/cambridge_parcels_fy2014.geojson.gz")
    county = a_county("benton", crs="EPSG:2249")
    shapes, invalid = load_parcels(county, frame, "ML")
    assert invalid == 37

    result, path = exported(county, export_format="GeoPackage", layers=["parcels"])
    back = read_back(path, "GeoPackage")

    # The repair of one outline leaves no ground: it is a line, and is told.
    assert result["result_record_count"] == len(back) == len(shapes) - 1 == 13_115
    assert result["without_geometry"] == {"parcels": 1}
    covering = shapely.get_dimensions(shapes) == 2
    assert (result["crs"], result["crs_unit"]) == ("EPSG:2249", "US survey foot")
    wanted = geopandas.GeoSeries(shapes[covering], crs=4326).to_crs(2249)
    assert np.allclose(back.geometry.area, wanted.area, rtol=1e-9, atol=1e-6)
    assert list(back["parcel_number"]) == [str(number)[:64] for number in frame["ML"][covering]]


def test_cambridge_zoning_in_one_file(shared_data, exported):
    folder, county = shared_data("cambridge_zoning"), a_county("benton", crs="EPSG:2249")
    files = {
        "zoning": ("CDD_ZoningDistricts", "ZONE_TYPE", 261),
        "neighborhoods": ("ASSESSING_ResidentialDistrictsFY2014", "DISTRICT", 19),
        "zip_areas": ("BOUNDARY_Zipcodes", "ZIP_CODE", 5),
    }
    for layer, (file, names, _) in files.items():
        load_layer(county, layer, geopandas.read_file(folder / f"{file}.geojson"), names)

    for export_format in ("GeoPackage", "Shapefile"):
        result, path = exported(county, export_format=export_format, layers=list(files))
        for layer, (file, names, count) in files.items():
            source = geopandas.read_file(folder / f"{file}.geojson")
            back = read_back(path, export_format, layer)
            assert result["record_counts"][layer] == len(back) == count
            assert list(back["name"].astype(str)) == [str(each) for each in source[names]]
            assert np.allclose(back.geometry.area, source.to_crs(2249).geometry.area, rtol=1e-6)


def test_berkeley_from_a_compound_system_back_into_its_metres(shared_data, exported):
    source = geopandas.read_file(f"/vsizip/{shared_data('berkeley_parcels_shp')}/berkeley_parcels_excerpt.zip")
    assert source.crs.is_compound
    county = a_county("benton", crs="EPSG:2227")
    shapes, _ = load_parcels(county, source, "APN")

    result, path = exported(county, export_format="Shapefile", parameters={"crs": "EPSG:32610"})
    back = read_back(path, "Shapefile")

    assert len(back) == len(shapes) == 746
    assert result["crs_unit"] == "metre"
    for ours, theirs in zip(back.geometry, source.geometry, strict=True):
        assert shapely.hausdorff_distance(ours, shapely.force_2d(theirs)) < 0.001


def test_washington_by_county_and_one_county_as_the_area(shared_data, exported):
    states = geopandas.read_file(shared_data("wa_county_boundaries") / "wa_counties_10m.geojson")
    county = a_county("benton")
    load_layer(county, "counties", states, "name")
    benton = states[states["geoid"] == "53005"].geometry.iloc[0]

    _, whole = exported(county, export_format="GeoJSON", layers=["counties"])
    area = {"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(benton.buffer(-0.02)))}
    _, inside = exported(county, export_format="GeoJSON", layers=["counties"], area_of_interest=area)

    back = read_back(whole, "GeoJSON").set_index("geoid")
    assert len(back) == 39
    # The areas the data set's own description gives.
    assert square_kilometres(back.geometry["53005"]) == pytest.approx(4559, abs=1)
    assert square_kilometres(back.geometry["53033"]) == pytest.approx(5719, abs=1)
    assert list(read_back(inside, "GeoJSON")["name"]) == ["Benton"]
