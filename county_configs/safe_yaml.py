"""Reading a county's YAML files as plain data, within limits, with a line number for every fault."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from terrafusion.errors import ConfigurationError

LARGEST_FILE = 1_000_000  # bytes
DEEPEST = 30  # levels of nesting
# Keys whose values are a county's codes, which are texts even without quotes.
CODES = ("codes", "other_codes", "unknown", "valid_codes")
OPTIONAL_LEVELS = ("datasets", "main")  # levels that a mapping with only one data set leaves out


class _Loader(yaml.CSafeLoader):
    """A SafeLoader, with the parser in C, that refuses a key written twice, of which YAML would ignore the first.

    Only true and false are truth values. `on`, `no` and `Y` are texts, as in YAML 1.2. Codes are texts too: 01 keeps
    its zero.
    """

    yaml_implicit_resolvers = {
        letter: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:bool" or letter in "tTfF"]
        for letter, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key, _ in node.value:
            if keys.count(key.value) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is written twice", key.start_mark)
        data = super().construct_mapping(node, deep)
        return data | {key.value: _texts(value) for key, value in node.value if key.value in CODES}


def _texts(node: yaml.Node) -> Any:
    """The data of the node, with every scalar as the text that is written."""
    if isinstance(node, yaml.MappingNode):
        return {_texts(key): _texts(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_texts(value) for value in node.value]
    return None if node.tag == "tag:yaml.org,2002:null" else node.value


def read_yaml(path: Path) -> tuple[Any, yaml.Node | None]:
    """The data of the file, and its node tree for `line_of`. Raises ConfigurationError naming folder, file and line."""
    name = f"{path.parent.name}/{path.name}"
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigurationError(f"{name} is larger than {LARGEST_FILE:,} bytes; is this a configuration file?")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"There is no file {name}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name} is not UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}.") from error
    try:
        _refuse_bombs(text, name)
        loader = _Loader(text)
        root = loader.get_single_node()
        return None if root is None else loader.construct_document(root), root
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{name}:{line}: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}: {error}") from error
    except ValueError as error:  # a date that does not exist, or a number that is too large
        raise ConfigurationError(f"{name}: {error}.") from error


def _refuse_bombs(text: str, name: str) -> None:
    """Raises ConfigurationError for aliases and deep nesting, which no county needs.

    Aliases repeat a part of the file, so that a few lines can stand for gigabytes.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigurationError(f"{name}:{line}: anchors (&) and aliases (*) are not allowed.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise ConfigurationError(f"{name}:{line}: nested deeper than {DEEPEST} levels.")


def line_of(root: yaml.Node | None, place: Sequence[str | int]) -> int:
    """The line on which the place begins, or the deepest part of it that is in the file."""
    node, line = root, 1
    for step in place:
        if isinstance(node, yaml.MappingNode) and step in OPTIONAL_LEVELS and not _has(node, str(step)):
            continue
        entry = None
        if isinstance(node, yaml.MappingNode):
            entry = next(((key, value) for key, value in node.value if key.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            entry = (node.value[step], node.value[step])
        if entry is None:
            break
        line, node = entry[0].start_mark.line + 1, entry[1]
    return line


def _has(node: yaml.MappingNode, key: str) -> bool:
    return any(key_node.value == key for key_node, _ in node.value)


def faults_with_lines(error: ValidationError, root: yaml.Node | None, name: str) -> list[str]:
    """Each fault of a configuration file as `folder/file:line: key: what is wrong`."""
    faults = []
    for fault in error.errors():
        place = list(fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        if (named := re.match(r"([a-z_]+)(?:\.([\w.]+))?: ", message)) and fault["type"] == "value_error":
            place += [step for step in named.groups() if step]  # a rule about several keys names the wrong one
            message = message[named.end() :]
        if fault["type"] == "string_type" and isinstance(fault["input"], int | float):
            message = f'{fault["input"]!r} is read as a number, which loses leading zeros: write "{fault["input"]}"'
        shown = [str(step) for step in place if step not in OPTIONAL_LEVELS]
        faults.append(f"{name}:{line_of(root, place)}: {'.'.join(shown) or 'file'}: {message}")
    return faults
