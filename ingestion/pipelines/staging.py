"""Staging: a source is read in batches, converted, checked, and stored as Parquet parts until the switch.

A part is either complete or absent, so a load that was killed goes on after its last part. The roll is not changed
here.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.connectors.source import LINE, Batch, Source
from ingestion.transforms.columns import WITHHELD, convert_batch
from ingestion.transforms.geometries import box_columns
from ingestion.transforms.mapper import Dataset
from ingestion.transforms.places import usual_places, without_far_places
from ingestion.transforms.roll_fields import PERSONAL, TARGETS
from ingestion.transforms.rules import Context, broken_rules, rules_for, schema_for
from ingestion.transforms.validators import Finding, Level
from terrafusion.full_disk import full_disk_told
from terrafusion.roll.querysets import parcel_number_key

from .control.amounts import source_amounts

REFUSED = "refused"
ZERO_SHOWN = "\u2400"  # stands for a zero byte, which PostgreSQL does not keep
_MODULUS = 1 << 128
FINDINGS = {
    "line": pl.Int64, "column": pl.String, "value": pl.String, "reason": pl.String, "rule": pl.String,
    "level": pl.String, "dropped": pl.Boolean, "raw": pl.String,
}  # fmt: skip


@dataclass
class State:
    """How far the staging of one data set has come. It is written after every part."""

    parts: int = 0
    position: Any = None
    read: int = 0
    digest: int = 0
    watermark: str | None = None
    done: bool = False
    counted: int | None = None  # the number of rows by the source's own count
    places: list[float] | None = None  # west, south, east and north; no place of this county lies outside


@dataclass
class StagedSet:
    """The folder of one data set, with its parts, findings and state."""

    name: str
    dataset: Dataset
    folder: Path
    state: State = field(default_factory=State)

    @classmethod
    def opened(cls, name: str, dataset: Dataset, folder: Path) -> StagedSet:
        """The folder, with what an earlier attempt has staged in it."""
        path = folder / name
        path.mkdir(parents=True, exist_ok=True)
        state_file = path / "state.json"
        state = State(**json.loads(state_file.read_text())) if state_file.exists() else State()
        return cls(name, dataset, path, state)

    def parts(self) -> list[Path]:
        return [self.folder / f"part-{number:05}.parquet" for number in range(self.state.parts)]

    def findings(self) -> pl.DataFrame:
        files = [self.folder / f"findings-{number:05}.parquet" for number in range(self.state.parts)]
        frames = [pl.read_parquet(file_name) for file_name in files if file_name.exists()]
        return pl.concat(frames) if frames else pl.DataFrame(schema=FINDINGS)

    def column_names(self) -> list[str]:
        return list(pl.read_parquet_schema(self.parts()[0])) if self.state.parts else []

    def scan(self, *columns: str) -> pl.DataFrame:
        """Some columns of every part, in the order of the source."""
        return pl.concat([pl.read_parquet(part, columns=[*columns]) for part in self.parts()])

    def keep(self, values: pl.DataFrame, findings: pl.DataFrame, state: State) -> None:
        """Adds a part, which counts as soon as the new state is saved."""
        number = self.state.parts
        _written(self.folder / f"part-{number:05}.parquet", lambda path: values.write_parquet(path, compression="lz4"))
        if findings.height:
            _written(self.folder / f"findings-{number:05}.parquet", findings.write_parquet)
        else:
            (self.folder / f"findings-{number:05}.parquet").unlink(missing_ok=True)
        self.save(state)

    def save(self, state: State) -> None:
        self.state = state
        _written(self.folder / "state.json", lambda path: path.write_text(json.dumps(state.__dict__)))


def _written(path: Path, write: Callable[[Path], Any]) -> None:
    """Writes the whole file or none of it: it is safely on disk before it gets its name."""
    half = path.with_suffix(".half")
    with full_disk_told():
        write(half)
    with half.open("rb") as stream:
        os.fsync(stream.fileno())
    half.rename(path)


def stage(staged: StagedSet, source: Source, context: Context, progress: Callable[[int], None]) -> None:
    """Reads the rest of the source.

    progress: called with the number of rows read so far; it may raise an exception to stop the staging.
    """
    if staged.state.done:
        return
    rules = rules_for(staged.dataset)
    schema = schema_for(rules, context)
    for batch in source.batches(staged.state.position):
        values, findings, places = _check(batch, staged.dataset, context, rules, schema, staged.state.places)
        state = staged.state
        after = State(
            parts=state.parts + 1,
            position=batch.position,
            read=state.read + batch.rows.height + len(batch.broken),
            counted=state.counted,
            places=places,
            digest=(state.digest + _digest(values)) % _MODULUS,
            watermark=max(filter(None, (state.watermark, batch.watermark)), default=None),
        )
        staged.keep(values, findings, after)
        progress(after.read)
    staged.save(State(**staged.state.__dict__ | {"done": True}))


def _check(
    batch: Batch, dataset: Dataset, context: Context, rules: list[Any], schema: Any, places: list[float] | None
) -> tuple[pl.DataFrame, pl.DataFrame, list[float] | None]:
    converted = convert_batch(batch.rows, dataset)
    findings = list(dict.fromkeys(converted.findings))  # one column may feed two fields
    findings += broken_rules(converted.values, dataset, rules, schema)
    refused = {finding.line for finding in findings if finding.level is Level.REFUSE}
    values = converted.values.with_columns(
        pl.col(LINE).is_in(list(refused)).alias(REFUSED), *source_amounts(batch.rows, dataset)
    )
    values = _with_derived(values, dataset)
    places = places or usual_places(values, dataset, context.boundary)
    if places is not None:
        values, far = without_far_places(values, dataset, places)
        findings += far
    broken = [
        Finding(row.line, "", row.raw[:100] if not _holds_names(dataset) else WITHHELD, row.reason, "V-ROW")
        for row in batch.broken
    ]
    broken += _reader_notes(batch, dataset)
    raws = {row.line: _raw({"": row.raw}) for row in batch.broken}
    if refused:
        for row in batch.rows.filter(pl.col(LINE).is_in(list(refused))).iter_rows(named=True):
            line = row.pop(LINE)
            raws[line] = _raw(row)
    return values, findings_frame([*findings, *broken], raws), places


def _reader_notes(batch: Batch, dataset: Dataset) -> list[Finding]:
    """Warnings about rows that the reader accepted, for the columns that the mapping reads."""
    read, hidden = {"", *dataset.source_columns()}, _holds_names(dataset)
    return [
        Finding(
            note.line,
            note.column,
            WITHHELD if hidden else note.value[:100],
            note.reason,
            "V-READ",
            Level.WARN,
            note.dropped,
        )
        for note in batch.notes
        if note.column in read
    ]


def _holds_names(dataset: Dataset) -> bool:
    return any(PERSONAL & set(fields) for fields in dataset.targets().values())


def findings_frame(findings: list[Finding], raws: dict[int, str]) -> pl.DataFrame:
    rows = [
        (
            finding.line,
            finding.column,
            finding.value,
            finding.reason,
            finding.rule,
            str(finding.level),
            finding.dropped,
            raws.get(finding.line),
        )
        for finding in findings
    ]
    shown = pl.col("value").str.replace_all("\x00", ZERO_SHOWN)
    return pl.DataFrame(rows, schema=FINDINGS, orient="row").with_columns(shown)


def _raw(row: Mapping[str, str]) -> str:
    """The row's cells as JSON, with zero bytes replaced.

    They are replaced before the cells become JSON, where a cell with the six characters \\u0000 looks similar.
    """
    shown = {name: text.replace("\x00", ZERO_SHOWN) for name, text in row.items()}
    return json.dumps(shown, ensure_ascii=False)


def _with_derived(values: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Adds columns that follow from others: the search key and the edges of the geometry's bounding box."""
    for target, fields in dataset.targets().items():
        if "geometry" in fields and TARGETS[target].is_located:
            values = values.with_columns(box_columns(values[f"{target}.geometry"], f"{target}."))
    if "parcel_number" in dataset.properties:
        number = pl.col("properties.parcel_number")
        key = pl.when(number.str.contains(r"^[\x00-\x7f]*$")).then(
            number.str.replace_all("[^0-9A-Za-z]", "").str.to_uppercase()
        )
        values = values.with_columns(key.alias("properties.parcel_number_key"))
        if values["properties.parcel_number_key"].null_count() > values["properties.parcel_number"].null_count():
            keys = [parcel_number_key(text) if text else None for text in values["properties.parcel_number"]]
            values = values.with_columns(pl.Series("properties.parcel_number_key", keys, dtype=pl.String))
    return values


def _digest(values: pl.DataFrame) -> int:
    """A number that is the same for the same rows in any order."""
    named = values.filter(~pl.col(REFUSED)).select(pl.exclude(LINE, REFUSED, "^source\\..*$"))
    binary = [name for name, dtype in named.schema.items() if dtype == pl.Binary]
    text = named.with_columns(pl.col(binary).bin.encode("hex")).write_csv(include_header=False).encode()
    blake = hashlib.blake2b
    return sum(int.from_bytes(blake(line, digest_size=16).digest(), "big") for line in text.split(b"\n") if line)
