"""What every API view shares: strict input and cursor pages."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class StrictSerializer(serializers.Serializer):
    """Refuses fields it does not know, so that a misspelt parameter is never silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            allowed = ", ".join(self.fields)
            raise serializers.ValidationError({str(name): [f"Unknown field. Allowed: {allowed}."] for name in unknown})
        return super().to_internal_value(data)


class CursorPage(CursorPagination):
    """Pages that neither skip nor repeat a row while others are added. `page_size` up to 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = ("-created_at", "id")

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises ValidationError (400) naming the parameter: DRF's own 404 would say that the list is not there."""
        try:
            return super().decode_cursor(request)
        except NotFound:
            message = "Write a cursor as the addresses `next` and `previous` of an answer have it."
            raise ValidationError({self.cursor_query_param: [message]}) from None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """next, previous: addresses of the pages around this one; null at either end."""
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }
