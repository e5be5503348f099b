"""What a market analysis request may say."""

from typing import Any

from rest_framework import serializers

from terrafusion.api import StrictSerializer
from terrafusion.jobs.serializers import JobRequestSerializer

from .models import AnalysisType, MarketAnalysisJob
from .parameters import PARAMETERS


class MarketAnalysisRequestSerializer(JobRequestSerializer):
    """`parameters` are checked by the analysis asked for: docs/market_analysis.md lists them."""

    type_field = "analysis_type"
    parameters_by_type = PARAMETERS | {MarketAnalysisJob.drill.value: StrictSerializer}

    analysis_type = serializers.CharField(
        max_length=64, help_text=f"One of {', '.join(AnalysisType.values)}.", initial=AnalysisType.PRICE_TREND_BY_ZIP
    )
    parameters = serializers.DictField(
        required=False, help_text="For example {'start_year': 2022, 'end_year': 2023, 'zip_codes': ['99336']}."
    )

    def validate_analysis_type(self, value: str) -> str:
        if value in PARAMETERS or MarketAnalysisJob.drill.is_requested_by(value):
            return value
        raise serializers.ValidationError(f"Unknown analysis {value!r}. Allowed: {', '.join(PARAMETERS)}.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if MarketAnalysisJob.drill.is_requested_by(attrs["analysis_type"]):
            return attrs
        own = PARAMETERS[attrs["analysis_type"]]
        asked = own(data=attrs.get("parameters", {}), context={**self.context, "county": attrs["county_id"]})
        if not asked.is_valid():
            raise serializers.ValidationError({"parameters": asked.errors})
        return attrs | {"parameters": dict(asked.validated_data)}
