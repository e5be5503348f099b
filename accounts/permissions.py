"""Who may do what in which county. No other module reads guardian's grants.

Grants are on County objects, for users or for their groups. A global permission opens no county.
Permissions are subqueries, so that a list or a status poll needs no further query for them.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from guardian.models import GroupObjectPermission, UserObjectPermission
from rest_framework.exceptions import NotFound, PermissionDenied

from county_configs.models import County

from .models import User
from .roles import ROLES

Anyone = User | AnonymousUser


def permitted(user: Anyone, codename: str | None, county_id: Combinable | str) -> Any:
    """A boolean expression: whether the user holds this permission on the county of the row.

    codename: for example "view_county"; None means any permission.
    county_id: `OuterRef("county_id")` in a queryset, or a county's id.
    """
    if not user.is_active or user.pk is None:
        return Value(False)
    if user.is_superuser:
        return Value(True)
    grants = {
        "object_pk": county_id,
        # By name and not by id, because reading the id of the content type would be another query.
        "content_type__app_label": "county_configs",
        "content_type__model": "county",
    }
    if codename is not None:
        grants["permission__codename"] = codename
    user_grants = UserObjectPermission.objects.filter(user=user, **grants)
    group_grants = GroupObjectPermission.objects.filter(group__user=user, **grants)
    return Exists(user_grants) | Exists(group_grants)


def counties_for(user: Anyone, codename: str | None) -> QuerySet[County]:
    """The counties on which the user holds this permission, for example "view_county"."""
    return County.objects.filter(permitted(user, codename, OuterRef("pk")))


def counties_of(user: Anyone) -> QuerySet[County]:
    """The counties on which the user holds any permission. All others are treated as if they did not exist."""
    return counties_for(user, None)


def may(user: Anyone | None, codename: str, county: County) -> bool:
    """Whether the user holds the permission on this county. The system itself (None) may do everything."""
    return user is None or counties_for(user, codename).filter(pk=county.pk).exists()


def require(user: Anyone, codename: str, county: County) -> None:
    """Raises NotFound for a county of others, and PermissionDenied for a missing permission in the user's county."""
    if may(user, codename, county):
        return
    if not counties_of(user).filter(pk=county.pk).exists():
        raise NotFound
    raise PermissionDenied(f"Your role in {county.pk} lacks the permission {codename}.")


def permissions_by_county(user: User) -> dict[str, list[str]]:
    """The codenames the user holds, by county id, to be shown. It takes two queries, and never decides about access."""
    if user.is_superuser:
        codenames = sorted(ROLES["administrator"] - {"view_county"})  # who holds every permission there is
        return {pk: ["view_county", *codenames] for pk in County.objects.values_list("pk", flat=True)}
    held: dict[str, set[str]] = {}
    for model, of_user in ((UserObjectPermission, Q(user=user)), (GroupObjectPermission, Q(group__user=user))):
        grants = model.objects.filter(of_user, content_type__app_label="county_configs", content_type__model="county")
        for county_id, codename in grants.values_list("object_pk", "permission__codename"):
            held.setdefault(county_id, set()).add(codename)
    return {county_id: sorted(codenames) for county_id, codenames in sorted(held.items())}
