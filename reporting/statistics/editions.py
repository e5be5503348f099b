"""The editions of the IAAO Standard on Ratio Studies, and what each asks of the same sales. No Django.

The text of the edition of October 2026 is not at hand. What stands here of it is known from another implementation
alone, so every such rule is unconfirmed and says so wherever it is shown. Bands are the county's and hold in every
edition.
"""

from __future__ import annotations

from dataclasses import dataclass

from .sales_chasing import FEWEST_SOLD, SoldUnsold

UNCONFIRMED = "unconfirmed"
CHASED, NOT_CHASED = "signs of chasing", "no sign"


@dataclass(frozen=True)
class Rule:
    """One rule in words. unconfirmed: its text has not been read."""

    topic: str
    words: str
    unconfirmed: bool = False


@dataclass(frozen=True)
class Edition:
    """judged: the measures a verdict is given for; of the others the band may be shown, but decides nothing.

    confidence: of the interval that decides, two-sided. clapp, bonett_seier: whether those intervals are taken.
    vei_by_ends: the VEI is told for certain by the first and last group, not by those of extreme medians.
    chasing_tolerance: percentage points; chasing_tolerance_small: where the sold properties themselves changed by
    less than chasing_tolerance percent. fewest_sold: of sold and of unsold properties each.
    """

    name: str
    title: str
    judged: tuple[str, ...]
    rules: tuple[Rule, ...]
    confidence: float
    clapp: bool = False
    bonett_seier: bool = False
    vei_by_ends: bool = False
    chasing_tolerance: float = 3.0
    chasing_tolerance_small: float = 3.0
    fewest_sold: int = FEWEST_SOLD

    @property
    def is_unconfirmed(self) -> bool:
        return any(rule.unconfirmed for rule in self.rules)

    def judges(self, measure: str) -> bool:
        return measure in self.judged

    def chasing_verdict(self, found: SoldUnsold, tolerance: float | None = None) -> str:
        """tolerance: the county's own, in percentage points; the edition's unless given."""
        if min(found.sold, found.unsold) < self.fewest_sold:
            return f"too few to tell, {self.fewest_sold} of each are needed"
        if tolerance is None:
            is_small = abs(found.median_change_sold) < self.chasing_tolerance
            tolerance = self.chasing_tolerance_small if is_small else self.chasing_tolerance
        return CHASED if found.is_chased(tolerance) else NOT_CHASED


_PRD_JUDGED = Rule("PRD", "Decides, by its whole interval.")
_RANKS = Rule("Median", "Interval by ranks counted up and down from the middle, rounded up.")
_BOOTSTRAP = Rule("COD", "Interval by bootstrap.")
_CHASING = Rule(
    "Sales chasing", "Tolerance 3 points; at least ten sold and ten unsold properties (a floor of our own)."
)

STANDARD_2013 = Edition(
    name="2013",
    title="IAAO Standard on Ratio Studies (April 2013)",
    judged=("median", "cod", "prd", "prb"),
    confidence=0.95,
    rules=(
        Rule("Confidence", "95 %, two-sided."),
        _RANKS,
        _BOOTSTRAP,
        _PRD_JUDGED,
        Rule("MKI and VEI", "The standard does not have them; they are shown and not judged."),
        _CHASING,
    ),
)
DRAFT_2026 = Edition(
    name="draft_2026",
    title="IAAO Standard on Ratio Studies (April 2013); MKI and VEI after the IAAO drafts of 2025-2026",
    judged=("median", "cod", "prd", "prb", "mki", "vei"),
    confidence=0.95,
    rules=(
        Rule("Confidence", "95 %, two-sided; 90 % for the groups of the VEI."),
        _RANKS,
        _BOOTSTRAP,
        _PRD_JUDGED,
        Rule("MKI and VEI", "Judged. The VEI fails when the groups of lowest and highest median are apart by more."),
        _CHASING,
    ),
)
STANDARD_2026 = Edition(
    name="2026",
    title="IAAO Standard on Ratio Studies (October 2026), rules unconfirmed",
    judged=("median", "cod", "prb", "mki", "vei"),
    confidence=0.90,
    clapp=True,
    bonett_seier=True,
    vei_by_ends=True,
    chasing_tolerance=5.0,
    chasing_tolerance_small=3.0,
    fewest_sold=30,
    rules=(
        Rule("Confidence", "Compliance is decided at 90 %, two-sided.", unconfirmed=True),
        Rule("Median", "Interval after Clapp for up to 30 sales, by ranks for more.", unconfirmed=True),
        Rule("COD", "Interval after Bonett and Seier.", unconfirmed=True),
        Rule("PRD", "Retired: its band is shown and decides nothing.", unconfirmed=True),
        Rule(
            "MKI and VEI",
            "Judged. The VEI fails when its first and last group are apart by more; the Kruskal-Wallis test of all "
            "groups is shown beside it.",
            unconfirmed=True,
        ),
        Rule(
            "Sales chasing",
            "Tolerance 5 points, 3 where the sold properties changed by less than 5 %; at least 30 sold and 30 unsold.",
            unconfirmed=True,
        ),
    ),
)
EDITIONS = {edition.name: edition for edition in (STANDARD_2013, DRAFT_2026, STANDARD_2026)}
DEFAULT_EDITION = DRAFT_2026.name
