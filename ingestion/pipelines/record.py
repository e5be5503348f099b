"""Stores the record of a load: what was read, what became of it, and the rows that must be corrected."""

from __future__ import annotations

import json
from datetime import datetime

from ingestion.models import IngestionRun, RejectedRow

from .reports import LoadReport, SetReport
from .staging import StagedSet

KEPT_OF_REFUSED = 1000  # the most rows stored for a data set, because a wrong mapping refuses every row of a county


def record(
    run: IngestionRun, staged: list[StagedSet], report: LoadReport, status: IngestionRun.Status, now: datetime
) -> None:
    run.status, run.finished_at = status, now
    run.watermark = {own.name: own.state.watermark for own in staged if own.state.watermark}
    run.message = " ".join(report.notes)
    run.save(update_fields=["status", "finished_at", "watermark", "message"])
    _record_rows(run, staged, report)


def record_refused(run: IngestionRun, staged: list[StagedSet], report: LoadReport) -> None:
    """Stores the record of a load that was refused. It is closed already, with the reasons."""
    _record_rows(run, staged, report, KEPT_OF_REFUSED)


def _record_rows(run: IngestionRun, staged: list[StagedSet], report: LoadReport, most: int | None = None) -> None:
    run.results = {name: own.as_json() for name, own in report.sets.items()}
    run.control_totals = report.control_totals
    run.digest = f"{sum(own.state.digest for own in staged) % (1 << 128):032x}"
    run.save(update_fields=["results", "control_totals", "digest"])
    run.rejected_rows.all().delete()
    for own in staged:
        _keep_rejected(run, own.name, report.sets[own.name], most)


def _keep_rejected(run: IngestionRun, dataset: str, own: SetReport, most: int | None) -> None:
    """Stores rejected rows. most: how many of the first rows are stored; None for all."""
    lines = own.rejected_lines()
    raws = own.raw_rows()
    RejectedRow.objects.bulk_create(
        (
            RejectedRow(
                run=run,
                dataset=dataset,
                line=row["line"],
                raw=json.loads(raws.get(row["line"], "{}")),
                column=row["column"][:200],
                value=row["value"][:200],
                rule=row["rule"],
                reason=row["reason"],
            )
            for row in lines.head(lines.height if most is None else most).iter_rows(named=True)
        ),
        batch_size=1000,
    )
