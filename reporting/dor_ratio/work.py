"""The work of a Washington ratio report: it reads and sorts the sales, and reports the indicated ratio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet

from county_configs.models import County
from terrafusion.digests import json_digest
from terrafusion.jobs.outcome import Outcome
from terrafusion.roll.models import AssessedValue, Sale, SaleParcel
from terrafusion.roll.querysets import SaleQuerySet
from terrafusion.roll.sale_fitness import LeftOut

from ..county_settings import DorRatioSection
from ..delivery import delivered
from ..formats.document import Column, Report, Section, Table
from ..formats.provenance import facts_of
from ..models import ReportJob
from ..ratio_study.sales_from_roll import NothingSelected, require_tax_year
from ..roll.roll_reader import values_of_year
from .indicated_ratio import (
    DEDUCTION_PERCENT,
    INVALID_REASONS,
    OTHER_CODE,
    OTHER_LAND_USE,
    DorSale,
    IndicatedRatio,
    SaleWindow,
    SortedSales,
    Strata,
    assessment_year_of,
    county_indicated_ratio,
    sale_window,
    sort_sales,
)

AT_A_TIME = 5000
MOST_LISTED = 5000  # sales in a PDF; the Department wants to see them all


def make(job: ReportJob) -> Outcome:
    parameters, county = job.parameters, job.county
    if county.state != "WA":
        raise NothingSelected(f"The report follows Washington's WAC 458-53; {county} is not in Washington.")
    as_of = _as_of(job)
    year = parameters.get("year") or assessment_year_of(as_of)
    window = sale_window(year, as_of)
    require_tax_year(county, year)
    section = county.section(DorRatioSection)
    strata = Strata({**section.land_use_strata}, section.value_strata)
    sales = _sales(county, year, window, section)
    if not sales:
        raise NothingSelected(f"{county.pk} has no sale from {window.first} to {window.last}.")
    sorted_sales = sort_sales(sales, section.instruments)
    indicated = county_indicated_ratio(sorted_sales.valid, _county_values(county, year, strata), strata)
    return delivered(job, _report(county, year, window, sorted_sales, indicated, sales))


def _as_of(job: ReportJob) -> date:
    if "as_of" in job.parameters:
        return date.fromisoformat(job.parameters["as_of"])
    return job.created_at.astimezone(ZoneInfo(job.county.time_zone)).date()


# --- Reading ---


def _sales(county: County, year: int, window: SaleWindow, section: DorRatioSection) -> list[DorSale]:
    """Every sale of the window with all its parcels, oldest first."""
    current = Sale.objects.in_county(county).current()
    in_window = current.filter(sale_date__gte=window.first, sale_date__lte=window.last)
    valid = set(in_window.valid().values_list("pk", flat=True))
    reasons = _reasons_of_the_roll(in_window)
    parcels: dict[int, list[tuple[int, str, str]]] = {}
    links = SaleParcel.objects.filter(sale__in=in_window).order_by("pk")
    fields = ("sale_id", "roll_property_id", "roll_property__parcel_number", "roll_property__use_code")
    for sale, key, parcel_number, use_code in links.values_list(*fields):
        parcels.setdefault(sale, []).append((key, parcel_number, use_code))
    now, prior = _values(links, year), _values(links, year - 1)
    columns = ("pk", "sale_id", "instrument", "sale_date", "sale_price", "validity_code", "parcel_count")
    sales = []
    for pk, sale_id, instrument, sale_date, price, code, count in in_window.order_by(
        "sale_date", "sale_id"
    ).values_list(*columns):
        own = parcels.get(pk, [])
        reason = reasons.get(pk, "")
        has_all = len(own) >= count
        sales.append(
            DorSale(
                affidavit=sale_id,
                instrument=instrument,
                parcel_numbers=tuple(parcel_number for _, parcel_number, _ in own),
                sale_date=sale_date,
                sale_price=price,
                use_code=own[0][2] if own else "",
                assessed_value=_sum([now.get(key) for key, _, _ in own], has_all),
                prior_assessed_value=_sum([prior.get(key) for key, _, _ in own], has_all),
                invalid_code=_invalid_code(pk in valid, reason, section.invalid_codes.get(code, OTHER_CODE)),
                note=reason if pk in valid else "" if code in section.invalid_codes else code,
            )
        )
    return sales


def _reasons_of_the_roll(sales: SaleQuerySet) -> dict[int, str]:
    """By sale, why its price is not that of the property as the roll describes it now. Sound sales are not in it."""
    links: Any = SaleParcel.objects.filter(sale__in=sales).left_out_as(LeftOut.BEFORE_BUILT, LeftOut.DUPLICATE)
    return {pk: LeftOut(reason).label for pk, reason in links.values_list("sale_id", "left_out")}


def _invalid_code(is_valid: bool, reason: str, code: int) -> int:
    """The number of WAC 458-53-080; 0 for a valid sale. reason: the roll's own. code: that of the validity code."""
    if not is_valid:
        return code
    return OTHER_CODE if reason else 0


def _values(links: QuerySet[SaleParcel], year: int) -> dict[int, int]:
    values = AssessedValue.objects.of_year(year).filter(roll_property__in=links.values("roll_property"))
    return dict(values.values_list("roll_property_id", "market_total"))


def _sum(values: Sequence[int | None], has_all: bool) -> int | None:
    """Dollars of all parcels of a sale; None when one is not on the roll or has no value. has_all: all are on it."""
    known = [value for value in values if value is not None]
    return sum(known) if has_all and known and len(known) == len(values) else None


def _county_values(county: County, year: int, strata: Strata) -> dict[tuple[str, int], int]:
    """Assessed dollars by stratum. Property in current use and wholly exempt property do not count."""
    values = values_of_year(county, year, {}).filter(current_use_value=None, exempt_value__lt=F("market_total"))
    dollars: dict[tuple[str, int], int] = {}
    rows = values.values_list("roll_property__use_code", "market_total").iterator(chunk_size=AT_A_TIME)
    for use_code, total in rows:
        key = strata.land_use(use_code), strata.value_stratum(total)
        dollars[key] = dollars.get(key, 0) + total
    return dollars


# --- The report ---

_SALE_COLUMNS = (
    Column("affidavit", "Affidavit"),
    Column("instrument", "Instrument"),
    Column("parcel_numbers", "Parcel number"),
    Column("sale_date", "Sale date", "date"),
    Column("sale_price", "Sale price", "dollars"),
    Column("adjusted_price", "Price less 1 %", "dollars"),
    Column("land_use_code", "Land use"),
    Column("assessed_value", "Assessed value", "dollars"),
    Column("prior_assessed_value", "Prior value", "dollars"),
    Column("ratio", "Ratio", "number", 4),
)


def _sale_row(sale: DorSale) -> list[str | int | float | date | None]:
    return [
        sale.affidavit, sale.instrument, "; ".join(sale.parcel_numbers), sale.sale_date, sale.sale_price,
        sale.adjusted_price, sale.use_code, sale.assessed_value, sale.prior_assessed_value, sale.ratio,
    ]  # fmt: skip


def _report(
    county: County,
    year: int,
    window: SaleWindow,
    sorted_sales: SortedSales,
    indicated: IndicatedRatio,
    sales: Sequence[DorSale],
) -> Report:
    state = "" if window.is_complete else f" (dry run: the window stays open until {window.end})"
    more = {
        "sales_from": ("Sales from", window.first.isoformat()),
        "sales_to": ("Sales to", f"{window.last}{state}"),
        "deduction_percent": ("Deduction from the price, percent", DEDUCTION_PERCENT),
    }
    trimmed = "Washington: ratio under 25 % or over 175 %, unless more than 5 % of the valid sales"
    digest = json_digest([[*map(str, _sale_row(sale)), sale.invalid_code] for sale in sales])
    return Report(
        report_type="dor_ratio_report",
        title=f"Ratio report, assessment year {year}",
        subtitle=f"{county}: WAC 458-53{', dry run' if state else ''}",
        facts=facts_of(county, year, {}, digest, trim_rule=trimmed, more=more),
        headline={
            "indicated_ratio": indicated.ratio,
            "assessed_value": indicated.assessed_value,
            "market_value": indicated.market_value,
            "valid_sales": len(sorted_sales.valid),
            "invalid_sales": len(sorted_sales.invalid),
            "dry_run": not window.is_complete,
        },
        findings=_findings(window, sorted_sales, indicated),
        sections=[_summary_section(indicated), _valid_section(sorted_sales), _invalid_section(sorted_sales)],
        landscape=True,
    )


def _findings(window: SaleWindow, sorted_sales: SortedSales, indicated: IndicatedRatio) -> list[str]:
    findings = [
        f"Indicated ratio of real property: {100 * indicated.ratio:.1f} %.",
        f"{len(sorted_sales.valid):,} valid and {len(sorted_sales.invalid):,} invalid sales from {window.first} to "
        f"{window.last}.",
    ]
    borrowed = [
        stratum for stratum in indicated.strata if stratum.ratio_from != "stratum" and stratum.county_assessed_value
    ]
    if borrowed:
        findings.append(
            f"{len(borrowed)} strata have no valid sale and take the ratio of their land use or the county."
        )
    if sorted_sales.exclusion_note:
        findings.append(sorted_sales.exclusion_note)
    if not window.is_complete:
        findings.append(f"Dry run: sales are counted up to {window.last}; the window closes on {window.end}.")
    return findings


def _summary_section(indicated: IndicatedRatio) -> Section:
    columns = (
        Column("land_use", "Land use"),
        Column("value_stratum", "Assessed value"),
        Column("sales", "Sales", "integer"),
        Column("total_assessed_value", "Total AV of sales", "dollars"),
        Column("total_adjusted_price", "Total price less 1 %", "dollars"),
        Column("average_assessed_value", "Average AV", "dollars"),
        Column("average_adjusted_price", "Average price", "dollars"),
        Column("ratio", "Ratio", "number", 4),
        Column("ratio_from", "Ratio of"),
        Column("county_assessed_value", "County AV", "dollars"),
        Column("market_value", "Market value indicated", "dollars"),
    )
    rows: list[list[str | int | float | date | None]] = [
        [
            stratum.land_use, stratum.value_stratum, stratum.sales, stratum.sales_assessed_value,
            stratum.sales_adjusted_price,
            stratum.sales_assessed_value / stratum.sales if stratum.sales else None,
            stratum.sales_adjusted_price / stratum.sales if stratum.sales else None,
            stratum.ratio, stratum.ratio_from, stratum.county_assessed_value, stratum.market_value,
        ]
        for stratum in indicated.strata
    ]  # fmt: skip
    number = sum(stratum.sales for stratum in indicated.strata)
    assessed = sum(stratum.sales_assessed_value for stratum in indicated.strata)
    price = sum(stratum.sales_adjusted_price for stratum in indicated.strata)
    rows.append(
        [
            "County", "", number, assessed, price, assessed / number, price / number, indicated.ratio, "indicated",
            indicated.assessed_value, indicated.market_value,
        ]
    )  # fmt: skip
    return Section(
        "Strata and indicated ratio",
        [
            "Ratio of a stratum: average assessed value over average price less 1 %. Market value indicated: the "
            "county's assessed value in the stratum over that ratio. Indicated ratio: assessed value over market value "
            f"of all strata. Property in current use or wholly exempt is left out. {OTHER_LAND_USE}: codes that no "
            "category names.",
        ],
        [Table("strata", "Summary by land use and assessed value", columns, rows, total_rows=[len(rows) - 1])],
        new_page=True,
    )


def _valid_section(sorted_sales: SortedSales) -> Section:
    rows = [_sale_row(sale) for sale in sorted_sales.valid]
    return Section(
        "Valid sales",
        tables=[Table("valid_sales", "Valid sales", _SALE_COLUMNS, rows, shown_rows=MOST_LISTED)],
        new_page=True,
    )


def _invalid_section(sorted_sales: SortedSales) -> Section:
    columns = (*_SALE_COLUMNS, Column("code", "Code", "integer"), Column("reason", "Reason"))
    rows = [[*_sale_row(sale), sale.invalid_code, _reason(sale)] for sale in sorted_sales.invalid]
    counts = Counter(sale.invalid_code for sale in sorted_sales.invalid)
    by_code = Table(
        "invalid_codes",
        "Invalid sales by code",
        (Column("code", "Code", "integer"), Column("reason", "Reason"), Column("sales", "Sales", "integer")),
        [[code, INVALID_REASONS.get(code, f"Code {code}"), number] for code, number in sorted(counts.items())],
    )
    listed = Table("invalid_sales", "Invalid sales", columns, rows, shown_rows=MOST_LISTED)
    return Section("Invalid sales", tables=[by_code, listed], new_page=True)


def _reason(sale: DorSale) -> str:
    reason = INVALID_REASONS.get(sale.invalid_code, f"Code {sale.invalid_code}")
    return f"{reason}: {sale.note}" if sale.note else reason
