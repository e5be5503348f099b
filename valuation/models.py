"""The valuation job."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import models

from terrafusion.jobs.models import Job


class ValuationJob(Job):
    """Values one property, or every property of a scope, by comparable sales."""

    job = models.OneToOneField(
        Job, models.CASCADE, parent_link=True, primary_key=True, db_column="job_id", db_comment="The row in jobs."
    )
    property_id = models.CharField(
        max_length=64, null=True, db_comment="The property to value, by the county's key; null for a scope."
    )
    scope = models.JSONField(
        null=True, db_column="scope_json", db_comment="The properties to value; null for a single one."
    )
    market_value = models.BigIntegerField(
        null=True,
        help_text="Dollars; of a single property.",
        db_comment="Estimated market value in dollars; of a single property.",
    )
    supporting_data = models.JSONField(
        null=True,
        db_column="supporting_data_json",
        db_comment="The range, the confidence and the comparables, or the summary of a scope.",
    )

    class Meta:
        db_table = "valuation_jobs"
        indexes = [models.Index(fields=["property_id"], name="valuation_job_property")]

    @property
    def valuation_date(self) -> date:
        return date.fromisoformat(self.parameters["valuation_date"])

    def store_result(self, result: Mapping[str, Any]) -> None:
        self.market_value = result.get("market_value")
        self.supporting_data = {name: value for name, value in result.items() if name != "market_value"}

    def result_json(self) -> dict[str, Any]:
        value = {} if self.market_value is None else {"market_value": self.market_value}
        return value | (self.supporting_data or {})
