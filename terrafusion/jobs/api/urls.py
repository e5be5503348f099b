"""The routes of every kind of job, under each prefix, and the other routes of its plugin."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, include, path

from ..registry import JobKind, registered_kinds
from .views import viewset_of


def plugin_urls(*prefixes: str) -> list[URLPattern | URLResolver]:
    return [
        path(f"{prefix}/{kind.path}/", include([*_job_urls(kind), *_of_module(kind.routes)]))
        for prefix in prefixes
        for kind in registered_kinds()
    ]


def county_urls() -> list[URLPattern | URLResolver]:
    """Routes of plugins that belong to a county and not to jobs."""
    return [pattern for kind in registered_kinds() for pattern in _of_module(kind.county_routes)]


def _of_module(module: str) -> list[URLResolver]:
    return [path("", include(module))] if module else []


def _job_urls(kind: JobKind) -> Iterator[URLPattern]:
    routes = (
        ("run", "post", "run"),
        ("status/<str:job_id>", "get", "status"),
        ("results/<str:job_id>", "get", "results"),
        ("jobs", "get", "jobs"),
        ("jobs/<str:job_id>/cancel", "post", "cancel"),
        ("jobs/<str:job_id>/retry", "post", "retry"),
        ("jobs/<str:job_id>/log", "get", "log"),
        ("jobs/<str:job_id>/artifacts/<str:name>", "get", "artifact"),
    )
    viewset = viewset_of(kind)
    for route, method, action in routes:
        yield path(route, viewset.as_view({method: action}), name=f"{kind.name}-{action}")
