"""What README.md and docs/ show a reader to type or to send."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parent.parent.parent
ADDING_A_PLUGIN = ROOT / "docs" / "adding_a_plugin.md"  # test_adding_a_plugin.py follows it as a whole
DOCUMENTS = [ROOT / "README.md", *sorted(set((ROOT / "docs").rglob("*.md")) - {ADDING_A_PLUGIN})]

_COMMAND = re.compile(
    r"(manage\.py|make|curl|gunicorn|python3?|pytest|pip|docker|systemctl|sudo|\S+/\S+\.py|\.ci/\S+) \S"
)
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) \S")
_PATH = re.compile(r"/[a-z{]|\?\w+=|https?://\S*/api/")
_JSON = re.compile(r'\{\s*"|"\w+": ')


@dataclass(frozen=True)
class Example:
    """One command, request, part of a request, or block of anything else."""

    document: Path
    line: int
    kind: str  # command, request, path, json, block
    text: str

    def __str__(self):
        return f"{self.document.relative_to(ROOT)}:{self.line}: {self.text}"


def examples_of(document):
    """In the order of the text."""
    found, block, fenced = [], [], False
    lines = document.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate([*lines, ""], start=1):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            block.append((number, line))
            continue
        found += _of_block(document, block)
        block = []
        found += _of_text(document, number, line)
    return found


def _of_block(document, block):
    """A command a line; a request with the body below it; else the block as a whole."""
    found = []
    for number, indented in block:
        line = indented.strip()
        if _COMMAND.match(line):
            found.append(Example(document, number, "command", re.sub(r"\s+# .*", "", line)))
        elif _REQUEST.match(line):
            found.append(Example(document, number, "request", line))
        elif found and found[-1].kind == "request":
            whole = f"{found[-1].text} {line}"
            found[-1] = Example(document, found[-1].line, "request", whole)
        else:
            text = dedent("\n".join(line for _, line in block))
            return [Example(document, block[0][0], "json" if _JSON.match(text) else "block", text)]
    return found


def _of_text(document, number, line):
    kinds = {"command": _COMMAND, "request": _REQUEST, "path": _PATH, "json": _JSON}
    for text in re.findall(r"`([^`]+)`", line):
        kind = next((kind for kind, pattern in kinds.items() if pattern.match(text)), None)
        if kind:
            yield Example(document, number, kind, text)


def all_examples():
    return [example for document in DOCUMENTS for example in examples_of(document)]
