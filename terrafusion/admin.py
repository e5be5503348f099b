"""The admin's one base class: staff see and touch only their counties' rows.

Rights come from the county grants, not from Django's model permissions: a staff member needs no second set of them.
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
    """Offers the counties the user may see, and no other."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        return [(county.pk, str(county)) for county in counties_for(request.user, model_admin.view_with)]


class CountyScopedAdmin(ModelAdmin):
    """county_path: how a row reaches its county, for example "roll_property__county".

    view_with, change_with: the permissions on that county that open a row for reading and for changing;
    change_with None makes the model read-only, for superusers too.
    """

    county_path = "county"
    view_with = "view_county"
    change_with: str | None = None
    list_per_page = 50
    show_full_result_count = False  # counting a large roll at every page would be slow
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
        return False  # the roll retires, jobs stay: nothing is deleted here

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        """A select offers only the user's own counties; other relations are looked up by id."""
        if db_field.related_model is County:
            kwargs["queryset"] = counties_for(request.user, self.change_with or self.view_with)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_list_filter(self, request: HttpRequest) -> Any:
        """The county filter only for those with several, and showing only theirs."""
        several = counties_for(request.user, self.view_with).count() > 1
        own = list(self.list_filter)
        return [(self.county_path, OwnCountiesFilter), *own] if several else own


def _holds_anywhere(request: HttpRequest, codename: str) -> bool:
    """Whether the user has this permission in any county. The menu asks for every model, so a page asks once."""
    answers: dict[str, bool] = request.__dict__.setdefault("_permissions_held", {})
    if codename not in answers:
        answers[codename] = counties_for(request.user, codename).exists()
    return answers[codename]
