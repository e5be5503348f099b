"""All that the system must know of the valuation job."""

from terrafusion.jobs.registry import JobKind, KindMetrics, register

from .county_settings import ComparableSalesSection
from .models import ValuationJob
from .results import ValuationFields, ValuationResult
from .serializers import ValuationRequestSerializer
from .tasks import value_properties

register(
    JobKind(
        name="valuation",
        model=ValuationJob,
        work=value_properties,
        request=ValuationRequestSerializer,
        fields=ValuationFields,
        result=ValuationResult,
        executed_by="appraiser",
        metrics=KindMetrics("valuation", (0.1, 0.5, 1, 2.5, 5, 7.5, 10, 15, 30, 60)),
        own_fields=("property_id", "scope"),
        list_fields=("property_id", "scope", "market_value"),
        sections=(ComparableSalesSection,),
    )
)
