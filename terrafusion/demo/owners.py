"""Owners of the demo county. Their names are made of syllables and taken from no roll."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from .dwellings import Dwellings
from .fabric import Fabric
from .market import Sales


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Adel Brisa Corwin Dariel Elowen Fenna Garrick Hollis Iveta Jorin Kelda Lorcan Maren Nerys Orrin "
    "Petra Quill Rowena Soren Tamsin Ulric Verity Wendel Xanthe Yorick Zelda Amias Brenna Cedric Delphine"
)
NAME_STARTS = _words(
    "Ald Ash Bram Cald Dun Elm Fair Gren Hal Ingle Kirk Lang Mar Nor Oak Pem Quin Ros Stan Thorn Ul Vern Whit Yar"
)
NAME_ENDS = _words("bourne brook by combe dale ford hurst ley mere stead thwaite ton wick worth")
CONFIDENTIAL_SHARE = 0.006
LIVES_ELSEWHERE_SHARE = 0.22


@dataclass(frozen=True)
class Owners:
    """The owners of all parcels. names: one per parcel (its first owner), then one per deed (its grantee)."""

    names: np.ndarray
    grantor: np.ndarray  # per deed, index into names
    grantee: np.ndarray  # per deed, index into names
    confidential: np.ndarray  # per parcel
    mailing_address: np.ndarray  # per parcel
    parcel_sale: np.ndarray  # (deed-parcel pairs, 2): deed, parcel, oldest first

    def in_tax_year(self, tax_year: int, sales: Sales) -> np.ndarray:
        """The owner of each parcel on January 1 of the tax year, as an index into names."""
        before = sales.sale_date[self.parcel_sale[:, 0]] < np.datetime64(date(tax_year, 1, 1))
        owner = np.arange(len(self.confidential))
        for deed, parcel in self.parcel_sale[before].tolist():
            owner[parcel] = self.grantee[deed]
        return owner


def build_owners(fabric: Fabric, dwellings: Dwellings, sales: Sales, rng: np.random.Generator) -> Owners:
    parcels = len(fabric)
    buyer_of = np.concatenate([np.arange(parcels), sales.parcel])
    firm_likely = ~dwellings.is_dwelling[buyer_of]
    names = _names(len(buyer_of), firm_likely, rng)
    names[np.nonzero(dwellings.property_type == "other")[0]] = "COUNTY OF DEMO"
    names[np.nonzero(fabric.has_units)[0]] = "CONDOMINIUM OWNERS ASSOCIATION"

    grantee = parcels + np.arange(len(sales))
    grantor = np.empty(len(sales), dtype=int)
    owner = np.arange(parcels)
    pairs = []
    for deed, (first, second) in enumerate(zip(sales.parcel.tolist(), sales.second_parcel.tolist(), strict=True)):
        grantor[deed] = owner[first]
        for parcel in (first, second) if second >= 0 else (first,):
            pairs.append((deed, parcel))
            owner[parcel] = grantee[deed]
    return Owners(
        names=names,
        grantor=grantor,
        grantee=grantee,
        confidential=rng.random(parcels) < CONFIDENTIAL_SHARE,
        mailing_address=_mailing_addresses(fabric, rng),
        parcel_sale=np.array(pairs, dtype=int).reshape(-1, 2),
    )


def _names(count: int, firm_likely: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    first, second = rng.integers(len(FIRST_NAMES), size=(2, count)).tolist()
    start, end = rng.integers(len(NAME_STARTS), size=count), rng.integers(len(NAME_ENDS), size=count)
    draw = rng.random(count)
    form = np.where(draw < np.where(firm_likely, 0.6, 0.05), 0, np.where(draw > 0.94, 1, 2))
    form = np.where((form == 2) & (rng.random(count) < 0.5), 3, form)
    names = []
    for one, two, head, tail, number in zip(first, second, start.tolist(), end.tolist(), form.tolist(), strict=True):
        family = (NAME_STARTS[head] + NAME_ENDS[tail]).upper()
        given = FIRST_NAMES[one].upper()
        forms = (
            f"{family} HOLDINGS LLC",
            f"{family} FAMILY TRUST",
            f"{family}, {given}",
            f"{family}, {given} & {FIRST_NAMES[two].upper()}",
        )
        names.append(forms[number])
    return np.array(names, dtype=object)


def _mailing_addresses(fabric: Fabric, rng: np.random.Generator) -> np.ndarray:
    elsewhere = rng.random(len(fabric)) < LIVES_ELSEWHERE_SHARE
    box = rng.integers(10, 9999, len(fabric))
    return np.array(
        [
            f"PO Box {number}, Demo City, WA {zip_code}" if away else f"{situs}, Demo City, WA {zip_code}"
            for away, number, situs, zip_code in zip(
                elsewhere.tolist(),
                box.tolist(),
                fabric.situs_address.tolist(),
                fabric.zip_code.tolist(),
                strict=True,
            )
        ],
        dtype=object,
    )
