"""The last check before the switch: sentences that say why a load must not happen."""

from __future__ import annotations

from ingestion.connectors.source import Source

from .control.control_totals import differences
from .reports import LoadReport, SetReport
from .staging import StagedSet

SMALL = 100  # with fewer rows than this, the share of rejected rows means nothing


def no_usable_row(source: Source, own: SetReport) -> str:
    return f"{source.name} has no usable row; nothing was written.{own.faults()}"


def broken_limits(staged: StagedSet, source: Source, report: LoadReport, *, partial: bool) -> list[str]:
    """Reasons to stop after a data set was merged: too many rejected rows, or control totals that do not balance."""
    own = report.sets[staged.name]
    if not own.targets:
        return []
    reasons = []
    share = 100 * own.rejected / max(own.read, 1)
    if own.rejected >= own.read and not partial:
        reasons.append(no_usable_row(source, own))
    elif own.rejected and own.read >= SMALL and share > staged.dataset.rejection_limit_percent:
        reasons.append(
            f"{staged.name}: {own.rejected:,} of {own.read:,} rows are rejected ({share:.1f} %), more than the "
            f"{staged.dataset.rejection_limit_percent:g} % allowed; nothing was written.{own.faults()}"
        )
    for name, totals in report.control_totals[staged.name].items():
        if not totals["balanced"]:
            reasons.append(
                f"{staged.name}, {name}: the control totals do not balance; nothing was written. "
                + "; ".join(differences(totals)[:5])
                + "."
            )
    return reasons
