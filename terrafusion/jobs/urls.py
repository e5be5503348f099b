"""The routes of one kind of job; a plugin's urls.py calls this with its viewset."""

from django.urls import URLPattern, path

from .views import JobViewSet


def job_urls(viewset: type[JobViewSet]) -> list[URLPattern]:
    plugin = viewset.model.plugin
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
    return [
        path(route, viewset.as_view({method: action}), name=f"{plugin}-{action}") for route, method, action in routes
    ]
