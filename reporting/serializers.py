"""What a report request may say: the part common to all, and the parameters of each report type."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers

from county_configs.models import County
from terrafusion.jobs.drill import Drill
from terrafusion.jobs.request import TypedJobRequestSerializer
from terrafusion.roll.models import Property
from terrafusion.web.api import StrictSerializer

from .formats import CONTENT_TYPES
from .models import ReportType
from .ratio_study.sales_from_roll import ATTRIBUTE, FILTERS, STRATA
from .ratio_study.study import MARK, POOL
from .statistics.editions import EDITIONS
from .statistics.trimming import TRIM_RULES

PRIOR_ROLL, ESTIMATES = "prior_roll", "estimates"
YEARS = (1900, 2100)
DATES = (date(1900, 1, 1), date(2100, 12, 31))


class ReportParameters(StrictSerializer):
    """format: the file's. Default pdf."""

    format = serializers.ChoiceField(list(CONTENT_TYPES), default="pdf")


class OfTaxYear(ReportParameters):
    """year: tax year of the roll; the latest there is unless said."""

    year = serializers.IntegerField(required=False, min_value=YEARS[0], max_value=YEARS[1])


class Filtered(OfTaxYear):
    """Only properties that have all of these; upper and lower case are alike."""

    property_class = serializers.CharField(required=False, max_length=32)
    property_type = serializers.CharField(required=False, max_length=32)
    neighborhood = serializers.CharField(required=False, max_length=32)
    zip_code = serializers.CharField(required=False, max_length=10)
    use_code = serializers.CharField(required=False, max_length=32)
    tax_code_area = serializers.CharField(required=False, max_length=32)


def filters_in(parameters: dict[str, Any]) -> dict[str, str]:
    return {name: parameters[name] for name in FILTERS if name in parameters}


class TimeAdjustmentSerializer(StrictSerializer):
    """One of: a steady rate, a stored price index by its series, or the trend of the study's own ratios."""

    percent_per_year = serializers.FloatField(required=False, min_value=-50, max_value=100)
    series = serializers.CharField(required=False, max_length=100)
    from_ratios = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1 or attrs.get("from_ratios") is False:
            raise serializers.ValidationError(
                'Write {"percent_per_year": 6}, {"series": "..."} or {"from_ratios": true}.'
            )
        return attrs


class Dated(StrictSerializer):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("start_date", "end_date", "as_of"):
            if name in attrs and not DATES[0] <= attrs[name] <= DATES[1]:
                raise serializers.ValidationError({name: [f"Write a date from {DATES[0]} to {DATES[1]}."]})
        if "start_date" in attrs and "end_date" in attrs and attrs["start_date"] > attrs["end_date"]:
            raise serializers.ValidationError({"end_date": ["It must not lie before start_date."]})
        return attrs


class SalesRatioStudyParameters(Dated, Filtered):
    """What is left out comes from the county's settings; the window is the look-back before 1 January of the year.

    compare_editions: also judge by every edition of the standard and list the verdicts that flip.
    """

    start_date = serializers.DateField(required=False)
    end_date = serializers.DateField(required=False)
    stratify_by = serializers.ListField(child=serializers.CharField(max_length=100), required=False, max_length=8)
    trim_rule = serializers.ChoiceField(list(TRIM_RULES), required=False)
    edition = serializers.ChoiceField(list(EDITIONS), required=False)
    compare_editions = serializers.BooleanField(default=False)
    confidence = serializers.FloatField(required=False, min_value=0.5, max_value=0.999)
    replicates = serializers.IntegerField(default=1000, min_value=100, max_value=20_000)
    seed = serializers.IntegerField(default=0, min_value=0, max_value=2**53)
    minimum_stratum = serializers.IntegerField(required=False, min_value=2, max_value=100)
    small_strata = serializers.ChoiceField([POOL, MARK], default=POOL)
    time_adjustment = TimeAdjustmentSerializer(required=False)

    def validate_stratify_by(self, value: list[str]) -> list[str]:
        unknown = [name for name in value if name not in STRATA and not _names_an_attribute(name)]
        if unknown:
            raise serializers.ValidationError(
                f"Unknown field {', '.join(map(repr, unknown))}. Allowed: {', '.join(STRATA)}, {ATTRIBUTE}<name>."
            )
        return list(dict.fromkeys(value))


def _names_an_attribute(name: str) -> bool:
    """Whether the name is that of one attribute, in letters that a lookup of the database takes literally."""
    key = name.removeprefix(ATTRIBUTE)
    return name.startswith(ATTRIBUTE) and key.replace("_", "a").isalnum() and "__" not in key


class OwnerNames(StrictSerializer):
    """include_owner_names: needs view_owner_names, here, when the job ends and at each download."""

    include_owner_names = serializers.BooleanField(default=False)


class AssessmentRollParameters(OwnerNames, Filtered):
    pass


class DorRatioReportParameters(Dated, OfTaxYear):
    """year: the assessment year. as_of: sales up to this day, today unless said; before 30 April a dry run."""

    as_of = serializers.DateField(required=False)


class ValueChangeParameters(Filtered):
    """compare: the roll of the year with an earlier one, or with value estimates (of one job, or the newest)."""

    compare = serializers.ChoiceField([PRIOR_ROLL, ESTIMATES], default=PRIOR_ROLL)
    prior_year = serializers.IntegerField(required=False, min_value=YEARS[0], max_value=YEARS[1])
    valuation_job_id = serializers.UUIDField(required=False)
    seed = serializers.IntegerField(default=0, min_value=0, max_value=2**53)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name, mode in (("prior_year", PRIOR_ROLL), ("valuation_job_id", ESTIMATES)):
            if name in attrs and attrs["compare"] != mode:
                raise serializers.ValidationError({name: [f'It goes with "compare": "{mode}" only.']})
        if "year" in attrs and attrs.get("prior_year", 0) >= attrs["year"]:
            raise serializers.ValidationError({"prior_year": ["It must be earlier than year."]})
        return attrs


class ComparablesGridParameters(ReportParameters):
    """property_id: the subject. valuation_job_id: whose estimate; the newest unless said."""

    property_id = serializers.CharField(max_length=64)
    valuation_job_id = serializers.UUIDField(required=False)


class PropertyRecordCardParameters(OwnerNames, ComparablesGridParameters):
    pass


PARAMETERS: dict[str, type[ReportParameters]] = {
    ReportType.SALES_RATIO_STUDY: SalesRatioStudyParameters,
    ReportType.ASSESSMENT_ROLL: AssessmentRollParameters,
    ReportType.VALUE_CHANGE: ValueChangeParameters,
    ReportType.PROPERTY_RECORD_CARD: PropertyRecordCardParameters,
    ReportType.COMPARABLES_GRID: ComparablesGridParameters,
    ReportType.DOR_RATIO_REPORT: DorRatioReportParameters,
}


class ReportRequestSerializer(TypedJobRequestSerializer):
    """`report_type`, and the `parameters` that go with it (docs/reporting.md lists them)."""

    drill = Drill("report_type", "FAILING_REPORT_SIM", "Simulated report generation failure.")
    drill_parameters = {"format": "pdf"}
    type_field = "report_type"
    type_noun = "report type"
    parameters_by_type = PARAMETERS

    report_type = serializers.CharField(max_length=32)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "property_id" in attrs["parameters"] and not self.is_drill(attrs["report_type"]):
            _check_property(attrs["county_id"], attrs["parameters"]["property_id"])
        return attrs


def _check_property(county: County, property_id: str) -> None:
    if not Property.objects.in_county(county).current().filter(property_id=property_id).exists():
        raise serializers.ValidationError(
            {"parameters": {"property_id": [f"Unknown property {property_id!r} in county {county.pk}."]}}
        )
