"""One study under every edition of the standard: which verdicts differ, and why. No Django."""

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
    """A verdict that is not the same in all editions.

    field, label: the stratum, for example neighborhood and 1040. measure: the name of a measure, or "chasing".
    verdicts: by the name of the edition.
    """

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

    A measure that one edition does not judge is listed only where another edition fails it: only then does the outcome
    of the study change.

    chasing: (field, label, comparison) of all sales and of each stratum. confidence, tolerance: where the county or the
    request sets one, it holds in every edition; None is each edition's own.
    """
    results_by_edition = {edition: _results(study, edition, confidence) for edition in editions}
    flips = []
    for results in zip(*results_by_edition.values(), strict=True):
        stratum, by_edition = results[0], dict(zip(results_by_edition, results, strict=True))
        for measure in JUDGED:
            words = {edition.name: _word(result, measure) for edition, result in by_edition.items()}
            if _flips(words):
                why = _why(by_edition, measure, confidence)
                flips.append(Flip(stratum.field, stratum.label, stratum.n, measure, words, why))
    compared = list(results_by_edition)
    return flips + [flip for comparison in chasing if (flip := _chasing_flip(*comparison, compared, tolerance))]


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
    verdicts = set(words.values()) - {NOT_JUDGED}
    return len(verdicts) > 1 or (NOT_JUDGED in words.values() and FAILS in verdicts)


def _why(results: Mapping[Edition, StratumResult], measure: str, confidence: float | None) -> str:
    """What the verdict rests on under each edition. Editions whose verdict rests on the same are named together."""
    names: dict[str, list[str]] = {}
    for edition, result in results.items():
        names.setdefault(_ground(edition, result, measure, confidence), []).append(edition.name)
    return "; ".join(f"{', '.join(editions)}: {ground}" for ground, editions in names.items()) + "."


def _ground(edition: Edition, result: StratumResult, measure: str, confidence: float | None) -> str:
    """What the verdict rests on: the interval, the value groups, or that the edition does not judge the measure."""
    judged = result.measures[measure]
    if judged.verdict is None:
        return NOT_JUDGED
    if measure == "vei":
        if result.vertical_equity is None:
            return "too few sales"
        apart = result.vertical_equity.significance
        which = "first and last group" if edition.vei_by_ends else "groups of lowest and highest median"
        return f"{which} {'of too few sales' if apart is None else f'{apart:.2f} % apart for certain'}"
    if judged.interval is None:
        return judged.note.rstrip(".") or "no interval"
    level, digits = 100 * (edition.confidence if confidence is None else confidence), DIGITS.get(measure, 4)
    bounds = f"{judged.interval.low:.{digits}f} to {judged.interval.high:.{digits}f}"
    return f"{level:g} % interval {bounds}, {judged.interval_method}"


def _chasing_flip(
    field: str, label: str, change: SoldUnsold, editions: Sequence[Edition], tolerance: float | None
) -> Flip | None:
    words = {edition.name: edition.chasing_verdict(change, tolerance) for edition in editions}
    if len(set(words.values())) == 1:
        return None
    why = (
        f"{change.sold} sold and {change.unsold} unsold properties; medians {change.interval.low:.2f} to "
        f"{change.interval.high:.2f} points apart."
    )
    if CHASED in words.values():
        own = "the county's own tolerance" if tolerance is not None else "the tolerance of each edition"
        why += f" Judged by {own} and the fewest properties it asks for."
    return Flip(field, label, change.sold, CHASING, words, why)
