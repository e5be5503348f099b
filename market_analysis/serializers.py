"""What a market analysis request may say."""

from rest_framework import serializers

from terrafusion.jobs.drill import Drill
from terrafusion.jobs.request import TypedJobRequestSerializer

from .models import AnalysisType
from .parameters import PARAMETERS


class MarketAnalysisRequestSerializer(TypedJobRequestSerializer):
    """`parameters` are checked by the analysis asked for: docs/market_analysis.md lists them."""

    drill = Drill("analysis_type", "FAILING_ANALYSIS_SIM", "Simulated market analysis failure.")
    type_field = "analysis_type"
    type_noun = "analysis"
    parameters_by_type = PARAMETERS

    analysis_type = serializers.CharField(
        max_length=64, help_text=f"One of {', '.join(AnalysisType.values)}.", initial=AnalysisType.PRICE_TREND_BY_ZIP
    )
    parameters = serializers.DictField(
        required=False, help_text="For example {'start_year': 2022, 'end_year': 2023, 'zip_codes': ['99336']}."
    )
