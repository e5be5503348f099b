"""A chart before it is a picture. Imports no drawing library: a process that never draws does not pay for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chart:
    """name: in the names of its files. description: what a reader who cannot see it must know. spec: Vega-Lite."""

    name: str
    title: str
    description: str
    spec: dict[str, Any]
