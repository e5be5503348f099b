"""The work of a valuation job: read, call the pure functions, hand the outcome to the runner."""

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

from terrafusion.csv_files import CsvWriter
from terrafusion.errors import TerraFusionError
from terrafusion.jobs.outcome import Outcome, OutputFile
from terrafusion.roll.models import Property, TimeIndex, ValueEstimate
from terrafusion.roll.sale_fitness import LeftOut

from .comparables import NotEnoughSales
from .models import ValuationJob
from .roll_columns import SUBJECT_COLUMNS, sales_before, settings_for, subjects_from
from .sales_comparison import Estimate, NamedIndex, SalesComparison

BATCH = 500  # properties read at a time
SHOWN_REFUSALS = 100

CSV_COLUMNS = ("property_id", "market_value", "market_value_low", "market_value_high", "confidence", "refused_because")


def value_properties(job: ValuationJob) -> Outcome:
    """Values the requested property, or all of a scope, by comparable sales."""
    return _value_scope(job) if job.scope else _value_one(job)


def _value_one(job: ValuationJob) -> Outcome:
    in_county = Property.objects.in_county(job.county).current().only(*SUBJECT_COLUMNS)
    roll_property = in_county.filter(property_id=job.property_id).first()
    if roll_property is None:
        raise TerraFusionError(f"Property {job.property_id} is no longer on the roll of {job.county_id}.")
    (subject,) = subjects_from(job.county, [roll_property])
    market, left_out = _market(job, subject.property_type)
    estimate = market.value(subject)
    result = estimate.as_json() | _sales_left_out(Counter(left_out))
    return Outcome(result, rows=EstimateRows(job, [Valued.of(roll_property, estimate)]))


def _value_scope(job: ValuationJob) -> Outcome:
    """Values every property of the scope, and lists those that cannot be valued with the reason."""
    scope = Property.objects.in_county(job.county).in_scope(job.scope or {}).only(*SUBJECT_COLUMNS)
    total, done = scope.count(), 0
    valued: list[Valued] = []
    refused: dict[str, str] = {}
    left_out: Counter[LeftOut] = Counter()
    ordered = scope.order_by("property_type", "pk").iterator(chunk_size=BATCH)
    for property_type, of_type in groupby(ordered, key=lambda roll_property: roll_property.property_type):
        market, of_type_left_out = _market(job, property_type)
        left_out.update(of_type_left_out)
        for roll_property in of_type:
            (subject,) = subjects_from(job.county, [roll_property])
            try:
                valued.append(Valued.of(roll_property, market.value(subject)))
            except NotEnoughSales as error:
                refused[subject.property_id] = str(error)
            done += 1
            job.report(done, total, f"{done} of {total} properties valued.")
    if not valued:
        raise NotEnoughSales(f"None of {total} properties could be valued. {next(iter(refused.values()))}")
    return Outcome(
        result=_summary(valued, refused) | _sales_left_out(left_out),
        rows=EstimateRows(job, valued),
        files=[_csv_file(job, valued, refused)],
    )


def _market(job: ValuationJob, property_type: str) -> tuple[SalesComparison, Mapping[LeftOut, int]]:
    """The market of the type, and how many of its sales cannot be compared, by reason."""
    settings = settings_for(job.county, job.parameters)
    sales = sales_before(job.county, job.valuation_date, property_type, settings.look_back_months)
    market = SalesComparison(sales.table, property_type, job.valuation_date, settings, _index(job))
    return market, sales.left_out


def _sales_left_out(left_out: Counter[LeftOut]) -> dict[str, list[dict[str, Any]]]:
    """The entry of the result that says how many sales could not be compared, and why."""
    reasons = [{"reason": reason.label, "sales": left_out[reason]} for reason in LeftOut if left_out[reason]]
    return {"sales_left_out": reasons}


def _index(job: ValuationJob) -> NamedIndex | None:
    series = job.parameters.get("time_index")
    return NamedIndex(series, TimeIndex.objects.levels(job.county, series)) if series else None


@dataclass(frozen=True)
class Valued:
    """An estimate in little memory, because a county has many: a grid of objects is six times as large as its text."""

    key: int
    property_id: str
    market_value: int
    market_value_low: int
    market_value_high: int
    confidence: str
    grid: bytes  # JSON, compressed to about a tenth of its length

    @classmethod
    def of(cls, roll_property: Property, estimate: Estimate) -> "Valued":
        return cls(
            roll_property.pk,
            roll_property.property_id,
            estimate.market_value,
            estimate.market_value_low,
            estimate.market_value_high,
            estimate.confidence.level,
            zlib.compress(json.dumps(estimate.as_json()).encode(), 1),
        )


@dataclass(frozen=True)
class EstimateRows:
    """The rows of the roll to store. They are made one by one while the runner stores them."""

    job: ValuationJob
    valued: Sequence[Valued]

    def __iter__(self) -> Iterator[ValueEstimate]:
        for estimate in self.valued:
            yield ValueEstimate(
                job_id=self.job.pk,
                roll_property_id=estimate.key,
                valuation_date=self.job.valuation_date,
                market_value=estimate.market_value,
                market_value_low=estimate.market_value_low,
                market_value_high=estimate.market_value_high,
                confidence=estimate.confidence,
                grid=json.loads(zlib.decompress(estimate.grid)),
            )


def _summary(valued: Sequence[Valued], refused: dict[str, str]) -> dict[str, Any]:
    values = [estimate.market_value for estimate in valued]
    return {
        "properties_valued": len(valued),
        "properties_refused": len(refused),
        "total_market_value": sum(values),
        "median_market_value": round(median(values)),
        "confidence_counts": dict(Counter(estimate.confidence for estimate in valued)),
        "refused": [{"property_id": key, "reason": reason} for key, reason in list(refused.items())[:SHOWN_REFUSALS]],
    }


def _csv_file(job: ValuationJob, valued: Sequence[Valued], refused: dict[str, str]) -> OutputFile:
    path = job.workspace / f"{job.pk}.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = CsvWriter(stream)
        writer.writerow(CSV_COLUMNS)
        for estimate in valued:
            values = (estimate.market_value, estimate.market_value_low, estimate.market_value_high, estimate.confidence)
            writer.writerow([estimate.property_id, *values, ""])
        for property_id, reason in refused.items():
            writer.writerow([property_id, "", "", "", "", reason])
    friendly = f"{job.county.fips}_{job.county_id}_values_{job.valuation_date:%Y%m%d}.csv"
    return OutputFile(path, path.name, friendly, "text/csv")
