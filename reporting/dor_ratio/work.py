"""The Washington ratio report: reads sales and roll, sorts, computes the indicated ratio, hands over the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet

from county_configs.county_file import DorRatioSection
from county_configs.models import County
from terrafusion.jobs.outcome import Outcome
from terrafusion.roll.models import AssessedValue, Sale, SaleParcel
from terrafusion.roll.querysets import SaleQuerySet
from terrafusion.roll.sale_fitness import LeftOut

from ..delivery import delivered
from ..formats.document import Column, Report, Section, Table
from ..formats.provenance import digest_of, facts_of
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
LISTED = 5000  # sales a PDF lists: the Department wants them all


def make(job: ReportJob) -> Outcome:
    asked, county = job.parameters, job.county
    if county.state != "WA":
        raise NothingSelected(f"The report follows Washington's WAC 458-53; {county} is not in Washington.")
    as_of = _as_of(job)
    year = asked.get("year") or assessment_year_of(as_of)
    window = sale_window(year, as_of)
    require_tax_year(county, year)
    section = county.settings.dor_ratio
    strata = Strata({**section.land_use_strata}, section.value_strata)
    sales = _sales(county, year, window, section)
    if not sales:
        raise NothingSelected(f"{county.pk} has no sale from {window.first} to {window.last}.")
    found = sort_sales(sales, section.instruments)
    indicated = county_indicated_ratio(found.valid, _county_values(county, year, strata), strata)
    return delivered(job, _report(county, year, window, found, indicated, sales))


def _as_of(job: ReportJob) -> date:
    if "as_of" in job.parameters:
        return date.fromisoformat(job.parameters["as_of"])
    return job.created_at.astimezone(ZoneInfo(job.county.time_zone)).date()


# --- Reading ---


def _sales(county: County, year: int, window: SaleWindow, section: DorRatioSection) -> list[DorSale]:
    """Every sale of the window with all its parcels, oldest first."""
    of_county = Sale.objects.in_county(county).current()
    in_window = of_county.filter(sale_date__gte=window.first, sale_date__lte=window.last)
    valid = set(in_window.valid().values_list("pk", flat=True))
    no_sale_of_it = _left_out_by_the_roll(in_window)
    parcels: dict[int, list[tuple[int, str, str]]] = {}
    links = SaleParcel.objects.filter(sale__in=in_window).order_by("pk")
    fields = ("sale_id", "roll_property_id", "roll_property__parcel_number", "roll_property__use_code")
    for sale, key, parcel_number, use_code in links.values_list(*fields):
        parcels.setdefault(sale, []).append((key, parcel_number, use_code))
    now, prior = (_values(links, each) for each in (year, year - 1))
    columns = ("pk", "sale_id", "instrument", "sale_date", "sale_price", "validity_code", "parcel_count")
    sales = []
    for pk, sale_id, instrument, sale_date, price, code, count in in_window.order_by(
        "sale_date", "sale_id"
    ).values_list(*columns):
        of_sale = parcels.get(pk, [])
        reason = no_sale_of_it.get(pk, "")
        whole = len(of_sale) >= count
        sales.append(
            DorSale(
                affidavit=sale_id,
                instrument=instrument,
                parcel_numbers=tuple(each for _, each, _ in of_sale),
                sale_date=sale_date,
                sale_price=price,
                use_code=of_sale[0][2] if of_sale else "",
                assessed_value=_sum([now.get(key) for key, _, _ in of_sale], whole),
                prior_assessed_value=_sum([prior.get(key) for key, _, _ in of_sale], whole),
                invalid_code=_invalid_code(pk in valid, reason, section.invalid_codes.get(code, OTHER_CODE)),
                note=reason if pk in valid else "" if code in section.invalid_codes else code,
            )
        )
    return sales


def _left_out_by_the_roll(sales: SaleQuerySet) -> dict[int, str]:
    """By sale: why its price is not that of the property as the roll describes it now, where it is not."""
    found: Any = SaleParcel.objects.filter(sale__in=sales).left_out_as(LeftOut.BEFORE_BUILT, LeftOut.DUPLICATE)
    return {pk: LeftOut(reason).label for pk, reason in found.values_list("sale_id", "left_out")}


def _invalid_code(is_valid: bool, left_out: str, coded: int) -> int:
    """The number of WAC 458-53-080: 0 for a valid sale."""
    if not is_valid:
        return coded
    return OTHER_CODE if left_out else 0


def _values(links: QuerySet[SaleParcel], year: int) -> dict[int, int]:
    values = AssessedValue.objects.of_year(year).filter(roll_property__in=links.values("roll_property"))
    return dict(values.values_list("roll_property_id", "market_total"))


def _sum(values: Sequence[int | None], whole: bool) -> int | None:
    known = [each for each in values if each is not None]
    return sum(known) if whole and known and len(known) == len(values) else None


def _county_values(county: County, year: int, strata: Strata) -> dict[tuple[str, int], int]:
    """Assessed dollars by stratum. Left out: property in current use, studied apart, and wholly exempt property."""
    values = values_of_year(county, year, {}).filter(current_use_value=None, exempt_value__lt=F("market_total"))
    found: dict[tuple[str, int], int] = {}
    rows = values.values_list("roll_property__use_code", "market_total").iterator(chunk_size=AT_A_TIME)
    for use_code, total in rows:
        key = strata.land_use(use_code), strata.value_stratum(total)
        found[key] = found.get(key, 0) + total
    return found


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
    found: SortedSales,
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
    digest = digest_of([[*map(str, _sale_row(each)), each.invalid_code] for each in sales])
    return Report(
        report_type="dor_ratio_report",
        title=f"Ratio report, assessment year {year}",
        subtitle=f"{county}: WAC 458-53{', dry run' if state else ''}",
        facts=facts_of(county, year, {}, digest, trim_rule=trimmed, more=more),
        headline={
            "indicated_ratio": indicated.ratio,
            "assessed_value": indicated.assessed_value,
            "market_value": indicated.market_value,
            "valid_sales": len(found.valid),
            "invalid_sales": len(found.invalid),
            "dry_run": not window.is_complete,
        },
        findings=_findings(window, found, indicated),
        sections=[_summary_section(indicated), _valid_section(found), _invalid_section(found)],
        landscape=True,
    )


def _findings(window: SaleWindow, found: SortedSales, indicated: IndicatedRatio) -> list[str]:
    told = [
        f"Indicated ratio of real property: {100 * indicated.ratio:.1f} %.",
        f"{len(found.valid):,} valid and {len(found.invalid):,} invalid sales from {window.first} to {window.last}.",
    ]
    borrowed = [each for each in indicated.strata if each.ratio_from != "stratum" and each.county_assessed_value]
    if borrowed:
        told.append(f"{len(borrowed)} strata have no valid sale and take the ratio of their land use or the county.")
    if found.exclusion_note:
        told.append(found.exclusion_note)
    if not window.is_complete:
        told.append(f"Dry run: sales are counted up to {window.last}; the window closes on {window.end}.")
    return told


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
            each.land_use, each.value_stratum, each.sales, each.sales_assessed_value, each.sales_adjusted_price,
            each.sales_assessed_value / each.sales if each.sales else None,
            each.sales_adjusted_price / each.sales if each.sales else None,
            each.ratio, each.ratio_from, each.county_assessed_value, each.market_value,
        ]
        for each in indicated.strata
    ]  # fmt: skip
    number = sum(each.sales for each in indicated.strata)
    assessed = sum(each.sales_assessed_value for each in indicated.strata)
    price = sum(each.sales_adjusted_price for each in indicated.strata)
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


def _valid_section(found: SortedSales) -> Section:
    rows = [_sale_row(each) for each in found.valid]
    return Section(
        "Valid sales",
        tables=[Table("valid_sales", "Valid sales", _SALE_COLUMNS, rows, shown_rows=LISTED)],
        new_page=True,
    )


def _invalid_section(found: SortedSales) -> Section:
    columns = (*_SALE_COLUMNS, Column("code", "Code", "integer"), Column("reason", "Reason"))
    rows = [[*_sale_row(each), each.invalid_code, _reason(each)] for each in found.invalid]
    counts = Counter(each.invalid_code for each in found.invalid)
    by_code = Table(
        "invalid_codes",
        "Invalid sales by code",
        (Column("code", "Code", "integer"), Column("reason", "Reason"), Column("sales", "Sales", "integer")),
        [[code, INVALID_REASONS.get(code, f"Code {code}"), number] for code, number in sorted(counts.items())],
    )
    listed = Table("invalid_sales", "Invalid sales", columns, rows, shown_rows=LISTED)
    return Section("Invalid sales", tables=[by_code, listed], new_page=True)


def _reason(sale: DorSale) -> str:
    reason = INVALID_REASONS.get(sale.invalid_code, f"Code {sale.invalid_code}")
    return f"{reason}: {sale.note}" if sale.note else reason
