"""Checks whether a source still has the form it had at the last load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from county_configs.models import County
from ingestion.models import IngestionRun
from ingestion.transforms.mapper import Dataset
from ingestion.transforms.near_names import near_name


def differences(county: County, shapes: Mapping[str, dict[str, Any]], datasets: Mapping[str, Dataset]) -> list[str]:
    """Descriptions of what has changed since the last loaded run of each data set; empty if nothing has."""
    changes: list[str] = []
    for name, shape in shapes.items():
        last = (
            IngestionRun.objects.filter(county=county, status=IngestionRun.Status.LOADED, shape__has_key=name)
            .order_by("-pk")
            .values_list("shape", "mapping")
            .first()
        )
        if last is not None and set(last[1].get(name, {})) == set(datasets[name].as_written()):
            changes += [f"{name}: {change}" for change in _compare(last[0][name], shape, datasets[name])]
    return changes


def _compare(old: dict[str, Any], new: dict[str, Any], dataset: Dataset) -> list[str]:
    """Changes of the columns that the mapping reads. Other columns may come, go and move freely."""
    changes = []
    read = set(dataset.source_columns())
    before, after = (
        [column for column in old["columns"] if column in read],
        [column for column in new["columns"] if column in read],
    )
    dropped = [column for column in before if column not in after]
    added = [column for column in new["columns"] if column not in old["columns"]]
    for column in dropped:
        near = near_name(column, added)
        changes.append(f"column {column} is now called {near}" if near else f"column {column} is gone")
    if not dropped and before != after and set(before) == set(after):
        changes.append(f"the columns stand in another order: {', '.join(after)}")
    for column in after:
        was, now = old["kinds"].get(column), new["kinds"].get(column)
        if _is_another(was, now):
            changes.append(f"column {column} held {was}, now {now}")
    for name in ("encoding", "delimiter"):
        if old.get(name) != new.get(name):
            changes.append(f"{name} was {old.get(name)!r}, now {new.get(name)!r}")
    return changes


def _is_another(was: str | None, now: str | None) -> bool:
    """Whether the two kinds allow different values. A text column with another length still counts as the same kind."""
    if was is None or now is None or "empty" in (was, now):
        return False
    if re.fullmatch(r"-?\d+", was):
        return False  # a type number of the database driver, which early loads stored instead of the type's name
    return _without_length(was) != _without_length(now)


def _without_length(kind: str) -> str:
    return re.sub(r"(char|character|character varying|binary)\(\w+\)$", r"\1", kind.lower())
