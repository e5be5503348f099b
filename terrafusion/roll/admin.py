"""The roll in the admin: looked up and filtered, changed only where the office decides (a sale's review)."""

from typing import Any

import shapely
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from accounts.permissions import counties_for
from terrafusion.admin import CountyScopedAdmin

from . import models
from .comparables_grid import grid_lines
from .personal_names import VIEW_OWNER_NAMES

BOX = ("geometry", "west", "south", "east", "north")


class OfProperty(CountyScopedAdmin):
    """Rows that hang on a property."""

    county_path = "roll_property__county"
    list_select_related: tuple[str, ...] = ("roll_property",)
    search_fields = ("roll_property__parcel_number_key__startswith",)
    raw_id_fields = ("roll_property",)


@admin.register(models.Property)
class PropertyAdmin(CountyScopedAdmin):
    list_display = (
        "parcel_number", "situs_address", "property_type", "neighborhood", "living_area_sqft", "year_built", "lot_sqft",
    )  # fmt: skip
    list_filter = ("property_type", "retired_at")
    search_fields = ("parcel_number_key__startswith", "situs_address")
    exclude = BOX
    readonly_fields = ("shape",)

    @display(description="geometry")
    def shape(self, row: models.Property) -> str:
        if row.geometry is None:
            return "none"
        return f"{row.geometry.geom_type}, {shapely.get_num_coordinates(row.geometry)} vertices"


@admin.register(models.Improvement)
class ImprovementAdmin(OfProperty):
    list_display = ("roll_property", "improvement_number", "improvement_type", "year_built", "area_sqft", "value")
    list_filter = ("retired_at",)


@admin.register(models.Owner)
class OwnerAdmin(OfProperty):
    """Personal data: only with view_owner_names."""

    view_with = VIEW_OWNER_NAMES
    list_display = ("roll_property", "tax_year", "name", "share", "confidential")
    list_filter = ("tax_year", "confidential", "retired_at")


@admin.register(models.Sale)
class SaleAdmin(CountyScopedAdmin):
    list_display = ("sale_id", "sale_date", "dollars", "validity", "parcel_count")
    list_filter = ("is_valid", "validity_code")
    search_fields = ("=sale_id", "parcels__roll_property__parcel_number_key__startswith")
    date_hierarchy = "sale_date"

    @display(description="sale price", ordering="sale_price")
    def dollars(self, row: models.Sale) -> str:
        return f"${row.sale_price:,}"

    @display(description="validity", label={"valid": "success", "invalid": "danger"})
    def validity(self, row: models.Sale) -> tuple[str, str]:
        return ("valid", row.validity_code or "valid") if row.is_valid else ("invalid", row.validity_code or "invalid")

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """Grantor and grantee are personal data."""
        may_see = obj is None or counties_for(request.user, VIEW_OWNER_NAMES).filter(pk=obj.county_id).exists()
        return () if may_see else ("grantor", "grantee")


@admin.register(models.SaleParcel)
class SaleParcelAdmin(OfProperty):
    list_display = ("sale", "roll_property")
    list_select_related = ("sale", "roll_property")


@admin.register(models.AssessedValue)
class AssessedValueAdmin(OfProperty):
    list_display = (
        "roll_property",
        "tax_year",
        "supplement",
        "market_land",
        "market_improvement",
        "market_total",
        "status",
    )
    list_filter = ("tax_year", "status")


@admin.register(models.CertifiedRoll)
class CertifiedRollAdmin(CountyScopedAdmin):
    """Read only: a roll is certified on the page of its load, after the control totals were signed."""

    list_display = ("tax_year", "supplement", "values_certified", "certified_by", "certified_at")
    list_filter = ("tax_year",)
    list_select_related = ("certified_by",)


@admin.register(models.LayerFeature)
class LayerFeatureAdmin(CountyScopedAdmin):
    list_display = ("layer", "feature_id", "name")
    list_filter = ("layer",)
    search_fields = ("feature_id", "name")
    exclude = BOX


@admin.register(models.ValueEstimate)
class ValueEstimateAdmin(OfProperty):
    list_display = ("roll_property", "valuation_date", "dollars", "sureness", "decision")
    list_filter = ("confidence", "decision")
    date_hierarchy = "valuation_date"
    fields = (
        "roll_property", "valuation_date", "dollars", "sureness", "comparables", "job",
        "decision", "decided_value", "decision_reason", "decided_by", "decided_at",
    )  # fmt: skip
    readonly_fields = ("dollars", "sureness", "comparables")

    @display(description="comparables")
    def comparables(self, row: models.ValueEstimate) -> str:
        """The grid as an appraiser checks it: a column for the subject and for each comparable."""
        comparables = row.grid.get("comparables", [])
        if not comparables:
            return "none"
        cell = '<td style="padding:2px 14px;text-align:right;white-space:nowrap">{}</td>'
        lines = format_html_join(
            "",
            '<tr><th scope="row" style="text-align:left;padding:2px 14px;white-space:nowrap">{}</th>{}</tr>',
            (
                (line.label, format_html_join("", cell, ((text,) for text in (line.subject, *line.comparables))))
                for line in grid_lines(row.roll_property.property_id, comparables)
            ),
        )
        return format_html('<div style="overflow-x:auto"><table>{}</table></div>', lines)

    @display(description="market value", ordering="market_value")
    def dollars(self, row: models.ValueEstimate) -> str:
        return f"${row.market_value:,} ({row.market_value_low:,} to {row.market_value_high:,})"

    @display(description="confidence", label={"high": "success", "medium": "warning", "low": "danger"})
    def sureness(self, row: models.ValueEstimate) -> str:
        return row.confidence


@admin.register(models.TimeIndex)
class TimeIndexAdmin(CountyScopedAdmin):
    list_display = ("series", "period_start", "level", "standard_error", "sales_volume")
    list_filter = ("series",)


@admin.register(models.SaleReview)
class SaleReviewAdmin(CountyScopedAdmin):
    """Whether a sale is at arm's length: staff confirm or overrule what the screening suggests."""

    county_path = "sale__county"
    change_with = "review_sales"
    list_display = ("sale", "sale_date", "dollars", "coded", "suggestion", "decision", "decided_by", "decided_at")
    list_filter = ("decision", "sale__is_valid")
    list_select_related = ("sale", "decided_by")
    search_fields = ("=sale__sale_id", "sale__parcels__roll_property__parcel_number_key__startswith")
    raw_id_fields = ("sale",)
    fields = ("sale", "sale_date", "dollars", "coded", "suggestion", "decision", "reason", "decided_by", "decided_at")
    readonly_fields = ("sale_date", "dollars", "coded", "suggestion", "decided_by", "decided_at")
    actions = ("mark_valid", "mark_invalid")

    @display(description="sale date", ordering="sale__sale_date")
    def sale_date(self, row: models.SaleReview) -> Any:
        return row.sale.sale_date

    @display(description="sale price", ordering="sale__sale_price")
    def dollars(self, row: models.SaleReview) -> str:
        return f"${row.sale.sale_price:,}"

    @display(description="county's code", label={"valid": "success", "invalid": "danger"})
    def coded(self, row: models.SaleReview) -> str:
        return "valid" if row.sale.is_valid else "invalid"

    @display(description="suggested reasons")
    def suggestion(self, row: models.SaleReview) -> str:
        return "\n".join(reason["text"] for reason in row.suggested_reasons)

    def save_model(self, request: HttpRequest, obj: models.SaleReview, form: Any, change: bool) -> None:
        """Who decided, and when, is written by the system."""
        if "decision" in form.changed_data or "reason" in form.changed_data:
            _sign(obj, request)
        super().save_model(request, obj, form, change)

    @admin.action(description="Confirm: at arm's length")
    def mark_valid(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, models.SaleReview.Decision.VALID)

    @admin.action(description="Set aside: not at arm's length")
    def mark_invalid(self, request: HttpRequest, queryset: Any) -> None:
        self._decide(request, queryset, models.SaleReview.Decision.INVALID)

    def _decide(self, request: HttpRequest, queryset: Any, decision: models.SaleReview.Decision) -> None:
        """Only in counties where the user may review sales; the list itself shows every county they may view."""
        mine = queryset.filter(sale__county__in=counties_for(request.user, "review_sales"))
        decided = list(mine)
        for review in decided:
            review.decision = decision
            _sign(review, request)
        models.SaleReview.objects.bulk_update(decided, ["decision", "decided_by", "decided_at"], batch_size=500)
        self.message_user(request, f"Sales decided: {len(decided)}.")


@admin.register(models.LastLoad)
class LastLoadAdmin(CountyScopedAdmin):
    list_display = ("county", "loaded_at")
    list_select_related = ("county",)


def _sign(review: models.SaleReview, request: HttpRequest) -> None:
    undecided = review.decision == models.SaleReview.Decision.UNDECIDED
    review.decided_by = None if undecided else request.user  # type: ignore[assignment]  # staff have signed in
    review.decided_at = None if undecided else timezone.now()
