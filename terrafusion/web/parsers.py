"""Reading the bodies of requests."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MOST_NESTED = 64  # levels of lists and objects; a GeoJSON area in a request has seven


class BoundedJSONParser(JSONParser):
    """JSON without deep nesting, which would exhaust Python's stack in the code that reads it."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            content = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise _too_deep() from None
        if _depth_exceeds(content, MOST_NESTED):
            raise _too_deep()
        return content


def _too_deep() -> ParseError:
    return ParseError(f"The JSON is nested too deeply; at most {MOST_NESTED} levels are read.")


def _depth_exceeds(content: Any, most: int) -> bool:
    level = [content] if isinstance(content, list | dict) else []
    for _ in range(most):
        members = (value.values() if isinstance(value, dict) else value for value in level)
        level = [value for values in members for value in values if isinstance(value, list | dict)]
        if not level:
            return False
    return True
