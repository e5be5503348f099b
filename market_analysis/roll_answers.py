"""What only the roll knows: the polygons of areas, and which sales have related names."""

from __future__ import annotations

from shapely.geometry.base import BaseGeometry

from county_configs.models import County
from terrafusion.roll.models import LayerFeature, Sale

from .screening.related_names import relation
from .selection import Selection

# Where the polygons of an area column usually are; the first layer that exists is taken.
USUAL_LAYERS = {
    "zip_code": ("zip_areas", "zip_codes", "zcta"),
    "neighborhood": ("neighborhoods", "neighborhood"),
    "tax_code_area": ("tax_code_areas", "tax_code_area"),
    "situs_city": ("cities", "city_limits"),
}


def polygons_of(county: County, column: str, layer: str | None) -> tuple[dict[str, BaseGeometry], str]:
    """Polygons by area code (the layer's feature_id), and the name of the layer they came from."""
    features = LayerFeature.objects.in_county(county).current().filter(geometry__isnull=False)
    for name in (layer,) if layer else USUAL_LAYERS.get(column, ()):
        shapes = dict(features.filter(layer=name).values_list("feature_id", "geometry"))
        polygons = {
            code: shape for code, shape in shapes.items() if shape and shape.geom_type in ("Polygon", "MultiPolygon")
        }
        if polygons:
            return polygons, str(name)
    return {}, ""


def related_sales(county: County, selection: Selection) -> dict[int, str]:
    """How seller and buyer are related by name, by the key of the sale. Names are read here and go no further."""
    named = Sale.objects.in_county(county).current().exclude(grantor="").exclude(grantee="")
    if selection.first is not None:
        named = named.since(selection.first)
    if selection.last is not None:
        named = named.filter(sale_date__lte=selection.last)
    rows = named.order_by().values_list("pk", "grantor", "grantee").iterator(chunk_size=5000)
    return {key: code for key, grantor, grantee in rows if (code := relation(grantor, grantee))}
