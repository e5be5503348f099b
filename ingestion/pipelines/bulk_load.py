"""Loads a file into the county's roll: check the columns, convert every row, then write in one transaction.

Loading the same file again changes nothing, not even `updated_at`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from county_configs.models import County
from ingestion.connectors.files import CsvSource, SourceRow, UnreadableSource
from ingestion.transforms.mapper import Mapping
from ingestion.transforms.validators import Finding, convert_row
from terrafusion.errors import TerraFusionError
from terrafusion.roll.models import Property, Sale, SaleParcel
from terrafusion.roll.querysets import parcel_number_key

BATCH = 2000
# Without these a record is nothing.
NEEDED = ("property_id", "parcel_number", "sale_id", "sale_date", "sale_price")

Row = TypeVar("Row", Property, Sale)


@dataclass
class Tally:
    """What became of the records of one target."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass
class LoadReport:
    """The whole load. Every row read is loaded or rejected."""

    read: int = 0
    rejected_rows: int = 0
    properties: Tally = field(default_factory=Tally)
    sales: Tally = field(default_factory=Tally)
    findings: list[Finding] = field(default_factory=list)


@dataclass
class _Records:
    """Converted records by their key in the county, in file order."""

    properties: dict[str, dict[str, Any]] = field(default_factory=dict)
    sales: dict[str, dict[str, Any]] = field(default_factory=dict)
    sold_on: dict[str, Any] = field(default_factory=dict)  # of the row that described the property


def bulk_load(
    county: County,
    source: CsvSource,
    mapping: Mapping,
    *,
    dry_run: bool = False,
    progress: Callable[[Iterable[SourceRow]], Iterable[SourceRow]] = lambda rows: rows,
) -> LoadReport:
    """Loads the source. Raises before any write when a column is missing or nothing in it can be used.

    A property named by several sale rows is described by the latest sale. Rejected rows are in the report.
    """
    columns = source.columns()
    if missing := mapping.missing_columns(columns):
        raise UnreadableSource(
            f"{source.path.name} lacks the column {', '.join(missing)}; it has {', '.join(columns)}. "
            "Nothing was written."
        )
    report, records = LoadReport(), _Records()
    for row in progress(source.rows()):
        report.read += 1
        _take(row, mapping, county, records, report)
    if report.read == report.rejected_rows:
        raise TerraFusionError(f"{source.path.name} has no usable row; nothing was written.{_first(report)}")
    with transaction.atomic():
        _write(county, records, report)
        if dry_run:
            transaction.set_rollback(True)
    return report


def _take(row: SourceRow, mapping: Mapping, county: County, records: _Records, report: LoadReport) -> None:
    """Converts one source row into the records, or rejects it whole."""
    described, found = convert_row(row.line, row.values, mapping.properties)
    sold, found_in_sale = convert_row(row.line, row.values, mapping.sales)
    findings = [*found, *found_in_sale]
    for fields, values in ((mapping.properties, described), (mapping.sales, sold)):
        needed = [(name, fields[name].column or name) for name in NEEDED if name in fields]
        blank = {column for name, column in needed if values[name] in (None, "")}
        findings += [Finding(row.line, column, "", "is empty") for column in sorted(blank - _columns(findings))]
    if sold and sold["sale_id"] in records.sales:
        findings.append(Finding(row.line, "sale_id", sold["sale_id"], "stands twice in the file; the first is kept"))
    report.findings += findings
    if any(not each.is_warning for each in findings):
        report.rejected_rows += 1
        return
    if described:
        day = sold.get("sale_date")
        known = records.sold_on.get(described["property_id"])
        if known is None or day is None or day >= known:
            records.properties[described["property_id"]] = _without_none(described)
            records.sold_on[described["property_id"]] = day
    if sold:
        sold = _without_none(sold)
        sold.setdefault("property_id", described.get("property_id"))
        sold["is_valid"] = sold.get("validity_code", "") in county.settings.sales.valid_codes
        records.sales[sold["sale_id"]] = sold


def _columns(findings: list[Finding]) -> set[str]:
    return {each.column for each in findings}


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    """Unknown values keep the model's default: null where it may be, empty text otherwise."""
    return {name: value for name, value in values.items() if value is not None}


def _write(county: County, records: _Records, report: LoadReport) -> None:
    for values in records.properties.values():
        values["parcel_number_key"] = parcel_number_key(values["parcel_number"])
    _upsert(Property, "property_id", county, records.properties, report.properties)
    parcels = {sale_id: values.pop("property_id") for sale_id, values in records.sales.items()}
    _upsert(Sale, "sale_id", county, records.sales, report.sales)
    _link(county, parcels)


def _upsert(model: type[Row], key: str, county: County, records: dict[str, dict[str, Any]], tally: Tally) -> None:
    """Creates what is new, updates what differs, leaves the rest alone."""
    keys = list(records)
    for start in range(0, len(keys), BATCH):
        batch = {each: records[each] for each in keys[start : start + BATCH]}
        rows = model._default_manager.filter(county=county, **{f"{key}__in": list(batch)})
        present = {getattr(row, key): row for row in rows}
        new = [model(county=county, **values) for each, values in batch.items() if each not in present]
        changed, names = [], set()
        for each, row in present.items():
            different = {name: value for name, value in batch[each].items() if getattr(row, name) != value}
            if different:
                for name, value in different.items():
                    setattr(row, name, value)
                row.updated_at = timezone.now()
                changed.append(row)
                names |= set(different)
        model._default_manager.bulk_create(new, batch_size=BATCH)
        if changed:
            model._default_manager.bulk_update(changed, [*names, "updated_at"], batch_size=500)
        tally.created += len(new)
        tally.updated += len(changed)
        tally.unchanged += len(present) - len(changed)


def _link(county: County, parcels: dict[str, str | None]) -> None:
    """Ties each sale to the property it conveyed, where the roll has it."""
    wanted = {sale_id: property_id for sale_id, property_id in parcels.items() if property_id}
    sales = dict(Sale.objects.in_county(county).values_list("sale_id", "pk"))
    properties = dict(Property.objects.in_county(county).values_list("property_id", "pk"))
    SaleParcel.objects.bulk_create(
        [
            SaleParcel(sale_id=sales[sale_id], roll_property_id=properties[property_id])
            for sale_id, property_id in wanted.items()
            if property_id in properties
        ],
        batch_size=BATCH,
        ignore_conflicts=True,  # tied by an earlier load
    )


def _first(report: LoadReport) -> str:
    if not report.findings:
        return ""
    first = report.findings[0]
    return f" The first fault: line {first.line}, {first.column} {first.value!r}: {first.reason}."
