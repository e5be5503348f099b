"""Exports values to the legacy system, in the fixed-width layout that it reads, with their control totals.

The layout is PACS' Appraisal Export (APPRAISAL_INFO). Our own connector reads the same positions, so a file can be
loaded again and compared. Only values that a person has decided on are exported, unless proposed ones are requested.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import OuterRef, Subquery

from county_configs.models import County
from terrafusion.errors import TerraFusionError
from terrafusion.roll.models import AssessedValue, Property, ValueEstimate

# The first and the last position of each column, both included. The first position of a line is 1.
LAYOUT: dict[str, tuple[int, int]] = {
    "prop_id": (1, 12),
    "prop_type_cd": (13, 17),
    "prop_val_yr": (18, 22),
    "sup_num": (23, 34),
    "geo_id": (547, 596),
    "land_hstd_val": (1796, 1810),
    "land_non_hstd_val": (1811, 1825),
    "imprv_hstd_val": (1826, 1840),
    "imprv_non_hstd_val": (1841, 1855),
    "appraised_val": (1916, 1930),
    "assessed_val": (1946, 1960),
    "market_value": (4214, 4227),
}
_NUMBERS = {name for name in LAYOUT if name not in ("prop_type_cd", "geo_id")}
LENGTH = max(end for _, end in LAYOUT.values())


class NothingToExport(TerraFusionError):
    """No property has a value to export."""


@dataclass
class Totals:
    """The control totals of the file, to be compared with the load report of the legacy system."""

    records: int = 0
    land: int = 0
    improvement: int = 0
    market: int = 0
    skipped: int = 0
    sha256: str = ""


def export_values(county: County, tax_year: int, path: Path, *, proposed: bool = False) -> Totals:
    """Writes the file and, beside it, `<name>.totals.json`. Raises NothingToExport and leaves no file."""
    totals = Totals()
    half = path.with_name(f"{path.name}.half")
    digest = hashlib.sha256()
    with half.open("wb") as stream:
        for record in _records(county, tax_year, proposed, totals):
            line = _line(record).encode("latin-1", errors="replace") + b"\r\n"
            digest.update(line)
            stream.write(line)
    if not totals.records:
        half.unlink()
        kind = "proposed" if proposed else "accepted"
        raise NothingToExport(f"{county} has no {kind} value of a property with a land value in {tax_year}.")
    totals.sha256 = digest.hexdigest()
    half.rename(path)
    summary: dict[str, Any] = {"county_id": county.pk, "fips": county.fips, "tax_year": tax_year, **totals.__dict__}
    path.with_name(f"{path.name}.totals.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return totals


def _records(county: County, tax_year: int, proposed: bool, totals: Totals) -> Iterator[dict[str, Any]]:
    """A record for each current property with an estimate, in the order of the property ids."""
    estimates = ValueEstimate.objects.filter(roll_property=OuterRef("pk")).order_by("-valuation_date", "-pk")
    if not proposed:
        estimates = estimates.exclude(decision=ValueEstimate.Decision.PROPOSED)
    values = AssessedValue.objects.of_year(tax_year).filter(roll_property=OuterRef("pk"))
    rows = (
        Property.objects.in_county(county)
        .current()
        .annotate(
            estimated=Subquery(estimates.values("market_value")[:1]),
            decided=Subquery(estimates.values("decided_value")[:1]),
            land=Subquery(values.values("market_land")),
            supplement=Subquery(values.values("supplement")),
        )
        .exclude(estimated=None)
        .order_by("property_id")
        .values_list("property_id", "parcel_number", "property_class", "estimated", "decided", "land", "supplement")
    )
    for property_id, number, kind, estimated, decided, land, supplement in rows.iterator(chunk_size=5000):
        market = estimated if decided is None else decided
        if land is None or market < land:
            totals.skipped += 1  # without a fitting value of the land, the value of the building is unknown
            continue
        building = market - land
        totals.records += 1
        totals.land += land
        totals.improvement += building
        totals.market += market
        yield {
            "prop_id": property_id, "prop_type_cd": kind or "R", "prop_val_yr": tax_year, "sup_num": supplement,
            "geo_id": number, "land_hstd_val": land, "land_non_hstd_val": 0, "imprv_hstd_val": building,
            "imprv_non_hstd_val": 0, "appraised_val": market, "assessed_val": market, "market_value": market,
        }  # fmt: skip


def _line(record: dict[str, Any]) -> str:
    cells = [" "] * LENGTH
    for name, (start, end) in LAYOUT.items():
        width = end - start + 1
        text = str(record[name])
        if len(text) > width:
            raise TerraFusionError(f"Property {record['prop_id']}: {name} {text!r} does not fit {width} positions.")
        numeric = name in _NUMBERS and text.isdigit()
        cells[start - 1 : end] = text.zfill(width) if numeric else text.ljust(width)
    return "".join(cells)
