"""The work of a market analysis job: open the snapshot, ask the analysis, hand its answer to the runner."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from django.utils import timezone

from terrafusion.analytics.snapshots import Snapshot, snapshot_store
from terrafusion.errors import TerraFusionError
from terrafusion.jobs.outcome import Outcome, OutputFile

from .models import FORMER_TYPES, MarketAnalysisJob
from .parameters import selection_of
from .roll_answers import polygons_of, related_sales

MOST_TREND_POINTS = 5000  # in the JSON result; the Parquet file has all
PARQUET = "application/vnd.apache.parquet"


class FormerAnalysis(TerraFusionError):
    """The analysis was offered by an earlier release."""


def analyse_market(job: MarketAnalysisJob) -> Outcome:
    """Runs the analysis asked for on the county's current snapshot."""
    if job.analysis_type in FORMER_TYPES:
        raise FormerAnalysis(FORMER_TYPES[job.analysis_type])
    # Imported here: only a worker that analyses pays for ibis, DuckDB and the charts.
    from terrafusion.analytics.engine import opened

    from .analyses.registry import ANALYSES
    from .answer import Question

    snapshot = _current_snapshot(job)
    with opened(snapshot) as market:
        question = Question(
            market,
            selection_of(job.parameters),
            job.parameters,
            job.report,
            polygons=partial(polygons_of, job.county),
            related=partial(related_sales, job.county),
        )
        answer = ANALYSES[job.analysis_type].answer(question)
    changes = ANALYSES[job.analysis_type].keep(job, answer)
    job.report(90, 100, "Drawing the charts.")
    summary = {
        "key_finding": answer.key_finding,
        "data_points_analyzed": answer.data_points,
        **answer.numbers,
        "snapshot_id": snapshot.snapshot_id,
        "snapshot_taken_at": snapshot.manifest.taken_at,
    }
    trends = list(answer.trends)
    if len(trends) > MOST_TREND_POINTS:
        summary["trends_left_out"] = len(trends) - MOST_TREND_POINTS
    return Outcome(
        result={"result_summary": summary, "trends": trends[:MOST_TREND_POINTS], "has_data": True},
        rows=changes.rows,
        store=changes.store,
        files=_files(job, answer),
    )


def _current_snapshot(job: MarketAnalysisJob) -> Snapshot:
    """The county's current snapshot; its first is taken now, and a new one where the engine lacks the rows."""
    from terrafusion.analytics.engine import holds
    from terrafusion.analytics.writing import snapshot_county

    snapshot = snapshot_store().current(job.county_id)
    if snapshot is not None and holds(snapshot):
        return snapshot
    why = "The county has no snapshot yet" if snapshot is None else "The analytics database lacks the snapshot's rows"
    job.log(f"{why}; taking one.")
    return snapshot_county(job.county, timezone.now())


def _files(job: MarketAnalysisJob, answer: Any) -> list[OutputFile]:
    import pyarrow.parquet as pq

    from terrafusion.charts.pictures import write_pictures

    data = job.workspace / job.data_file_name
    pq.write_table(answer.table, data, compression="zstd")
    files = [(data, PARQUET), *write_pictures(answer.charts, job.workspace, str(job.pk))]
    return [OutputFile(path, path.name, _friendly(job, path), kind) for path, kind in files]


def _friendly(job: MarketAnalysisJob, path: Path) -> str:
    what = path.name.removeprefix(str(job.pk))  # "_median_price.svg", or ".parquet"
    return f"{job.county.fips}_{job.county_id}_{job.analysis_type}{what}"
