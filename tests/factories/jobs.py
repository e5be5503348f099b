"""A waiting job of each kind; `completed=True` and `failed=True` make one that ended, `running=True` one that a worker
holds. A test about accepting a request posts it instead.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from gis_export.county_settings import GisExportSection
from gis_export.models import GisExportJob
from ingestion.models import IngestionJob
from market_analysis.models import AnalysisType, MarketAnalysisJob
from reporting.models import ReportJob, ReportType
from terrafusion.digests import json_digest
from terrafusion.jobs.api.submit import accepted_message
from terrafusion.jobs.models import FailureReason, Job
from terrafusion.jobs.registry import kind_of
from valuation.models import ValuationJob

from .counties import CountyFactory
from .roll import TAX_YEAR, VALUATION_DATE

SUBMITTED = datetime(2026, 1, 2, 8, 0, tzinfo=UTC)


def _later(**span: int) -> factory.LazyAttribute:
    return factory.LazyAttribute(lambda job: job.created_at + timedelta(**span))


class JobFactory(DjangoModelFactory):
    """What all kinds share. Each job came a minute after the one before."""

    class Meta:
        abstract = True

    class Params:
        running = factory.Trait(
            status=Job.Status.RUNNING,
            attempt=1,
            charged=1,
            worker="a-worker",
            pid=4321,
            started_at=_later(seconds=1),
            heartbeat_at=_later(seconds=1),
            updated_at=_later(seconds=1),
        )
        ended = factory.Trait(
            attempt=1,
            charged=1,
            started_at=_later(seconds=1),
            completed_at=_later(seconds=3),
            updated_at=_later(seconds=3),
            processing_seconds=2.0,
        )
        completed = factory.Trait(ended=True, status=Job.Status.COMPLETED, progress=100)
        failed = factory.Trait(
            ended=True,
            status=Job.Status.FAILED,
            failure_reason=FailureReason.BAD_DATA,
            message="The roll lacks what the job needs.",
        )

    county = factory.SubFactory(CountyFactory)
    input_digest = factory.LazyAttribute(lambda job: json_digest(job.parameters))
    created_at = factory.Sequence(lambda number: SUBMITTED + timedelta(minutes=number))
    run_at = factory.SelfAttribute("created_at")
    updated_at = factory.SelfAttribute("created_at")

    @classmethod
    def _adjust_kwargs(cls, **fields: Any) -> dict[str, Any]:
        kind = kind_of(cls._meta.model)
        limits = {"time_limit": kind.time_limit, "memory_limit": kind.memory_limit}
        return {"kind": kind.name, "message": accepted_message(kind.name)} | limits | fields


class ValuationJobFactory(JobFactory):
    class Meta:
        model = ValuationJob

    property_id = "1"
    parameters = factory.LazyFunction(lambda: {"valuation_date": VALUATION_DATE.isoformat()})


class ReportJobFactory(JobFactory):
    class Meta:
        model = ReportJob

    report_type = ReportType.SALES_RATIO_STUDY
    parameters = factory.LazyFunction(
        lambda: {"year": TAX_YEAR, "format": "json", "replicates": 100, "seed": 0, "small_strata": "pool"}
    )


class MarketAnalysisJobFactory(JobFactory):
    class Meta:
        model = MarketAnalysisJob

    analysis_type = AnalysisType.PRICE_TREND_BY_ZIP
    parameters = factory.LazyFunction(lambda: {"period": "quarter", "minimum_sales": 5, "area": "zip_code"})


class GisExportJobFactory(JobFactory):
    class Meta:
        model = GisExportJob

    export_format = "GeoJSON"
    layers = factory.LazyFunction(lambda: ["parcels"])
    parameters = factory.LazyAttribute(
        lambda job: {
            **job.county.section(GisExportSection).default_parameters.model_dump(),
            "crs": "EPSG:4326",
            "include_owner_info": False,
            "map": None,
            "simplification_tolerance_m": job.county.section(GisExportSection).simplification_tolerance_m,
        }
    )


class IngestionJobFactory(JobFactory):
    class Meta:
        model = IngestionJob

    source = "upload:1"
    parameters = factory.LazyFunction(lambda: {"dry_run": False, "accept_drift": False})


JOB_FACTORIES = {
    kind_of(factory_class._meta.model).name: factory_class
    for factory_class in (
        ValuationJobFactory,
        ReportJobFactory,
        MarketAnalysisJobFactory,
        GisExportJobFactory,
        IngestionJobFactory,
    )
}
