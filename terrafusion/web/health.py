"""Whether the web process is alive, and whether it is ready to serve requests."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from .problems import CONTENT_TYPE, RETRY_AFTER_SECONDS, problem


def live(request: HttpRequest) -> JsonResponse:
    """Answers 200 while the process runs."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> JsonResponse:
    """Answers 200 if the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse(
            problem(503, "The database does not answer."),
            status=503,
            content_type=CONTENT_TYPE,
            headers={"Retry-After": RETRY_AFTER_SECONDS},
        )
    return JsonResponse({"status": "ready"})
