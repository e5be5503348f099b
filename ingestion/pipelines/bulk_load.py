"""A load: sources are staged, validated, reconciled, and merged in one switch. Readers see the old roll or the new one,
and nothing in between.

Loading the same source again changes nothing, not even `updated_at`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from django.db import transaction

from county_configs.county_file import SalesSection
from county_configs.models import County
from ingestion.connectors.source import Source, UnreadableSource
from ingestion.models import IngestionRun
from ingestion.transforms.mapper import Dataset
from ingestion.transforms.near_names import did_you_mean
from ingestion.transforms.roll_fields import TARGETS
from ingestion.transforms.rules import VERSION, Context
from terrafusion.roll.boundary import box_of_boundary
from terrafusion.roll.loads import record_load

from .control import drift
from .control.control_totals import control_totals
from .control.source_count import check_count
from .control.source_sums import check_sums
from .control.total_rows import with_totals_refused
from .limits import broken_limits, no_usable_row
from .record import record, record_refused
from .reports import LoadRefused, LoadReport, SetReport
from .staging import REFUSED, StagedSet, stage
from .switch.certified import refuse_changes_of_certified
from .switch.links import tie_parcels
from .switch.merge import Merge
from .switch.plan import DUPLICATE, Plan, plan_of
from .switch.retirement import TooManyMissing, retire_missing


@dataclass(frozen=True)
class Load:
    """What is to be loaded: the sources by data set, which are all switched together.

    partial: the sources hold only what has changed, so nothing is retired. accept_drift: the load goes on even if a
    source has changed its form.
    """

    run: IngestionRun
    sources: Mapping[str, Source]
    datasets: Mapping[str, Dataset]
    now: datetime
    partial: bool = False
    accept_drift: bool = False

    @property
    def county(self) -> County:
        return self.run.county

    @property
    def context(self) -> Context:
        today = self.now.astimezone(ZoneInfo(self.county.time_zone)).date()
        return Context(today, tuple(self.county.section(SalesSection).valid_codes), box_of_boundary(self.county))


def new_run(
    county: County, source: str, mapping_name: str, datasets: Mapping[str, Dataset], now: datetime, **more: Any
) -> IngestionRun:
    """The record of a load that begins. It is saved at once, so that the load can be resumed."""
    mapping = {name: dataset.as_written() for name, dataset in datasets.items()}
    text = json.dumps(mapping, sort_keys=True)
    run = IngestionRun.objects.create(
        county=county,
        source=source,
        mapping_name=mapping_name,
        mapping=mapping,
        mapping_sha256=hashlib.sha256(text.encode()).hexdigest(),
        rules_version=VERSION,
        started_at=now,
        **more,
    )
    run.discard_staging()  # a database restored from a backup gives the same number to a second run
    return run


def stage_all(load: Load, progress: Callable[[str, int], None] = lambda name, rows: None) -> list[StagedSet]:
    """Reads every source into the run's folder. Raises before the first row if a source has changed its form.

    If it is called again for the same run, it goes on where it stopped.
    """
    columns = {name: source.columns() for name, source in load.sources.items()}
    faults = [
        fault
        for name, source in load.sources.items()
        for fault in column_faults(source.name, columns[name], load.datasets[name])
    ]
    if faults:
        raise UnreadableSource(" ".join([*faults, "Nothing was written."]))
    shapes = {name: dict(source.shape()) for name, source in load.sources.items()}
    changed = drift.differences(load.county, shapes, load.datasets)
    if changed and not load.accept_drift:
        raise LoadRefused(
            "The source has changed its form since the last load; nothing was written. "
            + "; ".join(changed)
            + ". Look at the mapping, then load with --accept-drift."
        )
    load.run.shape = shapes
    load.run.save(update_fields=["shape"])
    staged = []
    for name, source in load.sources.items():
        dataset = load.datasets[name].with_typed_attributes(shapes[name]["kinds"])
        own = StagedSet.opened(name, dataset, load.run.folder)
        stage(own, source, load.context, partial(progress, name))
        check_count(own, source)
        check_sums(own, source)
        staged.append(own)
    return staged


def column_faults(source: str, columns: list[str], dataset: Dataset) -> list[str]:
    """Sentences about columns that the mapping reads: one for those the source has twice, one for those it lacks."""
    missing = dataset.missing_columns(columns)
    twice = [column for column in missing if f"{column} (1)" in columns]
    lacking = [f"{column}{did_you_mean(column, columns)}" for column in missing if column not in twice]
    faults = []
    if twice:
        faults.append(
            f"{source} names a column twice: {', '.join(twice)}. Write which one: {twice[0]} (1), {twice[0]} (2)."
        )
    if lacking:
        faults.append(f"{source} lacks the column {', '.join(lacking)}; it has {', '.join(columns)}.")
    return faults


def merge_all(load: Load, staged: list[StagedSet], *, dry_run: bool = False) -> LoadReport:
    """The switch: all data sets or none, in one transaction.

    Raises LoadRefused, with every reason, if the load must not happen.
    """
    report = LoadReport()
    plans = {own.name: _planned(own, report) for own in staged}
    if load.partial and not report.read:
        record(load.run, staged, report, IngestionRun.Status.LOADED, load.now)
        record_load(load.county, load.now, changed=False)
        return report
    with transaction.atomic():
        # Two loads of one county take turns. The weaker lock lets jobs of the county be submitted meanwhile.
        County.objects.select_for_update(no_key=True).get(pk=load.county.pk)
        reasons: list[str] = []
        for own in staged:
            reasons += _merge_set(load, own, plans[own.name], report)
            reasons += broken_limits(own, load.sources[own.name], report, partial=load.partial)
        if reasons:
            raise _refused(load, staged, report, reasons)
        if dry_run:
            transaction.set_rollback(True)
        else:
            record(load.run, staged, report, IngestionRun.Status.LOADED, load.now)
            record_load(load.county, load.now, changed=bool(report.changed))
    if dry_run:
        record(load.run, staged, report, IngestionRun.Status.CHECKED, load.now)
    return report


def _refused(load: Load, staged: list[StagedSet], report: LoadReport, reasons: list[str]) -> LoadRefused:
    refused = LoadRefused(" ".join(reasons), report)
    refused.on_failure = partial(record_refused, load.run, staged, report)
    return refused


def _planned(staged: StagedSet, report: LoadReport) -> Plan:
    """The plan of which rows will be loaded. A source without rows gets an empty plan."""
    own = report.sets[staged.name] = SetReport(
        read=staged.state.read, counted=staged.state.counted, findings=staged.findings()
    )
    if not staged.state.parts:
        return Plan(pl.DataFrame(schema={"refused": pl.Boolean, DUPLICATE: pl.Boolean}))
    plan = with_totals_refused(plan_of(staged), staged)
    own.add(plan.findings)
    return plan


def _merge_set(load: Load, staged: StagedSet, plan: Plan, report: LoadReport) -> list[str]:
    """Puts the usable rows on the roll. Gives the reasons why the load must not happen.

    A source without a usable row is such a reason, so it never empties a county.
    """
    own = report.sets[staged.name]
    if plan.rows.filter(~pl.col(REFUSED) & ~pl.col(DUPLICATE)).is_empty():
        _count(own, plan, set())
        nothing_new = load.partial and not own.read
        return [] if nothing_new else [no_usable_row(load.sources[staged.name], own)]
    lost: set[int] = set()
    reasons: list[str] = []
    totals = report.control_totals[staged.name] = {}
    for name in staged.dataset.targets():
        merge = Merge(load.county, load.run.pk, load.now, staged, TARGETS[name])
        merge.fill(plan)
        refuse_changes_of_certified(merge)
        merge.write()
        if name == "sales":
            tie_parcels(merge, plan)
        if staged.dataset.complete and not load.partial:
            try:
                retire_missing(merge, plan, report.notes)
            except TooManyMissing as error:
                reasons.append(str(error))
        totals[name] = control_totals(merge, plan)
        own.targets[name] = merge.tally
        lost |= merge.lost
        own.add(merge.findings)
    _count(own, plan, lost)
    return reasons


def _count(own: SetReport, plan: Plan, lost: set[int]) -> None:
    """Counts the rejected and duplicate rows. lost: lines of rows that were refused only in the database."""
    broken = own.findings.filter(pl.col("rule") == "V-ROW").height
    refused = set(plan.rows.filter(REFUSED)["__line__"]) | lost if plan.rows.height else lost
    twice_unusable = plan.rows.filter(pl.col(DUPLICATE) & ~pl.col(REFUSED)).height
    own.rejected = len(refused) + broken + twice_unusable
    own.duplicates = plan.rows.filter(pl.col(DUPLICATE)).height
    own.count_findings()
