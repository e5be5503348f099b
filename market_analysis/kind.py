"""All that the system must know of the market analysis job."""

from terrafusion.jobs.registry import JobKind, KindMetrics, register

from .models import MarketAnalysisJob
from .results import MarketAnalysisFields, MarketAnalysisResult
from .serializers import MarketAnalysisRequestSerializer
from .tasks import analyse_market

register(
    JobKind(
        name="market_analysis",
        model=MarketAnalysisJob,
        work=analyse_market,
        request=MarketAnalysisRequestSerializer,
        fields=MarketAnalysisFields,
        result=MarketAnalysisResult,
        executed_by="analyst",
        metrics=KindMetrics("market_analysis", (1, 2.5, 5, 10, 30, 60, 120, 300, 600), "analysis_type"),
        own_fields=("analysis_type",),
        list_fields=("analysis_type", "key_finding"),
        memory_limit=3072,
    )
)
