"""Filters of a job list."""

from functools import cache

import django_filters
from django.db import models

from terrafusion.web.query_parameters import MomentFilter

from ..models import Job
from ..registry import JobKind, Kind


def own_text_fields(kind: Kind) -> list[str]:
    """Those by which its jobs can be looked for."""
    return [name for name in kind.own_fields if isinstance(kind.model._meta.get_field(name), models.CharField)]


@cache
def job_filter(kind: JobKind) -> type[django_filters.FilterSet]:
    """county_id, status, created range, and the text fields of the kind's own."""
    own_text = {name: django_filters.CharFilter(field_name=name) for name in own_text_fields(kind)}
    common = {
        "county_id": django_filters.CharFilter(field_name="county_id"),
        "status": django_filters.ChoiceFilter(choices=Job.Status.choices),
        "created_after": MomentFilter(field_name="created_at", lookup_expr="gte"),
        "created_before": MomentFilter(field_name="created_at", lookup_expr="lt"),
    }
    meta = type("Meta", (), {"model": kind.model, "fields": []})
    return type(f"{kind.model.__name__}Filter", (django_filters.FilterSet,), common | own_text | {"Meta": meta})
