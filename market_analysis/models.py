"""The market analysis job."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from terrafusion.jobs.models import Job


class AnalysisType(models.TextChoices):
    PRICE_TREND_BY_ZIP = "price_trend_by_zip", "Price trend by ZIP code or another area"
    TREND_ANALYSIS = "trend_analysis", "Price trend"
    PRICE_INDEX = "price_index", "Price index"
    COMPARABLE_MARKET_AREA = "comparable_market_area", "Comparable market areas"
    MARKET_ACTIVITY = "market_activity", "Market activity"
    APPRECIATION_SURFACE = "appreciation_surface", "Appreciation surface"
    SALES_SCREENING = "sales_screening", "Sales screening"


# Types of earlier releases that jobs in the table still have: what is said to who runs one again.
FORMER_TYPES = {
    "snapshot": "A snapshot is no analysis any more: one is taken after every load that changes the roll, every night, "
    "and by `manage.py snapshot_analytics`.",
}


class MarketAnalysisJob(Job):
    """Analyses a county's sales on the analytics snapshot."""

    job = models.OneToOneField(
        Job, models.CASCADE, parent_link=True, primary_key=True, db_column="job_id", db_comment="The row in jobs."
    )
    analysis_type = models.CharField(max_length=64, db_comment="Which analysis, for example price_trend_by_zip.")
    result_summary = models.JSONField(
        null=True,
        db_column="result_summary_json",
        db_comment="The key finding, the number of data points and the analysis's own numbers.",
    )
    trends = models.JSONField(null=True, db_column="trends_json", db_comment="Prices and number of sales by period.")
    result_data_location = models.CharField(
        max_length=300, blank=True, db_comment="URL path of the Parquet file with all points."
    )

    class Meta:
        db_table = "market_analysis_jobs"
        indexes = [models.Index(fields=["analysis_type"], name="market_analysis_job_type")]

    @property
    def product(self) -> str:
        return self.analysis_type

    @property
    def data_file_name(self) -> str:
        return f"{self.pk}.parquet"

    @property
    def key_finding(self) -> str:
        """The result in one sentence; empty until there is one."""
        return str((self.result_summary or {}).get("key_finding", ""))

    def store_result(self, result: Mapping[str, Any]) -> None:
        self.result_summary = result.get("result_summary", {})
        self.trends = result.get("trends", [])
        if result.get("has_data"):
            self.result_data_location = self.artifact_address(self.data_file_name)

    def result_json(self) -> dict[str, Any]:
        return {
            "result_summary": self.result_summary,
            "trends": self.trends,
            "result_data_location": self.result_data_location or None,
        }
