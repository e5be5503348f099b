"""KML 2.2 and KMZ: a folder for each layer, its fields as typed ExtendedData, a balloon that shows them, a legend.

Google Earth shows no ExtendedData of a feature that has a description, so the balloon is a style instead.
Source: OGC 07-147r2, KML 2.2.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import shapely

from ..areas.rounding import FULL_DECIMALS, rounded
from ..layers.colours import colours_of
from ..layers.fields import Field
from ..layers.layer import POINT, ExportLayer
from ..reading.features import GEOMETRY
from ..reading.source import LayerSource
from .zip_files import add_file

_TYPES = {"text": "string", "integer": "double", "decimal": "double", "date": "string", "boolean": "bool"}
# Characters that XML 1.0 cannot hold, not even escaped.
_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535))


def write_kml(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    with path.open("w", encoding="utf-8", buffering=1 << 20) as stream:
        stream.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">\n<Document>\n'
        )
        stream.write(f"<name>{_text(', '.join(source.layer.title for source in sources))}</name>\n<open>1</open>\n")
        for source in sources:
            stream.write(_style(source.layer))
        for source in sources:
            stream.write(_schema(source.layer))
        for source in sources:
            _write_folder(stream, source)
        stream.write("</Document>\n</kml>\n")


def write_kmz(path: Path, sources: Sequence[LayerSource], as_of: str) -> None:
    inner = path.with_suffix(".kml")
    write_kml(inner, sources, as_of)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        add_file(archive, inner, "doc.kml")
    inner.unlink()


def _style(layer: ExportLayer) -> str:
    """The layer's colours and its balloon: a table of the fields."""
    colours = colours_of(layer)
    rows = "".join(
        f"<tr><th align='left'>{_text(field.name)}</th><td>$[{_schema_id(layer)}/{_text(field.name)}]</td></tr>"
        for field in layer.fields
    )
    balloon = f"<h3>$[name]</h3><table>{rows}</table>".replace("]]>", "")
    return (
        f"<Style id={quoteattr(_style_id(layer))}>\n<IconStyle><color>{_kml_colour(colours.line)}</color></IconStyle>\n"
        f"<LabelStyle><scale>{1 if layer.shape == POINT else 0}</scale></LabelStyle>\n"
        f"<LineStyle><color>{_kml_colour(colours.line)}</color><width>1.2</width></LineStyle>\n"
        f"<PolyStyle><color>{_kml_colour(colours.fill, 0x66)}</color></PolyStyle>\n"
        f"<BalloonStyle><text><![CDATA[{balloon}]]></text></BalloonStyle>\n</Style>\n"
    )


def _schema(layer: ExportLayer) -> str:
    fields = "".join(_simple_field(field) for field in layer.fields)
    name = quoteattr(_clean(layer.title))  # GDAL finds a folder's schema by the folder's name
    return f"<Schema name={name} id={quoteattr(_schema_id(layer))}>\n{fields}</Schema>\n"


def _simple_field(field: Field) -> str:
    """A field's declaration. Whole numbers become doubles: KML's 32 bits are too few for a big property's dollars."""
    description = f"{field.description} Unit: {field.unit}." if field.unit else field.description
    return (
        f"<SimpleField type={quoteattr(_TYPES[field.type])} name={quoteattr(_clean(field.name))}>"
        f"<displayName>{_text(description)}</displayName></SimpleField>\n"
    )


def _write_folder(stream: TextIO, source: LayerSource) -> None:
    layer = source.layer
    legend = f"{layer.title}: {colours_of(layer).words}"
    stream.write(f"<Folder>\n<name>{_text(layer.title)}</name>\n<Snippet>{_text(legend)}</Snippet>\n")
    names = [field.name for field in layer.fields]
    opening = [f"<SimpleData name={quoteattr(_clean(name))}>" for name in names]
    head, schema = (
        f"<styleUrl>#{_style_id(layer)}</styleUrl>",
        f"<SchemaData schemaUrl={quoteattr('#' + _schema_id(layer))}>",
    )
    for batch in source.batches():
        shapes = geometry_texts(shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False)))
        columns = [[_value(value) for value in batch.column(name).to_pylist()] for name in names]
        labels = columns[names.index(layer.label)]
        for number, shape in enumerate(shapes):
            data = "".join(
                f"{tag}{column[number]}</SimpleData>"
                for tag, column in zip(opening, columns, strict=True)
                if column[number] is not None
            )
            stream.write(
                f"<Placemark><name>{labels[number] or ''}</name>{head}"
                f"<ExtendedData>{schema}{data}</SchemaData></ExtendedData>{shape}</Placemark>\n"
            )
    stream.write("</Folder>\n")


def _value(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    return _text(value) if isinstance(value, str) else str(value)


def _clean(text: str) -> str:
    return text.translate(_CONTROL)


def _text(text: str) -> str:
    return escape(_clean(text))


def _schema_id(layer: ExportLayer) -> str:
    return "schema_" + _xml_id(layer)


def _style_id(layer: ExportLayer) -> str:
    return "style_" + _xml_id(layer)


def _xml_id(layer: ExportLayer) -> str:
    return "".join(
        character if character.isascii() and character.isalnum() else f"_{ord(character):x}_"
        for character in layer.name
    )


def _kml_colour(colour: str, opacity: int = 0xFF) -> str:
    """KML writes alpha, blue, green, red."""
    red, green, blue = colour[1:3], colour[3:5], colour[5:7]
    return f"{opacity:02x}{blue}{green}{red}".lower()


# --- Shapes ---


def geometry_texts(shapes: np.ndarray) -> Iterator[str]:
    """The KML geometry elements, made from well-known text: the numbers stay, only the punctuation differs."""
    for text in shapely.to_wkt(shapely.orient_polygons(rounded(shapes)), rounding_precision=FULL_DECIMALS):
        kind, _, rest = text.partition(" ")
        yield _ELEMENTS[kind](rest)


def _points(text: str) -> str:
    """Makes "x,y x,y" of "x y, x y"."""
    return ",".join(text.split(" ")).replace(",,", " ")


def _polygon(text: str) -> str:
    outer, *inner = text.strip("()").split("), (")
    holes = "".join(
        f"<innerBoundaryIs><LinearRing><coordinates>{_points(hole)}</coordinates></LinearRing></innerBoundaryIs>"
        for hole in inner
    )
    ring = f"<LinearRing><coordinates>{_points(outer)}</coordinates></LinearRing>"
    return f"<Polygon><outerBoundaryIs>{ring}</outerBoundaryIs>{holes}</Polygon>"


def _several(text: str, separator: str, element: Callable[[str], str]) -> str:
    parts = text[1:-1].split(separator)
    return f"<MultiGeometry>{''.join(element(part) for part in parts)}</MultiGeometry>"


def _line(text: str) -> str:
    return f"<LineString><coordinates>{_points(text.strip('()'))}</coordinates></LineString>"


def _point(text: str) -> str:
    return f"<Point><coordinates>{_points(text.strip('()'))}</coordinates></Point>"


_ELEMENTS = {
    "POINT": _point,
    "LINESTRING": _line,
    "POLYGON": _polygon,
    "MULTIPOINT": lambda text: _several(text, ", ", _point),
    "MULTILINESTRING": lambda text: _several(text, "), (", _line),
    "MULTIPOLYGON": lambda text: _several(text, ")), ((", _polygon),
}
