"""How the bodies of requests are read."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MOST_NESTED = 64  # lists and objects in each other; a GeoJSON area in a request has seven


class BoundedJSONParser(JSONParser):
    """JSON that everything after can walk through: deeply nested lists exhaust Python's stack."""

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
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [value for values in inner for value in values if isinstance(value, list | dict)]
        if not level:
            return False
    return True
