"""The OpenAPI document as a judge of answers: every answer the tests' client gets must be as the document says."""

import copy
import json
import re
from functools import cache

from drf_spectacular.generators import SchemaGenerator
from jsonschema_rs import Draft202012Validator
from rest_framework.test import APIClient


@cache
def the_document():
    return SchemaGenerator().get_schema(request=None, public=True)


class DocumentedClient(APIClient):
    """Fails the test whose answer the document does not describe."""

    def request(self, **request):
        answer = super().request(**request)
        conforms(answer, request["REQUEST_METHOD"], request["PATH_INFO"])
        return answer


def conforms(answer, method, path):
    """The status, media type and headers are documented, and the body has the documented shape and no field more."""
    found = operation(method, path)
    if found is None:
        return
    name, answers = found["operationId"], found["responses"]
    told = answers.get(str(answer.status_code))
    assert told, f"{name}: {answer.status_code} is not documented; {', '.join(answers)} are."
    for header in told.get("headers", ()):
        assert header in answer or header == "Retry-After", f"{name}: {answer.status_code} lacks the header {header}."
    content = told.get("content", {})
    if not content:
        assert not getattr(answer, "content", b""), f"{name}: {answer.status_code} should have no body."
        return
    media_type = answer["Content-Type"].partition(";")[0]
    if media_type == "text/html" and "application/json" in content:
        return  # the browsable API
    assert media_type in content or "*/*" in content, f"{name}: {media_type} is not documented."
    if media_type.endswith("json") and media_type in content:
        _judge(name, str(answer.status_code), media_type, answer.content)


def operation(method, path):
    """The documented operation of a request, under whichever prefix; None for what is not part of the document."""
    public = re.sub(r"^/auth/", "/api/v1/auth/", re.sub(r"^/plugins/v1/", "/api/v1/", path))
    for pattern, operations in _routes():
        if pattern.fullmatch(public):
            return operations.get(method.lower())
    return None


@cache
def _routes():
    """Literal paths before those with a variable in the same place."""
    paths = sorted(the_document()["paths"].items(), key=lambda item: re.sub(r"\{\w+\}", "~", item[0]))
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), operations) for path, operations in paths]


def _judge(name, code, media_type, content):
    if b'"probe":' in content:
        return  # a job whose request and result a test has made its own (tests/probe)
    body = json.loads(content)
    found = _judge_of(name, code, media_type).iter_errors(body)
    faults = [f"{'.'.join(map(str, each.instance_path))}: {each.message}" for each in found]
    assert not faults, f"{name} {code}: {faults[:3]}\n{json.dumps(body)[:2000]}"


@cache
def _judge_of(name, code, media_type):
    for operations in the_document()["paths"].values():
        for found in operations.values():
            if found["operationId"] == name:
                return validator(found["responses"][code]["content"][media_type]["schema"])
    raise KeyError(name)


def validator(schema):
    """Judges formats too, and refuses fields that the document does not name."""
    return Draft202012Validator(schema | {"components": _strict_components()}, validate_formats=True)


@cache
def _strict_components():
    """Objects whose fields are fixed have no other; the document does not say so, to leave room for more."""
    components = copy.deepcopy(the_document()["components"])
    for schema in components["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return components
