"""The base class of the admin: staff see and change only the rows of their counties.

Rights come from the grants on counties, not from Django's model permissions, so that staff need only one set of rights.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import RelatedFieldListFilter
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.permissions import counties_for
from county_configs.models import County


class OwnCountiesFilter(RelatedFieldListFilter):
    """A filter that offers only the counties the user may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return [(county.pk, str(county)) for county in counties_for(request.user, model_admin.view_with)]


class CountyScopedAdmin(ModelAdmin):
    """An admin whose rows belong to counties.

    county_path: the path from a row to its county, for example "roll_property__county".
    view_with, change_with: the permissions on the county that are needed to read and to change a row. If change_with is
    None, the model is read-only, for superusers too.
    """

    county_path = "county"
    view_with = "view_county"
    change_with: str | None = None
    list_per_page = 50
    show_full_result_count = False  # counting a large roll for every page would be slow
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        counties = counties_for(request.user, self.view_with)
        return super().get_queryset(request).filter(**{f"{self.county_path}__in": counties})

    def _holds(self, request: HttpRequest, codename: str | None, row: Any) -> bool:
        if codename is None or not request.user.is_staff:
            return False
        if row is None:
            return _holds_anywhere(request, codename)
        path = f"{self.county_path}__in"
        return self.model._default_manager.filter(pk=row.pk, **{path: counties_for(request.user, codename)}).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, self.view_with, None)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._holds(request, self.view_with, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._holds(request, self.change_with, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._holds(request, self.change_with, None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # rows of the roll are retired, and jobs stay, so nothing is deleted in the admin

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        """A field that offers only the user's counties; other relations are unrestricted."""
        if db_field.related_model is County:
            kwargs["queryset"] = counties_for(request.user, self.change_with or self.view_with)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """The filters, with one by county for users who have several counties."""
        several = counties_for(request.user, self.view_with).count() > 1
        own = list(self.list_filter)
        return [(self.county_path, OwnCountiesFilter), *own] if several else own


def _holds_anywhere(request: HttpRequest, codename: str) -> bool:
    """Whether the user has this permission in any county. It is looked up once per page: the menu has many models."""
    answers: dict[str, bool] = request.__dict__.setdefault("_permissions_held", {})
    if codename not in answers:
        answers[codename] = counties_for(request.user, codename).exists()
    return answers[codename]
