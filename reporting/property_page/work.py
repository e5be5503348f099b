"""One property on one page: its record card, and the comparables grid of its value estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import User
from county_configs.models import County
from terrafusion.digests import json_digest
from terrafusion.jobs.outcome import Outcome
from terrafusion.roll.comparables_grid import GridLine, grid_lines, value_text
from terrafusion.roll.models import AssessedValue, Owner, Property, SaleParcel, ValueEstimate

from ..delivery import delivered
from ..formats.document import Column, Fact, Report, Section, Table, Value
from ..formats.provenance import facts_of
from ..models import ReportJob, ReportType
from ..ratio_study.sales_from_roll import NothingSelected
from ..roll.roll_reader import names_in_one

YEARS_SHOWN, SALES_SHOWN, IMPROVEMENTS_SHOWN = 5, 6, 6
MOST_COMPARABLES = 6  # as many columns as fit on a page


def make(job: ReportJob) -> Outcome:
    subject = Property.objects.in_county(job.county).current().filter(property_id=job.parameters["property_id"]).first()
    if subject is None:
        raise NothingSelected(f"Property {job.parameters['property_id']} is no longer on the roll of {job.county_id}.")
    estimate = _estimate(subject, job.parameters.get("valuation_job_id"))
    if job.report_type == ReportType.COMPARABLES_GRID:
        if estimate is None:
            raise NothingSelected(f"Property {subject.property_id} has no value estimate; run a valuation first.")
        return delivered(job, comparables_grid(job.county, subject, estimate))
    owner = _owner(subject, job.submitted_by) if job.shows_owner_names else None
    return delivered(job, record_card(job.county, subject, estimate, owner))


def _estimate(subject: Property, job_id: str | None) -> ValueEstimate | None:
    """The newest estimate of the property, or that of the named valuation job.

    Raises NothingSelected when that job did not value the property.
    """
    estimates = ValueEstimate.objects.filter(roll_property=subject)
    if job_id is None:
        return estimates.order_by("-created_at", "-pk").first()
    estimate = estimates.filter(job__pk=job_id).first()
    if estimate is None:
        raise NothingSelected(f"valuation_job_id: job {job_id} did not value property {subject.property_id}.")
    return estimate


def _facts(county: County, subject: Property, estimate: ValueEstimate | None, content: Any) -> list[Fact]:
    job = "none" if estimate is None else str(estimate.job_id)
    more = {
        "property_id": ("Property", subject.property_id),
        "valuation_job": ("Valuation job", job),
    }
    return facts_of(county, None, {}, json_digest(content), more=more)


# --- The record card ---


def record_card(county: County, subject: Property, estimate: ValueEstimate | None, owner: str | None) -> Report:
    """The description, values and sales of the property on the roll, and the estimate of its market value.

    owner: the text of the owner's line; None leaves the line out.
    """
    tables = [
        _description(subject, owner),
        _improvements(subject),
        _values(subject),
        _sales(subject),
    ]
    if estimate is not None:
        tables.append(_estimate_table(estimate))
    remarks = [] if estimate else ["No value estimate has been made of this property."]
    return Report(
        report_type=ReportType.PROPERTY_RECORD_CARD.value,
        title=f"Property record card {subject.parcel_number}",
        subtitle=f"{subject.situs_address or 'No situs address'}, {county}",
        facts=_facts(county, subject, estimate, [table.records() for table in tables]),
        headline={
            "property_id": subject.property_id,
            "market_value": estimate.market_value if estimate else None,
            "assessed_value": tables[2].records()[0]["market_total"] if tables[2].rows else None,
        },
        sections=[Section("Record", remarks, tables)],
        single_page=True,
    )


def _owner(subject: Property, reader: User | None) -> str:
    owners: Any = Owner.objects.filter(roll_property=subject).of_latest_year().by_share().shown_to(reader)
    return names_in_one(owners.values_list("shown_name", flat=True))


def _description(subject: Property, owner: str | None) -> Table:
    """A table with two facts on a line, so that it fits on the page."""
    known: list[tuple[str, Any]] = [] if owner is None else [("Owner", owner)]
    known += [
        ("Property", subject.property_id), ("Parcel number", subject.parcel_number),
        ("Type", subject.get_property_type_display()),
        ("Class / use code", f"{subject.property_class} / {subject.use_code}"),
        ("Neighborhood", subject.neighborhood), ("Tax area", subject.tax_code_area),
        ("Situs", ", ".join(part for part in (subject.situs_address, subject.situs_city, subject.zip_code) if part)),
        ("Acres", subject.acres), ("Legal", subject.legal_description[:200]),
        ("Living area, sq ft", subject.living_area_sqft), ("Basement, sq ft", subject.basement_sqft),
        ("Garage, sq ft", subject.garage_sqft),
        ("Year built / effective", _pair(subject.year_built, subject.effective_year)),
        ("Quality / condition", _pair(subject.quality, subject.condition)),
        ("Bedrooms / baths", _pair(subject.bedrooms, subject.baths)), ("Stories", subject.stories),
        ("Lot, sq ft", subject.lot_sqft), ("View / waterfront", _pair(subject.view, subject.waterfront)),
    ]  # fmt: skip
    shown = [(label, value_text(value)) for label, value in known if value not in (None, "")]
    if len(shown) % 2:
        shown.append(("", ""))
    columns = (
        Column("fact", "Fact"), Column("value", "Value"), Column("fact_2", "Fact"), Column("value_2", "Value"),
    )  # fmt: skip
    rows = [[*left, *right] for left, right in zip(shown[::2], shown[1::2], strict=True)]
    return Table("description", "Description", columns, rows)


def _pair(first: Any, second: Any) -> str | None:
    return None if first is None and second is None else f"{value_text(first)} / {value_text(second)}"


def _improvements(subject: Property) -> Table:
    columns = (
        Column("improvement_number", "No."), Column("improvement_type", "Improvement"),
        Column("year_built", "Year built", "text"), Column("area_sqft", "Area, sq ft", "integer"),
        Column("quality", "Quality", "number", 1), Column("condition", "Condition", "number", 1),
        Column("value", "Value", "dollars"),
    )  # fmt: skip
    rows = (
        subject.improvements.current().order_by("improvement_number").values_list(*(column.name for column in columns))
    )
    return Table("improvements", "Improvements", columns, list(rows), shown_rows=IMPROVEMENTS_SHOWN)


def _values(subject: Property) -> Table:
    columns = (
        Column("tax_year", "Tax year"), Column("market_land", "Land", "dollars"),
        Column("market_improvement", "Improvement", "dollars"), Column("market_total", "Total", "dollars"),
        Column("new_construction", "New construction", "dollars"), Column("taxable_value", "Taxable", "dollars"),
        Column("status", "Status"),
    )  # fmt: skip
    values = AssessedValue.objects.filter(roll_property=subject).of_latest_supplements().order_by("-tax_year")
    rows = [list(value) for value in values.values_list(*(column.name for column in columns))]
    return Table("assessed_values", "Assessed values", columns, rows, shown_rows=YEARS_SHOWN)


def _sales(subject: Property) -> Table:
    """The sales of the property, without grantor and grantee, which are personal data."""
    columns = (
        Column("sale_date", "Sale date", "date"), Column("sale_price", "Sale price", "dollars"),
        Column("instrument", "Instrument"), Column("validity_code", "Validity"),
        Column("parcel_count", "Parcels", "integer"),
    )  # fmt: skip
    sales = SaleParcel.objects.current().filter(roll_property=subject).order_by("-sale__sale_date", "-pk")
    rows = [list(sale) for sale in sales.values_list(*(f"sale__{column.name}" for column in columns))]
    return Table("sales", "Sales", columns, rows, shown_rows=SALES_SHOWN)


def _estimate_table(estimate: ValueEstimate) -> Table:
    decided = "" if estimate.decided_value is None else f"; decided ${estimate.decided_value:,}"
    columns = (
        Column("valuation_date", "Valuation date", "date"), Column("market_value", "Market value", "dollars"),
        Column("market_value_low", "90 % interval from", "dollars"), Column("market_value_high", "to", "dollars"),
        Column("confidence", "Confidence"), Column("decision", "Decision"),
    )  # fmt: skip
    row: list[Value] = [
        estimate.valuation_date, estimate.market_value, estimate.market_value_low, estimate.market_value_high,
        estimate.confidence, f"{estimate.get_decision_display()}{decided}",
    ]  # fmt: skip
    return Table("value_estimate", "Value by comparable sales", columns, [row])


# --- The comparables grid ---


def comparables_grid(county: County, subject: Property, estimate: ValueEstimate) -> Report:
    """The grid that an appraiser reads: a column for the subject and every comparable, a line for every adjustment."""
    comparables: list[dict[str, Any]] = estimate.grid.get("comparables", [])
    # Retired properties are included, so that a comparable that left the roll after the estimate has its address.
    places = Property.objects.in_county(county).filter(
        property_id__in=[comparable["property_id"] for comparable in comparables]
    )
    situs = dict(places.values_list("property_id", "situs_address"))
    warnings = [
        f"{comparable['property_id']}: {' '.join(comparable['warnings'])}"
        for comparable in comparables
        if comparable["warnings"]
    ]
    explanation = [
        f"Market value ${estimate.market_value:,} as of {estimate.valuation_date}; 90 % interval "
        f"${estimate.market_value_low:,} to ${estimate.market_value_high:,}; confidence {estimate.confidence}.",
        "Adjusted price = sale price plus its lines. Market value = adjusted prices by their weights.",
        *estimate.grid.get("confidence_reasons", []),
        *estimate.grid.get("warnings", []),
    ]
    tables = [
        _grid(subject, comparables[:MOST_COMPARABLES], situs),
        _comparables_table(comparables, situs),
        _adjustments_table(comparables),
    ]
    return Report(
        report_type=ReportType.COMPARABLES_GRID.value,
        title=f"Comparables grid {subject.parcel_number}",
        subtitle=f"{subject.situs_address or 'No situs address'}, {county}",
        facts=_facts(county, subject, estimate, estimate.grid),
        headline={
            "property_id": subject.property_id,
            "market_value": estimate.market_value,
            "market_value_low": estimate.market_value_low,
            "market_value_high": estimate.market_value_high,
            "comparables": len(comparables),
        },
        sections=[Section("Sales comparison", explanation, tables), Section("Remarks", warnings)],
        single_page=True,
        landscape=True,
    )


def _grid(subject: Property, comparables: Sequence[Mapping[str, Any]], situs: Mapping[str, str]) -> Table:
    """The grid as texts. The tables of comparables and adjustments have its numbers."""
    columns = [Column("line", ""), Column("subject", "Subject")]
    columns += [Column(f"comparable_{number}", f"Comparable {number}") for number in range(1, len(comparables) + 1)]
    lines = grid_lines(subject.property_id, comparables)
    places = [situs.get(comparable["property_id"], "") for comparable in comparables]
    lines.insert(1, GridLine("Situs", subject.situs_address, places))
    return Table(
        "grid",
        "Grid",
        columns,
        [[line.label, line.subject, *line.comparables] for line in lines],
        place="pages",
        total_rows=[position for position, line in enumerate(lines) if line.is_total],
    )


def _comparables_table(comparables: Sequence[Mapping[str, Any]], situs: Mapping[str, str]) -> Table:
    columns = (
        Column("sale_id", "Sale"), Column("property_id", "Property"), Column("situs_address", "Situs"),
        Column("sale_date", "Sale date"), Column("sale_price", "Sale price", "dollars"),
        Column("distance_miles", "Miles away", "number", 2),
        Column("adjusted_sale_price", "Adjusted price", "dollars"), Column("net_percent", "Net, %", "number", 1),
        Column("gross_percent", "Gross, %", "number", 1), Column("weight", "Weight", "number", 6),
    )  # fmt: skip
    rows: list[list[Value]] = []
    for comparable in comparables:
        known = {
            **comparable,
            "situs_address": situs.get(comparable["property_id"], ""),
            "weight": float(comparable["weight"]),
        }
        rows.append([known[column.name] for column in columns])
    return Table("comparables", "Comparables", columns, rows, place="data")


def _adjustments_table(comparables: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        Column("sale_id", "Sale"), Column("name", "Adjustment"), Column("subject", "Subject"),
        Column("comparable", "Comparable"), Column("amount", "Amount", "dollars"), Column("source", "Rate from"),
    )  # fmt: skip
    rows: list[list[Value]] = [
        [comparable["sale_id"], *(line[column.name] for column in columns[1:])]
        for comparable in comparables
        for line in comparable["adjustments"]
    ]
    return Table("adjustments", "Adjustments", columns, rows, place="data")
