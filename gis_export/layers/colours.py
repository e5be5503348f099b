"""The colours of a layer, the same in QGIS, in KML and on the map page. Colour-blind people can tell them apart.

Source: Okabe and Ito, Color Universal Design (2008).
"""

from __future__ import annotations

from dataclasses import dataclass

from .layer import ExportLayer


@dataclass(frozen=True)
class MapColours:
    """fill and line: as #rrggbb. words: the colour's name in a legend."""

    fill: str
    line: str
    words: str


_PALETTE = (
    MapColours("#0072b2", "#004a73", "blue"),
    MapColours("#e69f00", "#8f6300", "orange"),
    MapColours("#009e73", "#00624a", "green"),
    MapColours("#cc79a7", "#7f4b68", "purple"),
    MapColours("#d55e00", "#853a00", "vermilion"),
    MapColours("#56b4e9", "#367091", "sky blue"),
)
_OWN = {
    "parcels": _PALETTE[0], "parcels_basic": _PALETTE[0], "sales": _PALETTE[4], "comparables": _PALETTE[4],
    "assessment_summary": _PALETTE[3], "zoning": _PALETTE[1], "neighborhoods": _PALETTE[2], "zip_areas": _PALETTE[5],
}  # fmt: skip


def colours_of(layer: ExportLayer) -> MapColours:
    """The colours of a layer, which depend on its name alone."""
    return _OWN.get(layer.name) or _PALETTE[sum(layer.name.encode()) % len(_PALETTE)]
