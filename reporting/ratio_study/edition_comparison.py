"""One study under every edition of the standard: which verdicts flip, and why. No Django."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..statistics.editions import CHASED, EDITIONS, Edition
from ..statistics.sales_chasing import SoldUnsold
from ..statistics.verdicts import FAILS
from .study import DIGITS, JUDGED, RatioStudy, StratumResult, StudySettings, measure_strata

NOT_JUDGED = "not judged"
CHASING = "chasing"


@dataclass(frozen=True)
class Flip:
    """A verdict that is not the same in all editions. verdicts: by the name of the edition. measure: or "chasing"."""

    field: str
    label: str
    n: int
    measure: str
    verdicts: Mapping[str, str]
    why: str


def flips_between_editions(
    study: RatioStudy,
    chasing: Sequence[tuple[str, str, SoldUnsold]],
    confidence: float | None = None,
    tolerance: float | None = None,
    editions: Iterable[Edition] = EDITIONS.values(),
) -> list[Flip]:
    """Judges the study's sales by each edition and lists every verdict that differs, for all sales and each stratum.

    A measure that an edition does not judge flips where another edition fails it: only then does the outcome change.

    confidence, tolerance: where the county or the request sets its own, which holds in every edition.
    """
    judged = {edition: _results(study, edition, confidence) for edition in editions}
    found = []
    for results in zip(*judged.values(), strict=True):
        under = dict(zip(judged, results, strict=True))
        for measure in JUDGED:
            words = {edition.name: _word(result, measure) for edition, result in under.items()}
            if _flips(words):
                why = _why(under, measure, confidence)
                found.append(Flip(results[0].field, results[0].label, results[0].n, measure, words, why))
    return found + [flip for each in chasing if (flip := _chasing_flip(*each, list(judged), tolerance))]


def _results(study: RatioStudy, edition: Edition, confidence: float | None) -> list[StratumResult]:
    settings: StudySettings = replace(
        study.settings, edition=edition, confidence=edition.confidence if confidence is None else confidence
    )
    if settings == study.settings:
        overall, strata = study.overall, study.strata
    else:
        overall, strata = measure_strata(study.sales, settings)
    return [overall, *(result for results in strata.values() for result in results)]


def _word(result: StratumResult, measure: str) -> str:
    verdict = result.measures[measure].verdict
    return NOT_JUDGED if verdict is None else verdict.word


def _flips(words: Mapping[str, str]) -> bool:
    given = set(words.values()) - {NOT_JUDGED}
    return len(given) > 1 or (NOT_JUDGED in words.values() and FAILS in given)


def _why(under: Mapping[Edition, StratumResult], measure: str, confidence: float | None) -> str:
    """What decides under each edition; editions with the same ground are named together."""
    names: dict[str, list[str]] = {}
    for edition, result in under.items():
        names.setdefault(_ground(edition, result, measure, confidence), []).append(edition.name)
    return "; ".join(f"{', '.join(of_ground)}: {ground}" for ground, of_ground in names.items()) + "."


def _ground(edition: Edition, result: StratumResult, measure: str, confidence: float | None) -> str:
    """The interval, the groups, or that the measure is not judged."""
    found = result.measures[measure]
    if found.verdict is None:
        return NOT_JUDGED
    if measure == "vei":
        if result.vertical_equity is None:
            return "too few sales"
        apart = result.vertical_equity.significance
        which = "first and last group" if edition.vei_by_ends else "groups of lowest and highest median"
        return f"{which} {'of too few sales' if apart is None else f'{apart:.2f} % apart for certain'}"
    if found.interval is None:
        return found.note.rstrip(".") or "no interval"
    level, digits = 100 * (edition.confidence if confidence is None else confidence), DIGITS.get(measure, 4)
    bounds = f"{found.interval.low:.{digits}f} to {found.interval.high:.{digits}f}"
    return f"{level:g} % interval {bounds}, {found.interval_method}"


def _chasing_flip(
    field: str, label: str, found: SoldUnsold, editions: Sequence[Edition], tolerance: float | None
) -> Flip | None:
    words = {edition.name: edition.chasing_verdict(found, tolerance) for edition in editions}
    if len(set(words.values())) == 1:
        return None
    why = (
        f"{found.sold} sold and {found.unsold} unsold properties; medians {found.interval.low:.2f} to "
        f"{found.interval.high:.2f} points apart."
    )
    if CHASED in words.values():
        own = "the county's own tolerance" if tolerance is not None else "the tolerance of each edition"
        why += f" Judged by {own} and the fewest properties it asks for."
    return Flip(field, label, found.sold, CHASING, words, why)
