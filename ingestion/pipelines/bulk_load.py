"""Loads a file into the county's roll: check the columns, convert every row, then write in one transaction.

Loading the same file again changes nothing, not even `updated_at`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, models, transaction
from django.utils import timezone

from county_configs.models import County
from ingestion.connectors.files import CsvSource, SourceRow, UnreadableSource
from ingestion.transforms.mapper import PROPERTY_FIELDS, SALE_FIELDS, VALUE_FIELDS, Mapping
from ingestion.transforms.validators import Finding, convert_row
from terrafusion.errors import TerraFusionError
from terrafusion.roll.models import AssessedValue, Property, Sale, SaleParcel
from terrafusion.roll.querysets import parcel_number_key

BATCH = 2000


@dataclass
class Tally:
    """What became of the records of one target."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass
class LoadReport:
    """The whole load. Every row read is loaded or rejected; a finding that is a warning cost only its value."""

    read: int = 0
    rejected_rows: int = 0
    properties: Tally = field(default_factory=Tally)
    sales: Tally = field(default_factory=Tally)
    assessed_values: Tally = field(default_factory=Tally)
    findings: list[Finding] = field(default_factory=list)

    @property
    def dropped_values(self) -> int:
        return sum(each.is_warning for each in self.findings)


class NoUsableRow(TerraFusionError):
    """Every row was rejected, so source and mapping do not belong together; the report has the reasons."""

    def __init__(self, message: str, report: LoadReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass
class _Parcels:
    """The properties a deed conveys, by property_id."""

    lines: dict[str, int] = field(default_factory=dict)  # of the accepted rows
    named: set[str] = field(default_factory=set)  # by rejected rows too: two parcels do not sell as one


@dataclass
class _Records:
    """Converted records by their key in the county, in file order."""

    properties: dict[str, dict[str, Any]] = field(default_factory=dict)
    sales: dict[str, dict[str, Any]] = field(default_factory=dict)
    parcels: dict[str, _Parcels] = field(default_factory=dict)
    values: dict[tuple[str, int, int], dict[str, Any]] = field(default_factory=dict)  # property, tax year, supplement
    described_on: dict[str, date] = field(default_factory=dict)  # date of the sale whose row describes the property


def bulk_load(
    county: County,
    source: CsvSource,
    mapping: Mapping,
    *,
    dry_run: bool = False,
    progress: Callable[[Iterable[SourceRow]], Iterable[SourceRow]] = lambda rows: rows,
) -> LoadReport:
    """Loads the source. Raises before any write when a column is missing or nothing in it can be used.

    A property described by several sale rows is as the latest sale has it. A sale on several rows that agree is one
    deed of several parcels. Any other repetition is rejected and the first row kept. Rejected rows are in the report.
    """
    columns = source.columns()
    if missing := mapping.missing_columns(columns):
        raise UnreadableSource(
            f"{source.path.name} lacks the column {', '.join(missing)}; it has {', '.join(columns)}. "
            "Nothing was written."
        )
    report, records = LoadReport(), _Records()
    today = timezone.now().astimezone(ZoneInfo(county.time_zone)).date()
    for row in progress(source.rows()):
        report.read += 1
        found = _take(row, mapping, today, records)
        report.findings += found
        report.rejected_rows += any(not each.is_warning for each in found)
    if report.read == report.rejected_rows:
        first = f" The first fault: {report.findings[0]}." if report.findings else ""
        raise NoUsableRow(f"{source.path.name} has no usable row; nothing was written.{first}", report)
    with transaction.atomic():
        _write(county, mapping, records, report)
        if dry_run:
            transaction.set_rollback(True)
    report.findings.sort(key=lambda each: each.line)
    return report


def _take(row: SourceRow, mapping: Mapping, today: date, records: _Records) -> list[Finding]:
    """Converts one source row into the records, or rejects it whole; what was found."""
    if row.fault:
        return [Finding(row.line, "", "", row.fault)]
    described, found = convert_row(
        row.line, row.values, mapping.properties, PROPERTY_FIELDS, mapping.required("properties")
    )
    sold, found_in_sale = convert_row(row.line, row.values, mapping.sales, SALE_FIELDS, mapping.required("sales"))
    assessed, found_in_value = convert_row(
        row.line, row.values, mapping.assessed_values, VALUE_FIELDS, mapping.required("assessed_values")
    )
    findings = list(dict.fromkeys([*found, *found_in_sale, *found_in_value]))  # one column may feed several
    named = (sold.pop("property_id", None), assessed.pop("property_id", None), described.get("property_id"))
    property_id = next((each for each in named if each), None)
    findings += _faults_of_value(row.line, assessed)
    if sold:
        findings += _faults_of_sale(row.line, sold, property_id, mapping, today, records)
    elif described and property_id in records.properties:
        findings.append(_repeated(row.line, "property_id", property_id, mapping.properties["property_id"].column))
    if any(not each.is_warning for each in findings):
        return findings
    if described:
        day = sold.get("sale_date", today)
        if day >= records.described_on.get(property_id, day):
            records.properties[property_id] = described
            records.described_on[property_id] = day
    if sold:
        records.sales.setdefault(sold["sale_id"], sold)
        records.parcels[sold["sale_id"]].lines[property_id] = row.line
    if assessed and property_id:
        records.values[property_id, assessed["tax_year"], assessed.setdefault("supplement", 0)] = assessed
    return findings


def _faults_of_value(line: int, assessed: dict[str, Any]) -> list[Finding]:
    land, improvement, total = (assessed.get(f"market_{each}") for each in ("land", "improvement", "total"))
    if land is None or improvement is None or total is None or land + improvement == total:
        return []
    return [Finding(line, "market_total", str(total), f"is not land {land} plus improvement {improvement}")]


def _faults_of_sale(
    line: int, sold: dict[str, Any], property_id: str | None, mapping: Mapping, today: date, records: _Records
) -> list[Finding]:
    """A date to come, or a sale that stands in the file already and is not another parcel of the same deed."""
    findings = []
    if sold["sale_date"] is not None and sold["sale_date"] > today:
        column = mapping.sales["sale_date"].column or "sale_date"
        findings.append(Finding(line, column, sold["sale_date"].isoformat(), "lies in the future"))
    sale_id, column = sold["sale_id"], mapping.sales["sale_id"].column
    if not sale_id or not property_id:
        return findings
    parcels = records.parcels.setdefault(sale_id, _Parcels())
    first = records.sales.get(sale_id)
    if first is not None and property_id in parcels.lines:
        findings.append(_repeated(line, "sale_id", sale_id, column))
    elif first is not None and (other := [name for name in first if sold[name] not in (first[name], None)]):
        findings.append(_repeated(line, "sale_id", sale_id, column, f" with another {', '.join(other)}"))
    else:
        parcels.named.add(property_id)
    return findings


def _repeated(line: int, key: str, value: str, column: str | None, how: str = "") -> Finding:
    return Finding(line, column or key, value, f"stands twice in the file{how}; the first is kept")


def _write(county: County, mapping: Mapping, records: _Records, report: LoadReport) -> None:
    # Two loads of one county take turns. Not the full lock: jobs of the county may be submitted meanwhile.
    County.objects.select_for_update(no_key=True).get(pk=county.pk)
    for values in records.properties.values():
        values["parcel_number_key"] = parcel_number_key(values["parcel_number"])
    _upsert(county, Property, "property_id", records.properties, report.properties)
    _write_values(county, records.values, report.assessed_values)
    if not records.sales:
        return
    new_sales: dict[str, dict[str, Any]] = {}
    valid_codes = county.settings.sales.valid_codes
    for sale_id, values in records.sales.items():
        if "validity_code" in mapping.sales:
            values["is_valid"] = values["validity_code"] in valid_codes
        else:
            new_sales[sale_id] = {"is_valid": "" in valid_codes}
        if "parcel_count" not in mapping.sales:
            values["parcel_count"] = len(records.parcels[sale_id].named)
    links = _Links.between(county, records.parcels, report)
    _upsert(county, Sale, "sale_id", records.sales, report.sales, only_new=new_sales, touched=links.sale_ids)
    links.write(county)


def _write_values(county: County, values: dict[tuple[str, int, int], dict[str, Any]], tally: Tally) -> None:
    """Assessed values by property, tax year and supplement; those of properties not on the roll are refused whole."""
    for keys in _batches(list(values)):
        named = {property_id for property_id, _, _ in keys}
        of_roll = Property.objects.in_county(county).filter(property_id__in=named)
        pks: dict[str, int] = dict(of_roll.values_list("property_id", "pk"))
        if absent := sorted(named - set(pks)):
            raise TerraFusionError(f"Assessed values name {len(absent)} unknown properties, for example {absent[0]}.")
        rows = AssessedValue.objects.filter(roll_property__in=pks.values(), tax_year__in={key[1] for key in keys})
        present = {(row.roll_property_id, row.tax_year, row.supplement): row for row in rows}
        new, changed, names = [], [], list(values[keys[0]])
        for key in keys:
            row = present.get((pks[key[0]], *key[1:]))
            if row is None:
                new.append(AssessedValue(roll_property_id=pks[key[0]], **values[key]))
            elif any(getattr(row, name) != values[key][name] for name in names):
                for name in names:
                    setattr(row, name, values[key][name])
                changed.append(row)
        AssessedValue.objects.bulk_create(new, batch_size=BATCH)
        AssessedValue.objects.bulk_update(changed, names, batch_size=200)
        tally.created += len(new)
        tally.updated += len(changed)
        tally.unchanged += len(keys) - len(new) - len(changed)


def _upsert(
    county: County,
    model: type[Property] | type[Sale],
    key: str,
    records: dict[str, dict[str, Any]],
    tally: Tally,
    *,
    only_new: dict[str, dict[str, Any]] | None = None,
    touched: Iterable[str] = (),
) -> None:
    """Creates what is new, updates what differs or was touched, leaves the rest alone.

    only_new: further values, by key, that an existing row keeps as it has them.
    """
    for keys in _batches(list(records)):
        names = list(records[keys[0]])  # every record of a load has the same fields
        rows = model._default_manager.filter(county=county, **{f"{key}__in": keys}).values("pk", *names)
        present = {row[key]: row for row in rows}
        new = [
            model(county=county, **records[each], **(only_new or {}).get(each, {}))
            for each in keys
            if each not in present
        ]
        changed = [
            {"pk": row["pk"], **records[each]}
            for each, row in present.items()
            if each in touched or any(row[name] != value for name, value in records[each].items())
        ]
        model._default_manager.bulk_create(new, batch_size=BATCH)
        _update(model, names, changed)
        tally.created += len(new)
        tally.updated += len(changed)
        tally.unchanged += len(present) - len(changed)


def _update(model: type[models.Model], names: list[str], rows: list[dict[str, Any]]) -> None:
    """One prepared statement for all rows: many times faster than bulk_update, and it never sends the geometry."""
    if not rows:
        return
    now = timezone.now()
    fields = [model._meta.get_field(name) for name in [*names, "updated_at"]]
    quoted = connection.ops.quote_name
    assignments = ", ".join(f"{quoted(each.column)} = %s" for each in fields)
    where = f"{quoted(model._meta.pk.column)} = %s"
    statement = f"UPDATE {quoted(model._meta.db_table)} SET {assignments} WHERE {where}"  # noqa: S608 - our names
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [
                [each.get_db_prep_save((row | {"updated_at": now})[each.name], connection) for each in fields]
                + [row["pk"]]
                for row in rows
            ],
        )


@dataclass
class _Links:
    """Which parcels the sales of the file conveyed, against what the roll has: what to tie and what to untie."""

    missing: list[tuple[str, int]]  # sale_id, key of the property
    stale: list[int]  # keys of SaleParcel
    sale_ids: set[str]  # the sales concerned

    @classmethod
    def between(cls, county: County, parcels: dict[str, _Parcels], report: LoadReport) -> _Links:
        """Compares, and reports properties that are not on the roll; their sales are kept all the same."""
        named = list(dict.fromkeys(property_id for each in parcels.values() for property_id in each.lines))
        on_roll: dict[str, int] = {}
        for keys in _batches(named):
            rows = Property.objects.in_county(county).filter(property_id__in=keys)
            on_roll.update(rows.values_list("property_id", "pk"))
        tied: dict[str, dict[str, int]] = {}
        for keys in _batches(list(parcels)):
            rows = SaleParcel.objects.filter(sale__county=county, sale__sale_id__in=keys)
            for sale_id, property_id, pk in rows.values_list("sale__sale_id", "roll_property__property_id", "pk"):
                tied.setdefault(sale_id, {})[property_id] = pk
        links = cls([], [], set())
        for sale_id, conveyed in parcels.items():
            links._compare(sale_id, conveyed, on_roll, tied.get(sale_id, {}), report)
        return links

    def _compare(
        self, sale_id: str, conveyed: _Parcels, on_roll: dict[str, int], tied: dict[str, int], report: LoadReport
    ) -> None:
        for property_id, line in conveyed.lines.items():
            if property_id not in on_roll:
                reason = "is not on the roll; the sale is kept without it"
                report.findings.append(Finding(line, "property_id", property_id, reason, is_warning=True))
            elif property_id not in tied:
                self.missing.append((sale_id, on_roll[property_id]))
                self.sale_ids.add(sale_id)
        if stale := [pk for property_id, pk in tied.items() if property_id not in conveyed.named]:
            self.stale += stale
            self.sale_ids.add(sale_id)

    def write(self, county: County) -> None:
        for keys in _batches(self.stale):
            SaleParcel.objects.filter(pk__in=keys).delete()
        for pairs in _batches(self.missing):
            sales = Sale.objects.in_county(county).filter(sale_id__in={sale_id for sale_id, _ in pairs})
            pks = dict(sales.values_list("sale_id", "pk"))
            SaleParcel.objects.bulk_create(
                SaleParcel(sale_id=pks[sale_id], roll_property_id=property_pk) for sale_id, property_pk in pairs
            )


def _batches(items: Sequence[Any]) -> Iterator[Any]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
