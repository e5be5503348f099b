"""Whether seller and buyer look related. Works on names, so it runs beside the roll and gives only yes or no.

No Django.
"""

from __future__ import annotations

import re

_PARTIES = re.compile(r"\s*(?:&|;|/|\band\b)\s*", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_][\w'\-]+")  # letters of any alphabet
# Words that say what a party is, not who.
_NOT_A_NAME = frozenset(
    """
    LLC INC CORP CORPORATION COMPANY CO LTD LP LLP TRUST TRUSTEE TRUSTEES TR ESTATE EST OF THE FAMILY LIVING
    REVOCABLE IRREVOCABLE HOLDINGS PROPERTIES INVESTMENTS GROUP PARTNERS PARTNERSHIP BANK NATIONAL ASSOCIATION
    FEDERAL MORTGAGE HOUSING COUNTY CITY STATE HOMES BUILDERS CONSTRUCTION DEVELOPMENT REAL REALTY ETAL ETUX ETVIR
    ET AL UX VIR JR SR II III IV MR MRS MS DR AKA DBA FBO UTD DATED
    """.split()  # noqa: SIM905 - a list of words reads better as words
)


def are_related(grantor: str, grantee: str) -> bool:
    """True when the two share a surname.

    A surname stands before a comma; in a name without a comma it may be the first word or the last ("SMITH JOHN",
    "John Smith"), so there a shared word counts only when it is first or last in both. Words such as LLC or TRUST
    are no names; a single letter is an initial.
    """
    return bool(_surnames(grantor) & _surnames(grantee))


def _surnames(party: str) -> set[str]:
    found: set[str] = set()
    for name in _PARTIES.split(party):
        before, comma, _ = name.partition(",")
        words = [word for word in _WORD.findall((before if comma else name).upper()) if word not in _NOT_A_NAME]
        if comma:
            found.update(words[-1:])
        elif len(words) > 1 or not found:  # "SMITH, JOHN & MARY": MARY alone is no surname
            found.update(words[:1] + words[-1:])
    return found
