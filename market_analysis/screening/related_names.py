"""Whether seller and buyer look related by their names. No Django.

Names are personal data. This module runs where the roll is read, and only the code of the reason leaves it.
"""

from __future__ import annotations

import re

from .party_names import Party, parties_of

_WORD = re.compile(r"[A-Z0-9]{2,}")
RELATED, IN_TRUST, SAME_COMPANY = "related_names", "family_trust_or_estate", "same_company"


def relation(grantor: str, grantee: str) -> str | None:
    """How the two sides of a deed are related by name; None when their names show no relation.

    RELATED: natural persons on both sides share a surname. IN_TRUST: a person or family shares a surname with a trust
    or estate. SAME_COMPANY: a company on either side has the same name, legal form aside. Companies that have only some
    words in common are not related, nor is a company whose name holds the surname of a person.
    """
    if not _may_share_a_word(grantor, grantee):
        return None
    sellers, buyers = parties_of(grantor), parties_of(grantee)
    relations = {_between(seller, buyer) for seller in sellers for buyer in buyers}
    return next((code for code in (RELATED, IN_TRUST, SAME_COMPANY) if code in relations), None)


def _may_share_a_word(grantor: str, grantee: str) -> bool:
    """Whether the names need a closer look. Most sides have no word in common; names with accents always need one."""
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
