"""What it costs to make texts of 100,000 rows of a legacy database: of the driver's Arrow batches, and of its rows.

    python -m bench.legacy_rows

The driver's own part, from the wire to a batch or to a row, needs a SQL Server and is not in these figures.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa

ROWS, PAGE = 100_000, 20_000
DOLLARS = 17  # columns of Benton's data set `values`, beside class, tax area, year, supplement and watermark
REPEATS = 3


def main() -> int:
    for line in report(measured()):
        print(line)
    return 0


def measured() -> dict[str, float]:
    """Rows a second, the best of three runs: the former way, the cursor's rows, Arrow batches."""
    from ingestion.connectors.legacy.rows import Reader

    tables = [_page(start) for start in range(0, ROWS, PAGE)]
    rows = [[tuple(row.values()) for row in table.to_pylist()] for table in tables]
    reader = Reader("none", [f"c{at}" for at in range(tables[0].num_columns - 2)], keys=1, has_watermark=True)
    return {
        "former": _rate(lambda: [_former(page, reader.columns) for page in rows]),
        "cursor": _rate(lambda: [reader.from_rows(page) for page in rows]),
        "arrow": _rate(lambda: [reader.from_arrow(table) for table in tables]),
    }


def report(figures: dict[str, float]) -> list[str]:
    arrow, cursor, former = figures["arrow"], figures["cursor"], figures["former"]
    return [
        f"- Rows of the driver made texts, {ROWS:,} of {DOLLARS + 5} columns: {former:,.0f} rows/s row by row as "
        f"before, {cursor:,.0f} from the cursor by columns, {arrow:,.0f} from Arrow batches "
        f"({arrow / former:.1f} times, goal 3).",
        "- Not run: the driver's own part, from SQL Server's wire to its batches; no server was at hand.",
    ]


def _page(start: int) -> Any:
    chance = random.Random(start)  # noqa: S311 - test data
    numbers = range(start, start + PAGE)
    columns: dict[str, Any] = {
        f"c{at}": pa.array([Decimal(chance.randrange(900_000)) for _ in numbers], pa.decimal128(14, 0))
        for at in range(DOLLARS)
    }
    moments = [datetime(2026, 1, 2) + timedelta(milliseconds=number) for number in numbers]  # noqa: DTZ001
    columns |= {
        "class": pa.array(["R    " for _ in numbers], pa.large_string()),
        "area": pa.array([f"T{number % 40}" for number in numbers], pa.large_string()),
        "year": pa.array([Decimal(2026) for _ in numbers], pa.decimal128(4, 0)),
        "supplement": pa.array([number % 3 for number in numbers], pa.int32()),
        "changed": pa.array(moments, pa.timestamp("us")),
        "k0": pa.array(list(numbers), pa.int32()),
        "w": pa.array(moments, pa.timestamp("us")),
    }
    return pa.table(columns)


def _former(rows: list[tuple[Any, ...]], columns: list[str]) -> pl.DataFrame:
    """Row by row and cell by cell, as it was until November 2026."""
    from ingestion.connectors.cells import cell_text
    from ingestion.connectors.source import text_frame

    texts = [[cell_text(cell) for cell in row[: len(columns)]] for row in rows]
    return text_frame(columns, texts, list(range(len(rows))))


def _rate(convert: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time()
        convert()
        best = min(best, time.process_time() - started)
    return ROWS / best


if __name__ == "__main__":
    raise SystemExit(main())
