"""The calls of OGC API - Features. They need `view_county`; token, session, and user name with password all serve."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
import shapely
from django.db import connection
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication

from accounts.basic import QuickBasicAuthentication
from terrafusion.web.openapi import response_header
from terrafusion.web.query_parameters import StrictQuery

from ..areas.coordinate_systems import reproject
from ..areas.county_area import extent_of
from ..areas.rounding import rounded
from ..formats.geojson import feature_lines, geojson_geometries
from ..layers.layer import ExportLayer, Query
from ..layers.names import title_of, url_segment
from ..reading.features import FID, GEOMETRY, batch_schema, read_features
from ..reading.selection import Selection
from ..reading.statements import Page, Statement, count, query_of
from ..views import seen_county
from . import documents, shapes
from .documents import GEOJSON, link
from .request import CRS84, DEFAULT_LIMIT, FORMATS, HIGHEST_LIMIT, ItemsRequest, check_format, read_request, systems_of

FEET_DECIMALS = 4
LARGEST_KEY = 2**63 - 1

BBOX = OpenApiParameter("bbox", OpenApiTypes.STR, description="west,south,east,north in degrees, or as bbox-crs says.")
BBOX_CRS = OpenApiParameter("bbox-crs", OpenApiTypes.STR, description="URI of the coordinate system of bbox.")
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
    description=f"Features per page. A higher number than {HIGHEST_LIMIT:,} is read as {HIGHEST_LIMIT:,}.",
)
CRS = OpenApiParameter("crs", OpenApiTypes.STR, description="URI of a coordinate system the collection lists.")
AFTER = OpenApiParameter("after", {"type": "integer", "minimum": 0}, description="As in the link `next`.")
DATETIME = OpenApiParameter("datetime", OpenApiTypes.STR, description="A day, or start/end where one may be `..`.")
CONTENT_CRS = response_header("Content-Crs", "URI of the coordinate system of the answer.", 200)


class AnyAccept(DefaultContentNegotiation):
    """Answers whatever media type a client accepts: GIS clients name a dozen, and there is one answer."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


FORMAT = OpenApiParameter("f", OpenApiTypes.STR, enum=FORMATS, description="There is one format.")


class OgcView(StrictQuery, APIView):
    # The first class names the scheme of a 401, after which a browser or a GIS asks for user name and password.
    authentication_classes = [QuickBasicAuthentication, JWTAuthentication, SessionAuthentication]
    content_negotiation_class = AnyAccept

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_format(request.query_params)
        self.county = seen_county(request.user, kwargs["county_id"])
        self.root = request.build_absolute_uri(reverse("ogc-landing", args=[self.county.pk]))

    def collection_named(self, collection_id: str) -> ExportLayer:
        if (name := documents.layer_of(self.county, collection_id)) is None:
            raise NotFound
        return documents.live_layer(self.county, name)


class LandingView(OgcView):
    @extend_schema(operation_id="ogc_landing_page", parameters=[FORMAT], responses=shapes.LandingPageSerializer)
    def get(self, request: Request, county_id: str) -> Response:
        """Links to everything the API offers."""
        return Response(documents.landing(self.county, self.root, request.build_absolute_uri(reverse("schema"))))


class ConformanceView(OgcView):
    @extend_schema(operation_id="ogc_conformance", parameters=[FORMAT], responses=shapes.ConformanceSerializer)
    def get(self, request: Request, county_id: str) -> Response:
        """Which parts of the standard are met."""
        return Response({"conformsTo": documents.CONFORMS_TO})


class CollectionsView(OgcView):
    @extend_schema(operation_id="ogc_collections", parameters=[FORMAT], responses=shapes.CollectionsSerializer)
    def get(self, request: Request, county_id: str) -> Response:
        """The county's layers."""
        extent = extent_of(self.county)
        collections = [
            documents.collection(self.county, name, title_of(name), self.root, extent)
            for name in documents.collection_names(self.county)
        ]
        links = [link(f"{self.root}/collections", "self")]
        return Response({"links": links, "collections": collections, "crs": list(systems_of(self.county))})


class CollectionView(OgcView):
    @extend_schema(operation_id="ogc_collection", parameters=[FORMAT], responses=shapes.CollectionSerializer)
    def get(self, request: Request, county_id: str, collection_id: str) -> Response:
        """One layer."""
        layer = self.collection_named(collection_id)
        return Response(documents.collection(self.county, layer.name, layer.title, self.root, extent_of(self.county)))


class ItemsView(OgcView):
    def known_parameters(self, handler: Any) -> None:
        """Every name passes here: the layer's fields are known parameters too, and read_request refuses the others."""

    @extend_schema(
        operation_id="ogc_items",
        parameters=[BBOX, BBOX_CRS, LIMIT, CRS, AFTER, DATETIME, FORMAT, CONTENT_CRS],
        responses={(200, GEOJSON): shapes.FeatureCollectionSerializer},
    )
    def get(self, request: Request, county_id: str, collection_id: str) -> HttpResponse:
        """A page of features; the link `next` leads to the next page. Text and whole-number fields filter by name."""
        layer = self.collection_named(collection_id)
        parameters = request.query_params.dict()
        wanted = read_request(parameters, layer, self.county)
        batch, more = _page(layer, wanted)
        own = f"{self.root}/collections/{url_segment(layer.name)}/items"
        links = [link(f"{own}?{urlencode(parameters)}", "self", GEOJSON)]
        if more:
            following = parameters | {"after": str(batch.column(FID)[-1].as_py()), "limit": str(wanted.limit)}
            links.append(link(f"{own}?{urlencode(following)}", "next", GEOJSON))
        members = {
            "type": "FeatureCollection",
            "timeStamp": timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "numberReturned": batch.num_rows,
            "links": links,
        }
        if wanted.after is None and (matched := _matched(layer, wanted)) is not None:
            members["numberMatched"] = matched
        return _geojson(members, _features(batch, wanted), wanted.crs)


class ItemView(OgcView):
    @extend_schema(
        operation_id="ogc_item",
        parameters=[CRS, FORMAT, CONTENT_CRS],
        responses={(200, GEOJSON): shapes.FeatureSerializer},
    )
    def get(self, request: Request, county_id: str, collection_id: str, feature_id: int) -> HttpResponse:
        """One feature."""
        if feature_id > LARGEST_KEY:
            raise NotFound
        layer = self.collection_named(collection_id)
        wanted = read_request(request.query_params.dict(), layer, self.county)
        where = (
            Statement(f" AND {query_of(layer).key} = %s", (feature_id,)) if isinstance(layer.source, Query) else None
        )
        for batch in read_features(layer, Selection(), Page(1) if where else None, where):
            for line, fid in zip(_features(batch, wanted), batch.column(FID).to_pylist(), strict=True):
                if fid == feature_id:
                    own = f"{self.root}/collections/{url_segment(layer.name)}"
                    links = [link(f"{own}/items/{fid}", "self", GEOJSON), link(own, "collection")]
                    return _answer(line[:-1] + b',"links":' + _json(links) + b"}", wanted.crs)
        raise NotFound


def _page(layer: ExportLayer, wanted: ItemsRequest) -> tuple[pa.RecordBatch, bool]:
    """At most `limit` features after the last one of the page before, and whether there are more."""
    selection = Selection(touching=wanted.area)
    batches: list[pa.RecordBatch] = []
    rows = 0
    for batch in read_features(layer, selection, Page(wanted.limit + 1, wanted.after), wanted.where):
        batches.append(batch)
        rows += batch.num_rows
        if rows > wanted.limit:
            break
    if not rows:  # batches may be empty, when boxes of features meet the area and none of their shapes does
        return _empty(layer), False
    table = pa.Table.from_batches(batches).combine_chunks()
    (batch,) = table.slice(0, wanted.limit).to_batches()
    return batch, rows > wanted.limit


def _empty(layer: ExportLayer) -> pa.RecordBatch:
    schema = batch_schema(layer)
    return pa.record_batch([pa.array([], kind) for kind in schema.types], schema=schema)


def _matched(layer: ExportLayer, wanted: ItemsRequest) -> int | None:
    """The number of features on all pages; None where counting would mean testing every shape in Python."""
    if not isinstance(layer.source, Query) or (wanted.area is not None and connection.vendor != "postgresql"):
        return None
    statement = count(layer, Selection(touching=wanted.area), wanted.where)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.parameters)
        return int(cursor.fetchone()[0])


def _features(batch: pa.RecordBatch, wanted: ItemsRequest) -> list[bytes]:
    if not batch.num_rows:
        return []
    if wanted.crs == CRS84:
        return feature_lines(batch)
    shapes = shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
    moved = reproject(shapes, wanted.system, authority_order=True)
    if wanted.system.is_projected:
        return feature_lines(batch, shapes=shapely.to_geojson(rounded(moved, FEET_DECIMALS)))
    return feature_lines(batch, shapes=geojson_geometries(moved, wind=False))


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _geojson(members: dict[str, Any], features: list[bytes], crs: str) -> HttpResponse:
    return _answer(_json(members)[:-1] + b',"features":[\n' + b",\n".join(features) + b"\n]}", crs)


def _answer(content: bytes, crs: str) -> HttpResponse:
    return HttpResponse(content, content_type=GEOJSON, headers={"Content-Crs": f"<{crs}>"})
