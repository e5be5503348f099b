"""A load: stage, validate, reconcile, and merge in one switch. Readers see the old roll or the new one, never between.

Loading the same source again changes nothing, not even `updated_at`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from django.db import transaction

from county_configs.county_file import SalesSection
from county_configs.models import County
from ingestion.connectors.source import Source, UnreadableSource
from ingestion.models import IngestionRun, RejectedRow
from ingestion.transforms.mapper import Dataset
from ingestion.transforms.near_names import did_you_mean
from ingestion.transforms.roll_fields import TARGETS
from ingestion.transforms.rules import VERSION, Context
from ingestion.transforms.validators import Finding, Level
from terrafusion.errors import TerraFusionError
from terrafusion.roll.boundary import box_of_boundary

from . import drift
from .analytics_snapshot import request_snapshot
from .certified import refuse_changes_of_certified
from .controls import control_totals, differences
from .links import tie_parcels
from .merge import Merge, Tally
from .plan import DUPLICATE, Plan, plan_of
from .retirement import retire_missing
from .source_count import check_count
from .source_sums import check_sums
from .staging import REFUSED, StagedSet, findings_frame, stage
from .total_rows import with_totals_refused

SMALL = 100  # rows: below, a share of rejected rows says nothing


class LoadRefused(TerraFusionError):
    """Nothing was written; the sentence says why and `report` has what was found."""

    def __init__(self, message: str, report: LoadReport | None = None) -> None:
        super().__init__(message)
        self.report = report


@dataclass
class SetReport:
    """What became of one data set. Every row read is loaded, rejected or a duplicate of a loaded one.

    counted: how many the source holds by its own count; None where it has none.
    """

    read: int = 0
    counted: int | None = None
    rejected: int = 0
    duplicates: int = 0
    warned: int = 0
    dropped_values: int = 0
    targets: dict[str, Tally] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    findings: pl.DataFrame = field(default_factory=lambda: findings_frame([], {}))

    def as_json(self) -> dict[str, Any]:
        names = ("read", "counted", "rejected", "duplicates", "warned", "dropped_values", "rules")
        own = {name: getattr(self, name) for name in names}
        return own | {"targets": {name: asdict(each) for name, each in self.targets.items()}}


@dataclass
class LoadReport:
    """The whole load, by data set."""

    sets: dict[str, SetReport] = field(default_factory=dict)
    control_totals: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def read(self) -> int:
        return sum(each.read for each in self.sets.values())

    @property
    def rejected(self) -> int:
        return sum(each.rejected for each in self.sets.values())

    @property
    def changed(self) -> int:
        """Records of the roll that are not as they were."""
        tallies = [tally for each in self.sets.values() for tally in each.targets.values()]
        return sum(each.created + each.updated + each.retired for each in tallies)


@dataclass(frozen=True)
class Load:
    """What is to be loaded: sources by data set, all switched together.

    partial: the sources hold only what has changed, so nothing is retired. accept_drift: go on although a source has
    changed its form.
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
    """The record of a load that begins. Saved: it is the checkpoint too."""
    mapping = {name: each.as_written() for name, each in datasets.items()}
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
    discard_staging(run)  # a database put back from a backup gives numbers a second time
    return run


def stage_all(load: Load, progress: Callable[[str, int], None] = lambda name, rows: None) -> list[StagedSet]:
    """Reads every source into the run's folder. Raises before the first row when a source has another form.

    Called again for the same run it goes on where it stopped.
    """
    shapes = {}
    for name, source in load.sources.items():
        check_columns(source.name, source.columns(), load.datasets[name])
        shapes[name] = dict(source.shape())
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
        each = StagedSet.opened(name, dataset, load.run.folder)
        stage(each, source, load.context, lambda rows, name=name: progress(name, rows))  # type: ignore[misc]
        check_count(each, source)
        check_sums(each, source)
        staged.append(each)
    return staged


def check_columns(source: str, columns: list[str], dataset: Dataset) -> None:
    """Raises UnreadableSource naming every column the mapping reads and the source lacks, or has twice."""
    if twice := [each for each in dataset.missing_columns(columns) if f"{each} (1)" in columns]:
        raise UnreadableSource(
            f"{source} names a column twice: {', '.join(twice)}. Write which one: {twice[0]} (1), {twice[0]} (2)."
        )
    if missing := dataset.missing_columns(columns):
        named = ", ".join(f"{each}{did_you_mean(each, columns)}" for each in missing)
        raise UnreadableSource(f"{source} lacks the column {named}; it has {', '.join(columns)}. Nothing was written.")


def merge_all(load: Load, staged: list[StagedSet], *, dry_run: bool = False) -> LoadReport:
    """The switch: all data sets or none, in one transaction; then a new snapshot for market analysis is asked for.

    Raises LoadRefused when the load must not happen.
    """
    report = LoadReport()
    plans = {each.name: _planned(each, report) for each in staged}
    if load.partial and not report.read:
        _finish(load, staged, report, IngestionRun.Status.LOADED)
        return report
    with transaction.atomic():
        # Two loads of one county take turns. Not the full lock: jobs of the county may be submitted meanwhile.
        County.objects.select_for_update(no_key=True).get(pk=load.county.pk)
        for each in staged:
            _merge_set(load, each, plans[each.name], report)
        _check_limits(load, staged, report)
        if dry_run:
            transaction.set_rollback(True)
        else:
            _finish(load, staged, report, IngestionRun.Status.LOADED)
            if report.changed:
                # After the commit: a snapshot that waits now may begin before it, and not see this load.
                transaction.on_commit(lambda: request_snapshot(load.county), robust=True)
    if dry_run:
        _finish(load, staged, report, IngestionRun.Status.CHECKED)
    return report


def discard_staging(run: IngestionRun) -> None:
    shutil.rmtree(run.folder, ignore_errors=True)


def _planned(staged: StagedSet, report: LoadReport) -> Plan:
    """Which rows will be loaded. An empty or wholly refused source stops here: it never empties a county."""
    own = report.sets[staged.name] = SetReport(
        read=staged.state.read, counted=staged.state.counted, findings=staged.findings()
    )
    if not staged.state.parts:
        return Plan(pl.DataFrame(schema={"refused": pl.Boolean, DUPLICATE: pl.Boolean}))
    plan = with_totals_refused(plan_of(staged), staged)
    _add_findings(own, plan.findings)
    return plan


def _merge_set(load: Load, staged: StagedSet, plan: Plan, report: LoadReport) -> None:
    own = report.sets[staged.name]
    broken = own.findings.filter(pl.col("rule") == "V-ROW").height
    usable = plan.rows.filter(~pl.col(REFUSED) & ~pl.col(DUPLICATE)).height if plan.rows.height else 0
    if not usable:
        if load.partial and not own.read:
            return
        first = f" The first fault: {_first(own)}." if own.findings.height else ""
        raise LoadRefused(f"{load.sources[staged.name].name} has no usable row; nothing was written.{first}", report)
    lost: set[int] = set()
    totals = report.control_totals[staged.name] = {}
    for name in staged.dataset.targets():
        merge = Merge(load.county, load.run.pk, load.now, staged, TARGETS[name])
        merge.fill(plan)
        refuse_changes_of_certified(merge)
        merge.write()
        if name == "sales":
            tie_parcels(merge, plan)
        if staged.dataset.complete and not load.partial:
            retire_missing(merge, plan, report.notes)
        totals[name] = control_totals(merge, plan)
        own.targets[name] = merge.tally
        lost |= merge.lost
        _add_findings(own, merge.findings)
    refused = set(plan.rows.filter(REFUSED)["__line__"]) | lost
    own.rejected = len(refused) + broken + plan.rows.filter(pl.col(DUPLICATE) & ~pl.col(REFUSED)).height
    own.duplicates = plan.rows.filter(pl.col(DUPLICATE)).height
    _count(own)


def _add_findings(own: SetReport, findings: list[Finding]) -> None:
    if findings:
        own.findings = pl.concat([own.findings, findings_frame(findings, {})])


def _count(own: SetReport) -> None:
    own.findings = own.findings.sort("line", maintain_order=True)
    own.dropped_values = own.findings.filter("dropped").height
    own.warned = own.findings.filter((pl.col("level") != str(Level.REFUSE)) & ~pl.col("dropped"))["line"].n_unique()
    own.rules = dict(own.findings["rule"].value_counts().sort("rule").iter_rows())


def _first(own: SetReport) -> str:
    return finding_text(own.findings.sort("line").row(0, named=True))


def finding_text(row: Mapping[str, Any]) -> str:
    names = ("line", "column", "value", "reason", "rule", "dropped")
    return str(Finding(**{name: row[name] for name in names}, level=Level(row["level"])))


def _check_limits(load: Load, staged: list[StagedSet], report: LoadReport) -> None:
    """The last look before the switch."""
    for each in staged:
        own = report.sets[each.name]
        if own.read and own.rejected >= own.read and not load.partial:
            raise LoadRefused(
                f"{load.sources[each.name].name} has no usable row; nothing was written. "
                f"The first fault: {_first(own)}.",
                report,
            )
        share = 100 * own.rejected / max(own.read, 1)
        if own.rejected and own.read >= SMALL and share > each.dataset.rejection_limit_percent:
            raise LoadRefused(
                f"{each.name}: {own.rejected:,} of {own.read:,} rows are rejected ({share:.1f} %), more than the "
                f"{each.dataset.rejection_limit_percent:g} % allowed; nothing was written. "
                f"The first: {_first(own)}.",
                report,
            )
        for name, totals in report.control_totals.get(each.name, {}).items():
            if not totals["balanced"]:
                raise LoadRefused(
                    f"{each.name}, {name}: the control totals do not balance; nothing was written. "
                    + "; ".join(differences(totals)[:5])
                    + ".",
                    report,
                )


def _finish(load: Load, staged: list[StagedSet], report: LoadReport, status: IngestionRun.Status) -> None:
    """Writes the run's record, and the rows that must be corrected."""
    run = load.run
    run.status, run.finished_at = status, load.now
    run.results = {name: each.as_json() for name, each in report.sets.items()}
    run.control_totals = report.control_totals
    run.digest = f"{sum(each.state.digest for each in staged) % (1 << 128):032x}"
    run.watermark = {each.name: each.state.watermark for each in staged if each.state.watermark}
    run.message = " ".join(report.notes)
    names = ["status", "finished_at", "results", "control_totals", "digest", "watermark", "message"]
    run.save(update_fields=names)
    run.rejected_rows.all().delete()
    for each in staged:
        _keep_rejected(run, each, report.sets[each.name])


def _keep_rejected(run: IngestionRun, staged: StagedSet, own: SetReport) -> None:
    rows = own.findings.filter(pl.col("level") == str(Level.REFUSE)).unique("line", keep="first", maintain_order=True)
    raws = dict(own.findings.filter(pl.col("raw").is_not_null()).select("line", "raw").iter_rows())
    RejectedRow.objects.bulk_create(
        (
            RejectedRow(
                run=run,
                dataset=staged.name,
                line=row["line"],
                raw=json.loads(raws.get(row["line"], "{}")),
                column=row["column"][:200],
                value=row["value"][:200],
                rule=row["rule"],
                reason=row["reason"],
            )
            for row in rows.iter_rows(named=True)
        ),
        batch_size=1000,
    )
