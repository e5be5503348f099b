"""From a finished report to the outcome of its job."""

from __future__ import annotations

from typing import Any

from terrafusion.full_disk import full_disk_told
from terrafusion.jobs.outcome import Outcome, OutputFile

from .formats import CONTENT_TYPES, write_report
from .formats.document import Report
from .models import ReportJob


def delivered(job: ReportJob, report: Report) -> Outcome:
    """Writes the report into the job's workspace in the job's format."""
    path = job.workspace / job.file_name
    with full_disk_told():
        pages = write_report(report, job.format, path)
    return outcome_of(job, report, [named(job, path)], pages)


def outcome_of(job: ReportJob, report: Report, files: list[OutputFile], pages: int | None) -> Outcome:
    """The outcome of a job whose report is the first of the files. Its facts and headline go into the result."""
    metadata: dict[str, Any] = {
        "format": job.format,
        "file_size_kb": files[0].size_kb,
        "title": report.title,
        "provenance": {fact.name: fact.value for fact in report.facts},
        "headline": report.headline,
    }
    if pages is not None:
        metadata["pages"] = pages
    return Outcome(result=metadata, files=files)


def named(job: ReportJob, path: Any, what: str = "") -> OutputFile:
    """The file with its friendly name. what: what the file holds, for a file beside the report itself."""
    year = f"_{job.parameters['year']}" if "year" in job.parameters else ""
    extension = path.suffix.lstrip(".")
    friendly = f"{job.county.fips}_{job.county_id}_{job.report_type}{year}{what}.{extension}"
    return OutputFile(path, path.name, friendly, CONTENT_TYPES[extension])
