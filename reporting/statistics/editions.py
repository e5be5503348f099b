"""The editions of the IAAO Standard on Ratio Studies, and the rules of each. No Django.

The text of the edition of October 2026 has not been read. Its rules are known only from another implementation, so
each of them is marked unconfirmed wherever it is shown. Bands are the county's and hold in every edition.
"""

from __future__ import annotations

from dataclasses import dataclass

from .sales_chasing import FEWEST_SOLD, SoldUnsold

UNCONFIRMED = "unconfirmed"
CHASED, NOT_CHASED = "signs of chasing", "no sign"


@dataclass(frozen=True)
class Rule:
    """One rule in words. unconfirmed: the text of the rule has not been read."""

    topic: str
    words: str
    unconfirmed: bool = False


@dataclass(frozen=True)
class Edition:
    """An edition of the standard.

    judged: the measures that get a verdict. The band of another measure may be shown, but decides nothing.
    confidence: of the two-sided interval that decides. clapp, bonett_seier: whether the edition takes these intervals.
    vei_by_ends: the significance of the VEI is that of the first and the last group, not that of the groups with the
    lowest and the highest median. chasing_tolerance: percentage points. chasing_tolerance_small: the tolerance where
    the sold properties themselves changed by less than chasing_tolerance percent. fewest_sold: how many sold, and how
    many unsold, properties a verdict needs.
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

    def chasing_verdict(self, change: SoldUnsold, tolerance: float | None = None) -> str:
        """Whether sales were chased. tolerance: the county's own, in percentage points; None is the edition's."""
        if min(change.sold, change.unsold) < self.fewest_sold:
            return f"too few to tell, {self.fewest_sold} of each are needed"
        if tolerance is None:
            is_small = abs(change.median_change_sold) < self.chasing_tolerance
            tolerance = self.chasing_tolerance_small if is_small else self.chasing_tolerance
        return CHASED if change.is_chased(tolerance) else NOT_CHASED


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
