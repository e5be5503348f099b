"""Query strings are read as strictly as bodies: an unknown parameter is refused, so that misspellings are noticed.

Otherwise `?report_typ=x` would list the jobs of every report type.
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
    """Raises ValidationError (400) naming the unknown parameters and the known ones."""
    if unknown := sorted(set(given) - set(known)):
        advice = f"Allowed: {', '.join(known)}." if known else "This call takes none."
        raise ValidationError({name: [f"Unknown query parameter. {advice}"] for name in unknown})


def refuse_repeated(query: QueryDict) -> None:
    """Raises ValidationError (400) for a parameter that is given twice, of which one would be ignored."""
    if repeated := [name for name, values in query.lists() if len(values) > 1]:
        raise ValidationError({name: ["Given more than once; write it once."] for name in repeated})


class StrictQuery:
    """A base of every API view that refuses unknown query parameters.

    Known are the parameters declared for the OpenAPI document, the filters and page parameters of a list, and `format`
    of DRF where a view offers several formats.
    """

    list_action: ClassVar[str] = "list"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        name = getattr(self, "action", None) or str(request.method).lower()
        handler = getattr(self, name, None)
        if handler is None:  # the method is not allowed (405), or asks about the route itself (OPTIONS)
            return
        known = self.known_parameters(handler)
        if known is not None:
            refuse_unknown(request.query_params, known)
        refuse_repeated(request.query_params)

    def known_parameters(self, handler: Callable[..., Any]) -> list[str] | None:
        """The names of the known parameters; None for a view whose handler checks them itself."""
        names = [*declared_parameters(self, handler)]
        if getattr(self, "action", None) == self.list_action:
            names += [*_filters(self), *_page(self)]
        if getattr(self, "content_negotiation_class", None) is DefaultContentNegotiation:
            names.append(str(api_settings.URL_FORMAT_OVERRIDE))
        return list(dict.fromkeys(names))


class MomentField(IsoDateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        """The moment in UTC. Raises Django's ValidationError for one that lies outside the calendar there."""
        moment = super().to_python(value)
        try:
            return None if moment is None else moment.astimezone(UTC)
        except OverflowError:
            raise BadValue(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(IsoDateTimeFilter):
    """A filter by a moment. It refuses 0001-01-01T00:00:00+14:00, which lies before the first moment in UTC."""

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
    """The names of the query parameters that the handler or the whole view declares for the OpenAPI document."""
    # A new schema is made because the one of the class is shared by all threads and remembers its last view.
    schema_class = getattr(handler, "kwargs", {}).get("schema") or type(getattr_static(view, "schema"))
    schema = schema_class()
    if not hasattr(schema, "get_override_parameters"):  # without a declaration it is the default schema of DRF
        return
    schema.view, schema.method, schema.path = view, view.request.method, ""
    for parameter in schema.get_override_parameters():
        if isinstance(parameter, OpenApiParameter):
            if parameter.location == OpenApiParameter.QUERY:
                yield parameter.name
        else:  # a serializer, whose fields are parameters
            yield from (parameter() if isinstance(parameter, type) else parameter).fields


def _filters(view: Any) -> Iterable[str]:
    filterset = getattr(view, "filterset_class", None)
    filters: Mapping[str, Any] = {} if filterset is None else filterset.base_filters
    return filters


def _page(view: Any) -> list[str]:
    paginator = view.paginator
    return [] if paginator is None else [paginator.cursor_query_param, paginator.page_size_query_param]
