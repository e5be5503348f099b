"""The errors of the API, as RFC 9457 `application/problem+json`. No trace, SQL or path leaves the server."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from ..database_faults import Fault, fault_of
from ..errors import TerraFusionError

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "5"
# A wrong statement is none of these; it is a 500, and the log has its trace.
UNAVAILABLE: dict[Fault | None, str] = {
    Fault.LOST: "The database does not answer at the moment; try again shortly.",
    Fault.BUSY: "The database is busy with a long write; try again shortly.",
    Fault.FULL: "The disk of the database is full; nothing was written. The administrator must make room.",
    Fault.DISK: "The database cannot use its disk; nothing was written. The administrator must look at it.",
}
API_PREFIXES = ("/api/", "/plugins/", "/auth/")


class Conflict(exceptions.APIException):
    """409: the request does not fit the state of its object."""

    status_code = status.HTTP_409_CONFLICT


class Gone(exceptions.APIException):
    """410: the object has expired."""

    status_code = status.HTTP_410_GONE


class UnprocessableContent(exceptions.APIException):
    """422: an Idempotency-Key was used again with another body."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY


class Unavailable(exceptions.APIException):
    """503: something needed for the answer is temporarily not available."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = int(RETRY_AFTER_SECONDS)  # becomes Retry-After


def problem(code: int, detail: str = "", errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """The body of an error answer. Callers quote its `error_id`, which is also in the log."""
    title = HTTPStatus(code).phrase
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": code, "detail": detail or title}
    if errors:
        body["errors"] = errors
    # The answers for an unknown object and for another county's must be the same, byte for byte.
    if code != status.HTTP_404_NOT_FOUND:
        body["error_id"] = str(uuid.uuid4())
    return body


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error; DRF calls this as its exception handler."""
    if sentence := UNAVAILABLE.get(fault_of(error)):
        set_rollback()
        body = problem(503, sentence)
        logger.error("Database unavailable (%s): %s", body["error_id"], error)
        return _response(context, 503, body, {"Retry-After": RETRY_AFTER_SECONDS})
    if isinstance(error, RequestDataTooBig):
        largest = f"A request has at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes."
        return _response(context, 413, problem(413, largest))
    if isinstance(error, TerraFusionError):
        set_rollback()
        return _response(context, 400, problem(400, str(error)))
    if isinstance(error, Http404 | exceptions.NotFound):
        set_rollback()
        return _response(context, 404, problem(404))
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    answer = exception_handler(error, context)
    if answer is None:  # a bug, whose trace is logged and never sent
        body = problem(500, "Something went wrong on our side; the error_id finds it in the log.")
        logger.error("Unexpected error %s", body["error_id"], exc_info=error)
        return _response(context, 500, body)
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
    return _response(context, answer.status_code, _body_of(error, answer.status_code), headers)


def _body_of(error: Any, code: int) -> dict[str, Any]:
    if not isinstance(error, exceptions.ValidationError):
        return problem(code, sentence_of(error))
    faults = [{"field": field, "message": message} for field, message in _flat(error.detail)]
    return problem(code, sentence_of(error), faults)


def sentence_of(error: Any) -> str:
    """The sentence of a refusal. Each fault of a request stands after the name of its field."""
    detail = getattr(error, "detail", "")
    if isinstance(error, exceptions.ValidationError):
        return "; ".join(f"{field}: {message}" if field else message for field, message in _flat(detail))
    return str(detail["detail"]) if isinstance(detail, dict) and "detail" in detail else str(detail)


def _flat(detail: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """The dotted field name and the message of each fault in DRF's nested detail."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            inner_field = field if name == "non_field_errors" else ".".join(filter(None, (field, str(name))))
            yield from _flat(inner, inner_field)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, field)
    else:
        yield field, str(detail)


def _response(
    context: dict[str, Any], code: int, body: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    renderer = getattr(context.get("request"), "accepted_renderer", None)
    is_page = renderer is not None and renderer.format == "api"
    return Response(body, status=code, headers=headers, content_type=None if is_page else CONTENT_TYPE)


def _page_or_problem(request: HttpRequest, code: int, page: Any, **kwargs: Any) -> HttpResponse:
    if request.path.startswith(API_PREFIXES):
        return JsonResponse(problem(code), status=code, content_type=CONTENT_TYPE)
    return page(request, **kwargs)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page_or_problem(request, 400, defaults.bad_request, exception=exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page_or_problem(request, 403, defaults.permission_denied, exception=exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page_or_problem(request, 404, defaults.page_not_found, exception=exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return _page_or_problem(request, 500, defaults.server_error)


def only_public_paths(endpoints: list[Any]) -> list[Any]:
    """A hook of drf-spectacular that leaves out the same routes under the inherited prefixes."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]
