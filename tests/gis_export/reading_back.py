"""What an independent reader (GDAL through pyogrio, or geopandas) finds in an exported file."""

import zipfile

import geopandas
import pandas
import pyogrio
import shapely

from gis_export.formats.registry import FORMATS

FORMATS_ONE_LAYER = tuple(FORMATS)


def read_back(path, export_format, layer="parcels"):
    """A GeoDataFrame of the layer."""
    if export_format == "GeoParquet":
        return geopandas.read_parquet(path)
    if export_format == "CSV":
        frame = pandas.read_csv(path, dtype={"property_id": str, "zip_code": str, "neighborhood": str})
        return geopandas.GeoDataFrame(frame.drop(columns="wkt"), geometry=shapely.from_wkt(frame["wkt"]))
    if export_format == "Shapefile":
        return geopandas.read_file(f"/vsizip/{path}/{layer}.shp")
    if export_format == "FileGDB":
        return geopandas.read_file(geodatabase_in(path), layer=layer)
    if export_format == "KMZ":
        path = f"/vsizip/{path}/doc.kml"  # of a .kmz as such GDAL 3.12 reads shapes and names only
    if export_format in ("KML", "KMZ"):
        titles = pyogrio.list_layers(path)[:, 0]
        return geopandas.read_file(path, layer=layer if layer in titles else titles[0])
    return geopandas.read_file(path, **({"layer": layer} if export_format in ("GeoPackage", "PMTiles") else {}))


def geodatabase_in(path):
    with zipfile.ZipFile(path) as archive:
        folder = next(name.split("/")[0] for name in archive.namelist() if ".gdb/" in name)
    return f"/vsizip/{path}/{folder}"
