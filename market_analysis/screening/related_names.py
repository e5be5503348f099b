"""Whether seller and buyer look related. Works on names, so it runs beside the roll and gives only the reason's code.

No Django.
"""

from __future__ import annotations

import re

from .party_names import Party, parties_of

_WORD = re.compile(r"[A-Z0-9]{2,}")
RELATED, IN_TRUST, SAME_COMPANY = "related_names", "family_trust_or_estate", "same_company"


def relation(grantor: str, grantee: str) -> str | None:
    """How the two sides of a deed are related by name, None when nothing says so.

    RELATED: natural persons on both sides share a surname. IN_TRUST: so do a person or family and the trust or estate
    of another. SAME_COMPANY: a company of one name, but for its legal form, stands on both sides; a word that two
    companies have in common says nothing, and neither does a surname in a company's name.
    """
    if not _may_share_a_word(grantor, grantee):
        return None
    sellers, buyers = parties_of(grantor), parties_of(grantee)
    found = {_between(seller, buyer) for seller in sellers for buyer in buyers}
    return next((code for code in (RELATED, IN_TRUST, SAME_COMPANY) if code in found), None)


def _may_share_a_word(grantor: str, grantee: str) -> bool:
    """Most sides of a deed have no word in common, and need no closer look. Accents are left to the closer look."""
    if not (grantor.isascii() and grantee.isascii()):
        return True
    sellers, buyers = (set(_WORD.findall(side.upper().replace("'", ""))) for side in (grantor, grantee))
    return not sellers.isdisjoint(buyers)


def are_related(grantor: str, grantee: str) -> bool:
    """True when the two are related by name in any way."""
    return relation(grantor, grantee) is not None


def _between(seller: Party, buyer: Party) -> str | None:
    if seller.company or buyer.company:
        return SAME_COMPANY if seller.company and seller.company == buyer.company else None
    if not seller.surnames & buyer.surnames:
        return None
    return IN_TRUST if seller.in_trust or buyer.in_trust else RELATED
