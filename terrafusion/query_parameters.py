"""A query string is read as strictly as a body: what nobody knows is refused, so that no misspelling passes.

`?report_typ=x` would else give the jobs of every report type.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import wraps
from inspect import getattr_static
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as BadValue
from django.http import QueryDict
from django_filters import IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.settings import api_settings


def refuse_unknown(given: Iterable[str], known: Collection[str]) -> None:
    """Raises ValidationError (400) naming the parameters nobody knows and those there are."""
    if unknown := sorted(set(given) - set(known)):
        takes = f"Allowed: {', '.join(known)}." if known else "This call takes none."
        raise ValidationError({name: [f"Unknown query parameter. {takes}"] for name in unknown})


def refuse_repeated(query: QueryDict) -> None:
    """Raises ValidationError (400): of a parameter that is there twice, one would be ignored."""
    if repeated := [name for name, values in query.lists() if len(values) > 1]:
        raise ValidationError({name: ["Given more than once; write it once."] for name in repeated})


class StrictQuery:
    """For every API view: refuses query parameters that the call does not know.

    Known are the parameters declared for the OpenAPI document; in a list its filters and page; and DRF's own
    `format` where more than one can be had.
    """

    list_action: ClassVar[str] = "list"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        name = getattr(self, "action", None) or str(request.method).lower()
        handler = getattr(self, name, None)
        if handler is None:  # 405, or a question about the route itself
            return
        known = self.known_parameters(handler)
        if known is not None:
            refuse_unknown(request.query_params, known)
        refuse_repeated(request.query_params)

    def known_parameters(self, handler: Callable[..., Any]) -> list[str] | None:
        """None where only the handler can tell."""
        names = [*declared_parameters(self, handler)]
        if getattr(self, "action", None) == self.list_action:
            names += [*_filters(self), *_page(self)]
        if getattr(self, "content_negotiation_class", None) is DefaultContentNegotiation:
            names.append(str(api_settings.URL_FORMAT_OVERRIDE))
        return list(dict.fromkeys(names))


class MomentField(IsoDateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        """In UTC. Raises Django's ValidationError for a moment that lies outside the calendar there."""
        moment = super().to_python(value)
        try:
            return None if moment is None else moment.astimezone(UTC)
        except OverflowError:
            raise BadValue(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(IsoDateTimeFilter):
    """A filter by a moment: 0001-01-01T00:00:00+14:00 is none, though it is written like one."""

    field_class = MomentField


def takes_no_query(function: Callable[..., Any]) -> Callable[..., Any]:
    """StrictQuery for a view that is a function."""

    @wraps(function)
    def strict(request: Request, *args: Any, **kwargs: Any) -> Any:
        refuse_unknown(request.query_params, [str(api_settings.URL_FORMAT_OVERRIDE)])
        refuse_repeated(request.query_params)
        return function(request, *args, **kwargs)

    return strict


def declared_parameters(view: Any, handler: Callable[..., Any]) -> Iterator[str]:
    """Names of the query parameters that the OpenAPI document declares, on the handler or for the whole view."""
    # A schema of this request alone: the one on the class is shared by all threads and remembers its last view.
    schema_class = getattr(handler, "kwargs", {}).get("schema") or type(getattr_static(view, "schema"))
    schema = schema_class()
    if not hasattr(schema, "get_override_parameters"):  # nothing was declared: DRF's stand-in for the default
        return
    schema.view, schema.method, schema.path = view, view.request.method, ""
    for parameter in schema.get_override_parameters():
        if isinstance(parameter, OpenApiParameter):
            if parameter.location == OpenApiParameter.QUERY:
                yield parameter.name
        else:  # a serializer: each field is a parameter
            yield from (parameter() if isinstance(parameter, type) else parameter).fields


def _filters(view: Any) -> Iterable[str]:
    filterset = getattr(view, "filterset_class", None)
    filters: Mapping[str, Any] = {} if filterset is None else filterset.base_filters
    return filters


def _page(view: Any) -> list[str]:
    paginator = view.paginator
    return [] if paginator is None else [paginator.cursor_query_param, paginator.page_size_query_param]
