"""The report job."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from terrafusion.jobs.models import Job


class ReportType(models.TextChoices):
    SALES_RATIO_STUDY = "sales_ratio_study", "Sales ratio study"
    ASSESSMENT_ROLL = "assessment_roll", "Assessment roll"
    DOR_RATIO_REPORT = "dor_ratio_report", "Washington ratio report"
    VALUE_CHANGE = "value_change", "Value change"
    PROPERTY_RECORD_CARD = "property_record_card", "Property record card"
    COMPARABLES_GRID = "comparables_grid", "Comparables grid"


class ReportJob(Job):
    """Makes one report in one format."""

    job = models.OneToOneField(
        Job, models.CASCADE, parent_link=True, primary_key=True, db_column="report_id", db_comment="The row in jobs."
    )
    report_type = models.CharField(max_length=32, db_comment="Which report, for example sales_ratio_study.")
    result_location = models.CharField(max_length=300, blank=True, db_comment="URL path of the finished report.")
    result_metadata = models.JSONField(
        null=True,
        db_column="result_metadata_json",
        db_comment="Its format, size in KB, pages, sources and headline numbers.",
    )

    class Meta:
        db_table = "report_jobs"
        indexes = [models.Index(fields=["report_type"], name="report_job_type")]

    @property
    def product(self) -> str:
        return self.report_type

    @property
    def format(self) -> str:
        return str(self.parameters["format"])

    @property
    def file_name(self) -> str:
        return f"{self.pk}.{self.format}"

    @property
    def shows_owner_names(self) -> bool:
        return bool(self.parameters.get("include_owner_names"))

    def store_result(self, result: Mapping[str, Any]) -> None:
        self.result_location = self.artifact_address(self.file_name)
        self.result_metadata = dict(result)

    def result_json(self) -> dict[str, Any]:
        metadata = dict(self.result_metadata or {})
        headline = metadata.pop("headline", {})
        return {"result_location": self.result_location, "result_metadata": metadata, "headline": headline}
