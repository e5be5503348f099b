"""QGIS layer styles (QML): the layer's colours, readable field names, and a map tip."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from ..layers.colours import colours_of
from ..layers.fields import Field
from ..layers.layer import LINE, POINT, POLYGON, ExportLayer

_SYMBOLS = {POINT: ("marker", "SimpleMarker"), LINE: ("line", "SimpleLine"), POLYGON: ("fill", "SimpleFill")}
_GEOMETRY_TYPE = {POINT: "0", LINE: "1", POLYGON: "2"}


def qml(layer: ExportLayer, *, short_names: bool = False) -> str:
    """The style of a layer. short_names: its columns have the ten-character names of a Shapefile; aliases stay long."""
    names = {field.name: field.short_name if short_names else field.name for field in layer.fields}
    root = Xml.Element("qgis", version="3.28.0", styleCategories="Symbology|Fields|MapTips")
    renderer = Xml.SubElement(root, "renderer-v2", type="singleSymbol", enableorderby="0", forceraster="0")
    _symbol(Xml.SubElement(renderer, "symbols"), layer)
    aliases = Xml.SubElement(root, "aliases")
    for number, field in enumerate(layer.fields):
        Xml.SubElement(aliases, "alias", field=names[field.name], name=_alias(field), index=str(number))
    Xml.SubElement(root, "previewExpression").text = f'"{names[layer.label]}"'
    Xml.SubElement(root, "mapTip").text = f'<b>[% "{names[layer.label]}" %]</b>'
    Xml.SubElement(root, "layerGeometryType").text = _GEOMETRY_TYPE[layer.shape]
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return head + Xml.tostring(root, encoding="unicode") + "\n"


def _alias(field: Field) -> str:
    words = field.name.replace("_", " ")
    return f"{words} ({field.unit})" if field.unit else words


def _symbol(parent: Xml.Element, layer: ExportLayer) -> None:
    colours = colours_of(layer)
    kind, symbol_layer = _SYMBOLS[layer.shape]
    symbol = Xml.SubElement(parent, "symbol", type=kind, name="0", alpha="1", clip_to_extent="1")
    inner = Xml.SubElement(symbol, "layer", {"class": symbol_layer, "enabled": "1", "locked": "0", "pass": "0"})
    options = Xml.SubElement(inner, "Option", type="Map")
    for name, value in _properties(layer.shape, _rgba(colours.fill, 102), _rgba(colours.line, 255)).items():
        Xml.SubElement(options, "Option", type="QString", name=name, value=value)


def _properties(shape: str, fill: str, line: str) -> dict[str, str]:
    if shape == POINT:
        return {"name": "circle", "color": line, "outline_color": "255,255,255,255", "size": "2", "size_unit": "MM"}
    if shape == LINE:
        return {"line_color": line, "line_width": "0.4", "line_width_unit": "MM"}
    return {"color": fill, "style": "solid", "outline_color": line, "outline_width": "0.2", "outline_style": "solid"}


def _rgba(colour: str, opacity: int) -> str:
    return ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5)) + f",{opacity}"
