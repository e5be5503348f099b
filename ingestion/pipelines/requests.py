"""Turns a request to load a file or the legacy database into a load, for the command, the job and the admin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from county_configs.models import County
from ingestion.connectors.files import open_file
from ingestion.connectors.legacy.catalogue import LiveTables
from ingestion.connectors.legacy.faults import LegacyFault
from ingestion.connectors.legacy.typed_values import LAST, BadWatermark, check_watermark
from ingestion.connectors.source import Source
from ingestion.connectors.sql_server import LegacyQuery
from ingestion.legacy import alias_of, fault_of_alias
from ingestion.models import IngestionJob, IngestionRun
from ingestion.transforms.mapper import Dataset, read_mapping
from ingestion.transforms.mapper import Mapping as MappingFile
from terrafusion.errors import TerraFusionError

from .bulk_load import Load, merge_all, new_run, stage_all
from .reports import LoadReport
from .staging import StagedSet


class BadRequest(TerraFusionError):
    """The request cannot be carried out as it is; the message says why."""


@dataclass(frozen=True)
class LoadRequest:
    """What is to be loaded, and how.

    since: a moment, or `last` for the moment up to which the last load read. path: where the file is, if `source` is
    only its name.
    """

    county: County
    source: str
    mapping: Path
    dataset: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    since: str | None = None
    resume: bool = False
    accept_drift: bool = False
    dry_run: bool = False
    path: Path | None = None
    job: IngestionJob | None = None


@dataclass(frozen=True)
class Outcome:
    run: IngestionRun
    report: LoadReport


@dataclass(frozen=True)
class Prepared:
    """A load whose batches are staged; `switch` puts them on the roll."""

    load: Load
    staged: list[StagedSet]
    dry_run: bool

    def switch(self) -> LoadReport:
        return merge_all(self.load, self.staged, dry_run=self.dry_run)


def run_load(request: LoadRequest, progress: Callable[[str, int], None] = lambda name, rows: None) -> Outcome:
    """Does the whole load. If it is refused, the roll is unchanged and the run says why.

    A load that was interrupted can be resumed.
    """
    prepared = prepare(request, progress)
    run = prepared.load.run
    try:
        report = prepared.switch()
    except TerraFusionError as error:
        _close(run, str(error), error.on_failure)
        raise
    run.discard_staging()
    return Outcome(run, report)


def prepare(request: LoadRequest, progress: Callable[[str, int], None]) -> Prepared:
    """Opens the sources and stages every batch."""
    mapping = read_mapping(request.mapping)
    datasets = datasets_of(request, mapping)
    now = timezone.now()
    since = _since(request, datasets)
    sources = open_sources(request, mapping, datasets, since)
    run = _run_of(request, datasets, sources, now)
    load = Load(run, sources, datasets, now, partial=since is not None, accept_drift=request.accept_drift)
    try:
        staged = stage_all(load, progress)
    except LegacyFault as error:
        # What was read before the fault is kept, unless it was a dry run or nothing was read. A job keeps nothing: it
        # ends with the fault, and its retry is a job of its own.
        keep = request.job is None and not request.dry_run and any(run.folder.glob("*/part-*.parquet"))
        what_next = "; the load can be resumed" if keep else ""
        message = f"{error}. Nothing was written{what_next}."
        if keep:
            IngestionRun.objects.filter(pk=run.pk).update(message=message)
        else:
            _close(run, message)
        raise LegacyFault(message) from error
    except TerraFusionError as error:
        _close(run, str(error))
        raise
    return Prepared(load, staged, request.dry_run)


def datasets_of(request: LoadRequest, mapping: MappingFile) -> dict[str, Dataset]:
    if request.source in mapping.sources():
        datasets = mapping.of_source(request.source)
        if request.dataset is not None:
            if request.dataset not in datasets:
                raise BadRequest(f"Unknown data set {request.dataset!r}. Known: {', '.join(datasets)}.")
            datasets = {request.dataset: datasets[request.dataset]}
        return datasets
    name, dataset = mapping.of_file(request.dataset)
    return {name: dataset}


def open_sources(
    request: LoadRequest, mapping: MappingFile, datasets: Mapping[str, Dataset], since: Mapping[str, str | None] | None
) -> dict[str, Source]:
    if request.source in mapping.sources():
        alias = alias_of(request.county, request.source)
        if fault := fault_of_alias(alias):
            raise BadRequest(fault)
        variables = {**mapping.variables, **_checked_variables(request, mapping)}
        tables = LiveTables(alias)
        return {
            name: LegacyQuery(alias, name, dataset, variables, (since or {}).get(name), tables=tables)
            for name, dataset in datasets.items()
        }
    if request.since is not None:
        raise BadRequest("--since goes with a legacy database; a file is loaded whole.")
    ((name, dataset),) = datasets.items()
    path = request.path or Path(request.source)
    return {name: open_file(path, dataset.file)}


def _checked_variables(request: LoadRequest, mapping: MappingFile) -> dict[str, Any]:
    """The variables of the request, converted to the types of the mapping's own values. Raises BadRequest."""
    variables: dict[str, Any] = {}
    for name, value in request.variables.items():
        if name not in mapping.variables:
            raise BadRequest(f"The mapping has no variable {name!r}; it has {', '.join(mapping.variables) or 'none'}.")
        try:
            variables[name] = type(mapping.variables[name])(value)
        except ValueError:
            raise BadRequest(f"{name}: {value!r} is not a whole number.") from None
    return variables


def _since(request: LoadRequest, datasets: Mapping[str, Dataset]) -> dict[str, str | None] | None:
    """The moment from which each data set is read; None for a whole load.

    A data set without a watermark is read as a whole.
    """
    if request.since is None:
        return None
    if request.since != LAST:
        try:
            check_watermark(request.since)
        except BadWatermark as error:
            raise BadRequest(f"--since {error}.") from error
        return {name: request.since if dataset.watermark else None for name, dataset in datasets.items()}
    runs = IngestionRun.objects.filter(
        county=request.county, source=source_name(request), status=IngestionRun.Status.LOADED
    ).order_by("pk")
    marks: dict[str, str | None] = {}
    for watermark in runs.values_list("watermark", flat=True):
        marks |= watermark
    if not marks:
        raise BadRequest("There is no earlier load to go on from; load the whole source first.")
    return {name: marks.get(name) for name in datasets}


def source_name(request: LoadRequest) -> str:
    return (request.path or Path(request.source)).name if "/" in request.source or request.path else request.source


def _run_of(
    request: LoadRequest, datasets: Mapping[str, Dataset], sources: Mapping[str, Source], now: datetime
) -> IngestionRun:
    """A new run; or, if the load is resumed, the interrupted run of the same source and mapping."""
    options = {"dataset": request.dataset, "variables": dict(request.variables), "since": request.since}
    sha256 = next(iter(sources.values())).digest()
    interrupted = IngestionRun.objects.filter(
        county=request.county,
        status=IngestionRun.Status.STAGING,
        source=source_name(request),
        source_sha256=sha256,
        options=options,
    ).order_by("-pk")
    if request.resume or request.job is not None:
        if request.job is not None:
            interrupted = interrupted.filter(job_id=request.job.pk)
        run = interrupted.first()
        written = {name: dataset.as_written() for name, dataset in datasets.items()}
        if run is not None and run.mapping == written:
            return run
        if request.resume:
            raise BadRequest("There is no interrupted load of this source by this mapping; load without --resume.")
    with transaction.atomic():
        return new_run(
            request.county,
            source_name(request),
            f"{request.mapping.parent.name}/{request.mapping.name}",
            datasets,
            now,
            source_sha256=sha256,
            options=options,
            job_id=request.job.pk if request.job is not None else None,
        )


def _close(run: IngestionRun, message: str, on_failure: Callable[[], None] | None = None) -> None:
    """Closes a failed load, except that of a job, which is closed where the job ends (`close_loads_of`)."""
    if run.job_id is not None:
        return
    with transaction.atomic():
        run.close_failed(message)
        if on_failure is not None:
            on_failure()
