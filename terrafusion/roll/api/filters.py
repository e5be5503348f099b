"""Filters of the roll's lists."""

import django_filters

from terrafusion.web.query_parameters import MomentFilter

from ..models import Property, PropertyType, Sale
from ..querysets import PropertyQuerySet


class PropertyFilter(django_filters.FilterSet):
    county_id = django_filters.CharFilter(field_name="county_id")
    property_type = django_filters.ChoiceFilter(choices=PropertyType.choices)
    updated_since = MomentFilter(field_name="updated_at", lookup_expr="gte")
    q = django_filters.CharFilter(method="matching", label="Parcel number (dashes and spaces ignored) or situs address")

    class Meta:
        model = Property
        fields = ("property_id", "neighborhood", "zip_code", "use_code", "property_class", "tax_code_area")

    def matching(self, queryset: PropertyQuerySet, name: str, value: str) -> PropertyQuerySet:
        return queryset.matching(value)


class SaleFilter(django_filters.FilterSet):
    county_id = django_filters.CharFilter(field_name="county_id")
    property_id = django_filters.CharFilter(field_name="parcels__roll_property__property_id")
    sold_since = django_filters.DateFilter(field_name="sale_date", lookup_expr="gte")
    sold_before = django_filters.DateFilter(field_name="sale_date", lookup_expr="lt")
    updated_since = MomentFilter(field_name="updated_at", lookup_expr="gte")

    class Meta:
        model = Sale
        fields = ("is_valid", "validity_code")
