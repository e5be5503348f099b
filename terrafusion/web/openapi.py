"""The errors that operations of the OpenAPI document can answer with.

Most of them follow from the operation: whether it takes a body, has an id in its path, needs a token. A view declares
only the others: `responses={..., 409: None}`.
"""

from __future__ import annotations

from typing import Any

import uritemplate
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_field
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation

from .problems import CONTENT_TYPE

BINARY = {"type": "string", "format": "binary"}
ANY_TYPE, BYTES = "*/*", "application/octet-stream"

_REFUSALS = {
    400: "A value is missing, malformed, unknown or foreign; `errors` names each field and what is allowed.",
    401: "There is no token, or it is invalid or expired.",
    403: "The user's role in the county lacks a permission; `detail` names it.",
    404: "The object does not exist, or belongs to another county.",
    406: "None of the media types in `Accept` is offered.",
    409: "The request does not fit the state of its object.",
    410: "The file has expired.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The range lies outside the file.",
    422: "The `Idempotency-Key` was used with another body.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "A fault of the server; `error_id` finds it in the log.",
    503: "The database or the store of files does not answer at the moment; `Retry-After` says how long to wait.",
}


class FaultSerializer(serializers.Serializer):
    """One fault of a request. field: dotted, for example parameters.year; empty for a fault of the whole request."""

    field = serializers.CharField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """The body of every error: RFC 9457 problem details. error_id: for support; a 404 has none."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FaultSerializer(many=True, required=False)  # type: ignore[assignment] # the contract's name
    error_id = serializers.UUIDField(required=False)


def constant(value: str) -> serializers.Field:
    """A text that is always the same, which distinguishes the variants of a request or an answer."""
    shape = {"type": "string", "const": value}
    return extend_schema_field(shape)(type("ConstantField", (serializers.CharField,), {}))()


def response_header(name: str, description: str, *codes: int) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description, response=list(codes)
    )


class ApiSchema(AutoSchema):
    """Adds to each operation the errors it can answer with."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        own = [int(code) for code in bodies if code >= "400"]
        for code in (*own, *self._refusals()):
            refusal = OpenApiResponse(ProblemSerializer, _REFUSALS[code])
            bodies[str(code)] = self._get_response_for_code(refusal, str(code), [CONTENT_TYPE], direction)
        return dict(sorted(bodies.items()))

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: Any) -> Any:
        """Applies two attributes of a serializer.

        may_lack: the fields that an answer may lack, even if they are declared as required.
        may_have_more: the object may have further members.
        """
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)
        if getattr(serializer, "may_have_more", False):
            schema["additionalProperties"] = {}
        may_lack = getattr(serializer, "may_lack", ())
        if may_lack and "required" in schema:
            required = [name for name in schema.pop("required") if name not in may_lack]
            schema |= {"required": required} if required else {}
        return schema

    def _refusals(self) -> list[int]:
        needs_token = bool(self.get_auth())
        has_id_in_path = bool(uritemplate.variables(self.path))
        writes = self.method not in ("GET", "HEAD")
        takes_body = writes and self.get_request_serializer() is not None
        occurring = {
            400: True,  # an unknown query parameter
            401: needs_token,
            403: needs_token and (has_id_in_path or writes),
            404: has_id_in_path,
            406: type(self.view.get_content_negotiator()) is DefaultContentNegotiation,
            413: takes_body,
            415: takes_body,
            429: bool(self.view.get_throttles()),
            500: True,
            503: True,
        }
        return [code for code, occurs in occurring.items() if occurs]


class BasicScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.basic.QuickBasicAuthentication"
    name = "basicAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "basic"}
