"""The documents a client reads before it requests features."""

from __future__ import annotations

from typing import Any

from shapely.geometry.base import BaseGeometry

from county_configs.models import County
from terrafusion.roll.tax_years import TaxYear

from ..layers.catalogue import layer_names, make_layer
from ..layers.layer import ExportLayer, LayerRequest
from ..layers.names import url_segment
from .request import CRS84, systems_of

CONFORMS_TO = [
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
]
JSON, GEOJSON, OPENAPI = "application/json", "application/geo+json", "application/vnd.oai.openapi;version=3.1"


def link(href: str, rel: str, kind: str = JSON, title: str = "") -> dict[str, str]:
    return {"href": href, "rel": rel, "type": kind} | ({"title": title} if title else {})


def collection_names(county: County) -> list[str]:
    """Every layer of the county but the comparables of a valuation, which need a subject."""
    return [name for name in layer_names(county) if name != "comparables"]


def layer_of(county: County, collection_id: str) -> str | None:
    """The name of the layer behind a collection's id; None when there is no such layer."""
    return next((name for name in collection_names(county) if url_segment(name) == collection_id), None)


def live_layer(county: County, name: str) -> ExportLayer:
    """The layer with the values of the latest tax year.

    It never has owner names, whatever the user's permissions: a live layer ends up in shared GIS projects.
    """
    return make_layer(name, LayerRequest(county, TaxYear.latest(county)))


def landing(county: County, root: str, schema: str) -> dict[str, Any]:
    return {
        "title": f"{county.name}: layers of the assessor",
        "description": "Paste this address into QGIS or ArcGIS Pro as an OGC API - Features connection.",
        "links": [
            link(root, "self"),
            link(schema, "service-desc", OPENAPI),
            link(f"{root}/conformance", "conformance"),
            link(f"{root}/collections", "data"),
        ],
    }


def collection(county: County, name: str, title: str, root: str, extent: BaseGeometry | None) -> dict[str, Any]:
    """The document of one collection. extent: the county's, read once for all its collections."""
    key = url_segment(name)
    own = f"{root}/collections/{key}"
    document: dict[str, Any] = {
        "id": key,
        "title": title,
        "itemType": "feature",
        "crs": list(systems_of(county)),
        "storageCrs": CRS84,
        "links": [link(own, "self"), link(f"{own}/items", "items", GEOJSON, title)],
    }
    if extent is not None:
        document["extent"] = {"spatial": {"bbox": [list(extent.bounds)], "crs": CRS84}}
    return document
