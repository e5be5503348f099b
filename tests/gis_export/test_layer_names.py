"""Layers of any name through every format and route."""

import re
import zipfile
from urllib.parse import urlsplit

import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_export.formats.registry import FORMATS
from gis_export.layers.names import file_stem, file_stems, url_segment
from terrafusion.roll.models import LayerFeature

from .roll import SIDE, SOUTH, WEST

NAMES = (
    "Tax Code Areas 2024/25", "../../etc/passwd", "a'b\"c", "x; DROP TABLE jobs --", "100 %", "Área", "区域", "con",
    ".", "..", "a\\b", "x/items", "~2F", "%2F", "name?x=1#y", " led and trailed ", "a&b<c>", "ÁREA", "{0}", "%s",
)  # fmt: skip


@pytest.fixture
def layers(county):
    """One feature in each layer, whose own name says which layer it is of."""
    box = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
    LayerFeature.objects.bulk_create(
        LayerFeature(
            county=county, layer=layer, feature_id=str(number), name=f"feature {number}", geometry=box,
            attributes={"acres": 40.5},
        )
        for number, layer in enumerate(NAMES)
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("export_format", [name for name in FORMATS if name != "PMTiles"])
def test_every_format_holds_every_layer_whatever_its_name(export, layers, export_format, tmp_path):
    job, path = export(export_format=export_format, layers=list(NAMES))

    assert job["result"]["result_record_count"] == len(NAMES)
    files = [path]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            inside = archive.namelist()
            assert not [name for name in inside if name.startswith("/") or ".." in name.split("/")]
            assert len({name.lower() for name in inside}) == len(inside), "a name stands twice on another system"
            archive.extractall(tmp_path / "unzipped")
        files = list((tmp_path / "unzipped").rglob("*"))
    assert _features(files, export_format) == {f"feature {number}" for number in range(len(NAMES))}


def _features(files, export_format):
    """The names of all features that GDAL finds in any layer of the files."""
    suffix = {"Shapefile": ".shp", "FileGDB": ".gdb", "GeoParquet": ".parquet", "CSV": ".csv", "KMZ": ".kml"}
    found = set()
    for file in files:
        if file.suffix != suffix.get(export_format, file.suffix) or file.name == "fields.csv":
            continue
        if file.suffix in (".csv", ".parquet"):
            text = file.read_bytes() if file.suffix == ".csv" else _parquet_text(file)
            found |= set(re.findall(r"feature \d+", text.decode(errors="replace")))
            continue
        if file.suffix not in (".shp", ".gdb", ".gpkg", ".fgb", ".geojson", ".kml", ".kmz"):
            continue
        for layer in pyogrio.list_layers(file)[:, 0]:
            if layer == "layer_styles":
                continue
            frame = pyogrio.read_dataframe(file, layer=layer, read_geometry=False)
            for column in ("name", "Name"):
                found |= {each for each in frame.get(column, []) if str(each).startswith("feature ")}
    return found


def _parquet_text(file):
    import pyarrow.parquet

    return "\n".join(map(str, pyarrow.parquet.read_table(file, columns=["name"])["name"].to_pylist())).encode()


@pytest.mark.django_db
def test_the_live_layers_own_links_lead_to_them(client, layers, county):
    listed = client.get(f"/api/v1/counties/{county.pk}/ogc/collections").json()["collections"]

    by_title = {each["title"]: each for each in listed}
    assert len(by_title) == len(listed)
    seen = set()
    for collection in listed:
        links = {link["rel"]: urlsplit(link["href"]) for link in collection["links"]}
        assert client.get(links["self"].path).json()["id"] == collection["id"]
        page = client.get(f"{links['items'].path}?limit=1").json()
        if page["features"] and (name := str(page["features"][0]["properties"].get("name", ""))).startswith("feature"):
            seen.add(name)
        if page["features"]:
            (own,) = (urlsplit(link["href"]) for link in page["links"] if link["rel"] == "self")
            assert client.get(own.path).status_code == 200
            item = client.get(f"{links['items'].path}/{page['features'][0]['id']}").json()
            for link in item["links"]:
                assert client.get(urlsplit(link["href"]).path).status_code == 200
    assert seen == {f"feature {number}" for number in range(len(NAMES))}


@given(st.text(min_size=1, max_size=100))
def test_a_file_stem_is_plain_and_a_url_segment_needs_no_quoting(name):
    assert re.fullmatch(r"[A-Za-z0-9_-]+", file_stem(name))
    assert re.fullmatch(r"[A-Za-z0-9_~-]+", url_segment(name))


@given(st.lists(st.text(min_size=1, max_size=100), unique=True, max_size=20))
def test_no_two_layers_share_a_file_or_a_url(names):
    assert len({stem.lower() for stem in file_stems(names).values()}) == len(names)
    assert len({url_segment(name) for name in names}) == len(names)


def test_names_of_plain_characters_stay_as_they_are():
    for name in ("parcels", "assessment_summary", "zip_areas", "TCA-2024"):
        assert file_stem(name) == url_segment(name) == name
    assert url_segment("Tax Code Areas 2024/25") == "Tax~20Code~20Areas~202024~2F25"
