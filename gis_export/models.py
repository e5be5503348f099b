"""The GIS export job."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from terrafusion.jobs.models import Job


class GisExportJob(Job):
    """Writes layers of a county, or of an area in it, to a file any GIS opens."""

    job = models.OneToOneField(
        Job, models.CASCADE, parent_link=True, primary_key=True, db_column="job_id", db_comment="The row in jobs."
    )
    export_format = models.CharField(max_length=32, db_comment="The file format, for example GeoJSON.")
    area_of_interest = models.JSONField(
        null=True, db_column="area_of_interest_json", db_comment="The area asked for; null for the whole county."
    )
    layers = models.JSONField(default=list, db_column="layers_json", db_comment="Names of the layers asked for.")
    result_file_location = models.CharField(max_length=300, blank=True, db_comment="URL path of the finished file.")
    result_file_size_kb = models.PositiveBigIntegerField(null=True, db_comment="KB of 1,024 bytes, rounded up.")
    result_record_count = models.PositiveBigIntegerField(null=True, db_comment="Features in the file, over all layers.")
    result_details = models.JSONField(
        default=dict,
        db_column="result_details_json",
        db_comment="Counts by layer, coordinate system, tax year and date of the data.",
    )

    class Meta:
        db_table = "gis_export_jobs"
        indexes = [models.Index(fields=["export_format"], name="gis_export_job_format")]

    @property
    def product(self) -> str:
        return f"GIS export ({self.export_format})"

    @property
    def holds_owner_names(self) -> bool:
        """Whether its files may be read only with `view_owner_names`."""
        return bool(self.parameters.get("include_owner_info"))

    def store_result(self, result: Mapping[str, Any]) -> None:
        details = dict(result)
        self.result_file_location = details.pop("result_file_location", "")
        self.result_file_size_kb = details.pop("result_file_size_kb", None)
        self.result_record_count = details.pop("result_record_count", None)
        self.result_details = details

    def result_json(self) -> dict[str, Any]:
        return {
            "result_file_location": self.result_file_location,
            "result_file_size_kb": self.result_file_size_kb,
            "result_record_count": self.result_record_count,
            **self.result_details,
        }
