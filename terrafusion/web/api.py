"""What every API view shares: strict input and cursor pages."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError as BadValue
from django.db.models import Q
from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

PUBLIC_ROOT = "/api/v1"


class StrictSerializer(serializers.Serializer):
    """Refuses unknown fields, so that a misspelt parameter is never silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            allowed = ", ".join(self.fields)
            raise serializers.ValidationError({str(name): [f"Unknown field. Allowed: {allowed}."] for name in unknown})
        return super().to_internal_value(data)


class CursorPage(CursorPagination):
    """Pages that neither skip nor repeat a row while others are added. `page_size` is at most 200.

    A cursor holds the whole sort key of the row at the end of its page. The cursor of DRF holds only the first column
    and counts up to 1,000 rows that share it. But all rows of a load have the same moment, so such a list never ended.
    """

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering: tuple[str, ...] = ("-created_at", "id")  # the last column is unique

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        self.page_size = self.get_page_size(request)
        self.url = request.build_absolute_uri()
        ordering = self.get_ordering(request, queryset, view)
        key, backwards = self._position(request, queryset.model, ordering)
        order = [_reversed(name) for name in ordering] if backwards else list(ordering)
        rows = queryset.order_by(*order)
        if key:
            rows = rows.filter(_beyond(order, key))
        page = list(rows[: self.page_size + 1])
        more, page = len(page) > self.page_size, page[: self.page_size]
        if backwards:
            page.reverse()
        self.ordering = tuple(ordering)
        self.next_link = self._link(page[-1], backwards=False) if page and (backwards or more) else None
        self.previous_link = self._link(page[0], backwards=True) if page and (more if backwards else key) else None
        self.display_page_controls = bool(self.next_link or self.previous_link)
        return page

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= self.max_page_size):
            message = f"Write a whole number from 1 to {self.max_page_size}."
            raise serializers.ValidationError({self.page_size_query_param: [message]})
        return int(text)

    def get_next_link(self) -> str | None:
        return self.next_link

    def get_previous_link(self) -> str | None:
        return self.previous_link

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """next, previous: the addresses of the pages around this one; null for the last and the first page."""
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }

    def _link(self, row: Any, *, backwards: bool) -> str:
        """The address of the page that begins after the row, or of the one that ends before it."""
        names = [name.removeprefix("-") for name in self.ordering]
        key = [row._meta.get_field(name).value_to_string(row) for name in names]
        cursor = urlsafe_b64encode(json.dumps([backwards, *key]).encode()).decode()
        return str(replace_query_param(self.url, self.cursor_query_param, cursor))

    def _position(self, request: Request, model: Any, ordering: Any) -> tuple[list[Any], bool]:
        """The sort key in the cursor of the request, empty without a cursor, and whether the page lies before it."""
        cursor = request.query_params.get(self.cursor_query_param)
        if cursor is None:
            return [], False
        try:
            backwards, *texts = json.loads(urlsafe_b64decode(cursor.encode()))
            if not isinstance(backwards, bool) or any(not isinstance(text, str) or "\0" in text for text in texts):
                raise ValueError
            fields = [model._meta.get_field(name.removeprefix("-")) for name in ordering]
            key = [_in_utc(field.to_python(text)) for field, text in zip(fields, texts, strict=True)]
        except (ValueError, TypeError, RecursionError, OverflowError, BadValue):
            message = "Not a cursor of this list; follow its next and previous links."
            raise serializers.ValidationError({self.cursor_query_param: [message]}) from None
        return key, backwards


def _in_utc(value: Any) -> Any:
    """A moment in UTC, as the database compares it. Raises OverflowError if it lies outside the calendar there."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _reversed(name: str) -> str:
    """The ordering by the same column in the other direction."""
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _beyond(order: list[str], key: list[Any]) -> Q:
    """The condition for rows after the key in this order. The first column has a bound of its own, for an index."""
    columns = [(name.removeprefix("-"), "lt" if name.startswith("-") else "gt") for name in order]
    (first, sign), beyond, equal = columns[0], Q(), Q()
    for (name, comparison), value in zip(columns, key, strict=True):
        beyond |= equal & Q(**{f"{name}__{comparison}": value})
        equal &= Q(**{name: value})
    return Q(**{f"{first}__{sign}e": key[0]}) & beyond
