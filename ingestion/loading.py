"""What an ingestion job does: it stages and checks. The runner makes the switch in the transaction that ends it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from terrafusion.jobs.outcome import Outcome, OutputFile

from .connectors.rejects import CorrectedRows
from .corrections import REJECTS, run_with_corrections
from .models import IngestionJob, IngestionRun, RejectedRow
from .pipelines.bulk_load import Load, new_run, stage_all
from .pipelines.findings_file import SHOWN_COLUMNS, write_findings
from .pipelines.reports import LoadReport
from .pipelines.requests import LoadRequest, Prepared, prepare
from .serializers import UPLOAD, mapping_path, source_file
from .transforms.mapper import Dataset

SHOWN_FINDINGS = 100
ROWS_AT_A_TIME = 1000


def load(job: IngestionJob) -> Outcome:
    """Reads and checks the source. A job that was interrupted goes on after what it had staged."""
    if job.source.startswith(REJECTS):
        prepared = _corrections(job)
    else:
        prepared = prepare(_request(job), lambda name, rows: job.report(rows, rows * 2, f"{name}: {rows:,} rows read."))
    result: dict[str, Any] = {}
    return Outcome(result=result, files=[_findings_file(job, prepared)], store=lambda: _switch(job, prepared, result))


def _request(job: IngestionJob) -> LoadRequest:
    parameters, path = job.parameters, None
    if job.source.startswith(UPLOAD):
        path = _local_copy(job)
    return LoadRequest(
        county=job.county,
        source=job.source,
        mapping=mapping_path(job.county),
        dataset=parameters.get("dataset"),
        variables=parameters.get("variables", {}),
        since=parameters.get("since"),
        accept_drift=parameters.get("accept_drift", False),
        dry_run=parameters.get("dry_run", False),
        path=path,
        job=job,
    )


def _local_copy(job: IngestionJob) -> Path:
    """A copy of the uploaded file in the folder of this attempt, under the name that the user gave it."""
    upload = source_file(job.county, job.source)
    path = job.workspace / Path(upload.name).name
    with upload.file.open("rb") as stored, path.open("wb") as copy:
        shutil.copyfileobj(stored, copy, 1 << 20)
    return path


def _corrections(job: IngestionJob) -> Prepared:
    run = run_with_corrections(job.county, job.source)
    names = set(run.waiting_corrections().values_list("dataset", flat=True))
    datasets = {
        name: Dataset.model_validate(written | {"rejection_limit_percent": 100, "complete": False})
        for name, written in run.mapping.items()
        if name in names
    }
    sources = {name: CorrectedRows.waiting(run, name, dataset) for name, dataset in datasets.items()}
    now = timezone.now()
    again = new_run(job.county, f"{run.source}, corrections", run.mapping_name, datasets, now, job_id=job.pk)
    corrected = Load(again, sources, datasets, now, partial=True, accept_drift=True)
    return Prepared(corrected, stage_all(corrected), dry_run=job.parameters.get("dry_run", False))


def _switch(job: IngestionJob, prepared: Prepared, result: dict[str, Any]) -> None:
    """Makes the switch in the runner's transaction, so that roll, record and end of the job change together."""
    report = prepared.switch()
    run = prepared.load.run
    result |= {
        "run": run.pk,
        "dry_run": prepared.dry_run,
        "datasets": {name: own.as_json() for name, own in report.sets.items()},
        "control_totals": report.control_totals,
        "rejected_rows": report.rejected,
        "digests": {"source_sha256": run.source_sha256, "mapping_sha256": run.mapping_sha256, "rows": run.digest},
        "findings": _findings(report),
        "notes": report.notes,
    }
    transaction.on_commit(run.discard_staging)
    if not prepared.dry_run:
        for source in prepared.load.sources.values():
            if isinstance(source, CorrectedRows):
                _mark_loaded(source, run)


def _findings(report: LoadReport) -> list[dict[str, Any]]:
    return [
        {"dataset": name, **row}
        for name, own in report.sets.items()
        for row in own.findings.select(SHOWN_COLUMNS).head(SHOWN_FINDINGS).iter_rows(named=True)
    ]


def _mark_loaded(source: CorrectedRows, again: IngestionRun) -> None:
    """Marks the corrected rows that are on the roll now.

    A row that was refused again waits as a row of the new load too, and a row that was corrected again since it was
    read waits for the next load.
    """
    refused = set(again.rejected_rows.filter(dataset=source.dataset_name).values_list("line", flat=True))
    read = {row.pk: row.corrections for row in source.rows if row.line not in refused}
    as_they_are = source.run.waiting_corrections().filter(dataset=source.dataset_name).select_for_update()
    loaded = [row.pk for row in as_they_are if row.pk in read and row.corrections == read[row.pk]]
    for start in range(0, len(loaded), ROWS_AT_A_TIME):
        RejectedRow.objects.filter(pk__in=loaded[start : start + ROWS_AT_A_TIME]).update(loaded_by=again)


def _findings_file(job: IngestionJob, prepared: Prepared) -> OutputFile:
    """The file with all findings, which is stored with the job."""
    path = job.workspace / f"{job.pk}.csv"
    write_findings(path, {dataset.name: dataset.findings() for dataset in prepared.staged})
    friendly = f"{job.county.fips}_{job.county_id}_findings_{prepared.load.run.pk}.csv"
    return OutputFile(path, path.name, friendly, "text/csv")
