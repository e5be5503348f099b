"""Who may do what in which county: the one place that reads guardian's grants.

Grants are on County objects, to users or to the groups they are in. A permission held globally opens no county.
Everything here is a subquery, so that a list or a status poll needs no query of its own for permissions.
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
    """A boolean expression: does the user hold this permission on the county of the row?

    codename: for example "view_county"; None asks for any permission at all.
    county_id: `OuterRef("county_id")` in a queryset, or a county's id.
    """
    if not user.is_active or user.pk is None:
        return Value(False)
    if user.is_superuser:
        return Value(True)
    grants = {
        "object_pk": county_id,
        # By name, not by id: asking for the content type's id would cost a query.
        "content_type__app_label": "county_configs",
        "content_type__model": "county",
    }
    if codename is not None:
        grants["permission__codename"] = codename
    own = UserObjectPermission.objects.filter(user=user, **grants)
    of_groups = GroupObjectPermission.objects.filter(group__user=user, **grants)
    return Exists(own) | Exists(of_groups)


def counties_for(user: Anyone, codename: str | None) -> QuerySet[County]:
    """Counties on which the user holds this permission, for example "view_county"."""
    return County.objects.filter(permitted(user, codename, OuterRef("pk")))


def counties_of(user: Anyone) -> QuerySet[County]:
    """Counties on which the user holds anything. Every other county is as if it did not exist."""
    return counties_for(user, None)


def may(user: Anyone | None, codename: str, county: County) -> bool:
    """Whether the user holds the permission on this county. The system itself (None) may everything."""
    return user is None or counties_for(user, codename).filter(pk=county.pk).exists()


def require(user: Anyone, codename: str, county: County) -> None:
    """Raises NotFound for a foreign county, PermissionDenied naming the permission in the user's own."""
    if may(user, codename, county):
        return
    if not counties_of(user).filter(pk=county.pk).exists():
        raise NotFound
    raise PermissionDenied(f"Your role in {county.pk} lacks the permission {codename}.")


def permissions_by_county(user: User) -> dict[str, list[str]]:
    """Codenames the user holds, by county id; two queries. For showing, never for deciding."""
    if user.is_superuser:
        codenames = sorted(ROLES["administrator"] - {"view_county"})  # who holds every permission there is
        return {pk: ["view_county", *codenames] for pk in County.objects.values_list("pk", flat=True)}
    held: dict[str, set[str]] = {}
    for model, mine in ((UserObjectPermission, Q(user=user)), (GroupObjectPermission, Q(group__user=user))):
        grants = model.objects.filter(mine, content_type__app_label="county_configs", content_type__model="county")
        for county_id, codename in grants.values_list("object_pk", "permission__codename"):
            held.setdefault(county_id, set()).add(codename)
    return {county_id: sorted(codenames) for county_id, codenames in sorted(held.items())}
