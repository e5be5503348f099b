"""What a valuation request may say."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from county_configs.models import County
from terrafusion.jobs.drill import Drill
from terrafusion.jobs.request import JobRequestSerializer
from terrafusion.roll.models import Property, TimeIndex
from terrafusion.roll.querysets import UnknownIndex
from terrafusion.web.api import StrictSerializer

EARLIEST = date(1950, 1, 1)


class ValuationParametersSerializer(StrictSerializer):
    """What is left out comes from the county's settings; the valuation date is today in the county.

    time_index: a price index market analysis has stored, by its series; without it the sales themselves tell.
    """

    valuation_date = serializers.DateField(required=False)
    look_back_months = serializers.IntegerField(required=False, min_value=3, max_value=120)
    number_of_comparables = serializers.IntegerField(required=False, min_value=3, max_value=20)
    time_index = serializers.CharField(required=False, max_length=100)

    def validate_valuation_date(self, value: date) -> date:
        latest = timezone.now().date() + timedelta(days=366)
        if not EARLIEST <= value <= latest:
            raise serializers.ValidationError(f"Write a date from {EARLIEST} to {latest}.")
        return value


class ScopeSerializer(StrictSerializer):
    """`{"neighborhood": "1040"}` or `{"county": true}`."""

    neighborhood = serializers.CharField(required=False, max_length=32)
    county = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1 or attrs.get("county") is False:
            raise serializers.ValidationError('Write {"neighborhood": "..."} or {"county": true}.')
        return attrs


class ValuationRequestSerializer(JobRequestSerializer):
    """One property by `property_id`, or several by `scope`."""

    drill = Drill("property_id", "FAILING_VALUATION_SIM", "Simulated valuation failure.")

    property_id = serializers.CharField(required=False, max_length=64)
    scope = ScopeSerializer(required=False)
    parameters = ValuationParametersSerializer(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("property_id" in attrs) == ("scope" in attrs):
            raise serializers.ValidationError("Write either property_id or scope.")
        county: County = attrs["county_id"]
        if "scope" in attrs:
            _check_scope(county, attrs["scope"])
        elif not self.is_drill(attrs["property_id"]):
            _check_property(county, attrs["property_id"])
        parameters = dict(attrs.get("parameters", {}))
        if "time_index" in parameters:
            _check_index(county, parameters["time_index"])
        today = timezone.now().astimezone(ZoneInfo(county.time_zone)).date()
        parameters.setdefault("valuation_date", today)
        return attrs | {"parameters": parameters}


def _check_property(county: County, property_id: str) -> None:
    if not Property.objects.in_county(county).current().filter(property_id=property_id).exists():
        raise serializers.ValidationError({"property_id": [f"Unknown property {property_id!r} in county {county.pk}."]})


def _check_scope(county: County, scope: dict[str, Any]) -> None:
    if not Property.objects.in_county(county).in_scope(scope).exists():
        raise serializers.ValidationError({"scope": [f"County {county.pk} has no property in this scope."]})


def _check_index(county: County, series: str) -> None:
    try:
        TimeIndex.objects.levels(county, series)
    except UnknownIndex as error:
        raise serializers.ValidationError({"parameters": {"time_index": [str(error)]}}) from error
