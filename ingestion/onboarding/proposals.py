"""A first mapping for a new source, proposed from the names of its columns and their contents.

Every proposal has a confidence. One below the threshold becomes a comment for a person to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import polars as pl

from ingestion.connectors.source import LINE

CERTAIN, WORTH_SHOWING = 0.75, 0.55

# The words assessors use for a field, whatever the vendor.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "properties": {
        "property_id": (
            "property id",
            "prop id",
            "parcel id",
            "account",
            "account number",
            "pid",
            "apn",
            "pin",
            "parcel number",
            "id",
        ),
        "parcel_number": ("parcel number", "parcel", "apn", "pin", "geo id", "map lot", "ml", "parcel id", "tax id"),
        "situs_address": ("situs address", "site address", "address", "location", "property address"),
        "situs_city": ("situs city", "city", "site city"),
        "zip_code": ("zip code", "zip", "zipcode", "situs zip", "postal code"),
        "use_code": ("use code", "usecode", "land use", "dor code", "property use"),
        "property_class": ("property class", "class", "class code", "tax class"),
        "neighborhood": ("neighborhood", "nbhd", "hood", "hood cd", "market area", "area code"),
        "tax_code_area": ("tax code area", "tca", "tax area", "levy code"),
        "lot_sqft": ("lot sqft", "land area", "lot size", "lotsize", "sqft lot", "lot sf", "land sqft"),
        "acres": ("acres", "acreage", "legal acreage", "land acres"),
        "living_area_sqft": ("living area", "sqft living", "building area", "gross area", "tla", "bldg sqft", "tot sf"),
        "year_built": ("year built", "yr built", "yr blt", "actual year built", "aybyrbuilt", "yrbuilt"),
        "effective_year": ("effective year", "eff year built", "eff yr blt", "yr renovated"),
        "bedrooms": ("bedrooms", "beds", "bed count"),
        "baths": ("baths", "bathrooms", "bath count"),
        "stories": ("stories", "floors", "storeys", "bldg stories"),
        "quality": ("quality", "grade", "bldg grade"),
        "condition": ("condition", "cond"),
        "longitude": ("longitude", "long", "lon", "lng"),
        "latitude": ("latitude", "lat"),
        "geometry": ("geometry", "shape", "wkt", "geom"),
    },
    "assessed_values": {
        "tax_year": ("tax year", "roll year", "assessment year"),
        "market_land": ("land value", "market land", "appraised land value", "total appraised land value"),
        "market_improvement": ("improvement value", "building value", "imps value", "total appraised improvements"),
        "market_total": ("total value", "market value", "appraised value", "total appraised parcel value"),
        "taxable_value": ("taxable value", "taxable", "net taxable"),
    },
    "sales": {
        "sale_id": ("sale id", "excise number", "sale number", "deed number", "sale row"),
        "sale_date": ("sale date", "date sold", "sl dt", "deed date", "date"),
        "sale_price": ("sale price", "price", "sales price", "consideration"),
        "validity_code": ("validity code", "sale code", "qualification", "ratio code"),
    },
}
_TYPES = {
    "lot_sqft": "integer", "living_area_sqft": "integer", "bedrooms": "integer", "acres": "decimal",
    "year_built": "year", "effective_year": "year", "tax_year": "year", "baths": "number", "stories": "number",
    "quality": "number", "condition": "number", "longitude": "number", "latitude": "number", "geometry": "geometry",
    "market_land": "dollars", "market_improvement": "dollars", "market_total": "dollars", "taxable_value": "dollars",
    "sale_price": "dollars", "sale_date": "date",
}  # fmt: skip
_LOOKS = {
    "year": r"^(1[6-9]|20)\d{2}(\.0)?$|^0$", "dollars": r"^\$?-?[\d,]+(\.\d+)?(e[+]?\d+)?$",
    "integer": r"^-?[\d,]+(\.0*)?$",
    "number": r"^-?\d+(\.\d+)?$", "decimal": r"^-?\d+(\.\d+)?$", "date": r"\d{1,4}[-/]?\d{1,2}[-/]?\d{1,4}",
    "geometry": r"^([0-9A-F]{20,}|[A-Z]+ ?\()",
}  # fmt: skip
_DATES = {
    r"^\d{4}-\d{2}-\d{2}": "", r"^\d{1,2}/\d{1,2}/\d{4}$": "%m/%d/%Y", r"^\d{8}T000000$": "%Y%m%dT000000",
    r"^\d{8}$": "%Y%m%d", r"^\d{1,2}/\d{1,2}/\d{2}$": "%m/%d/%y",
}  # fmt: skip
# A column with one of these words in its name is not the field, however similar the rest of the name is.
_MONEY = {"value", "val", "price", "amt", "amount", "cost", "dollars", "assessed", "appraised", "tax", "imps"}
_SIZE = {"sqft", "sf", "area", "acres", "acreage", "feet", "size"}
_OWNER = {"owner", "owners", "own", "mail", "mailing", "taxpayer", "billing", "bill", "grantee", "buyer"}
_PLACE = {"situs", "site", "location", "property", "prop", "parcel"}
_FOREIGN = dict.fromkeys(("living_area_sqft", "lot_sqft", "acres"), _MONEY)
_FOREIGN |= dict.fromkeys(("market_land", "market_improvement", "market_total", "taxable_value", "sale_price"), _SIZE)
_SITUS = ("situs_address", "situs_city", "zip_code")
_FOREIGN |= dict.fromkeys(_SITUS, _OWNER)
_LARGEST_DWELLING = 20_000  # square feet; a column with a higher median holds dollars or lot sizes
_NEAR = 4  # the name of an owner stands at most this many columns before the owner's address
_RANGES = {"longitude": (-180.0, 180.0), "latitude": (-90.0, 90.0)}


@dataclass(frozen=True)
class Pair:
    """The second of two columns that make one field, and how the mapping combines the two."""

    second: str = ""
    times: float = 1  # by what the number in the second column is multiplied
    separator: str | None = None  # joins two texts; without one, two numbers are added

    def as_yaml(self, first: str) -> str:
        second = _quoted(self.second) if self.times == 1 else f"{{column: {_quoted(self.second)}, times: {self.times}}}"
        how = "combine: sum" if self.separator is None else f'combine: join, separator: "{self.separator}"'
        return f"columns: [{_quoted(first)}, {second}], {how}"


# Fields that some counties keep in two columns: for each column its names and the pattern of its cells; then how the
# two are combined, and the format of the result.
_PAIRS = {
    ("properties", "baths"): (
        (("full baths", "full bath", "bath full"), r"^\d{1,2}(\.0)?$"),
        (("half baths", "half bath", "bath half"), r"^\d{1,2}(\.0)?$"),
        Pair(times=0.5),
        "",
    ),
    ("sales", "sale_date"): (
        (("sale year", "year sold", "yr sold", "sold year", "deed year"), r"^(1[6-9]|20)\d{2}$"),
        (("sale month", "month sold", "mo sold", "sold month", "deed month"), r"^(0?[1-9]|1[0-2])$"),
        Pair(separator=" "),
        "%Y %m",
    ),
}


@dataclass(frozen=True)
class Proposal:
    target: str
    field: str
    column: str
    confidence: float
    type: str = "text"
    format: str = ""
    pair: Pair | None = None  # for a field that is made of two columns, of which `column` is the first

    @property
    def is_certain(self) -> bool:
        return self.confidence >= CERTAIN

    @property
    def source(self) -> str:
        """The column, or both columns, for a person to read."""
        return f"{self.column} and {self.pair.second}" if self.pair else self.column

    def as_yaml(self) -> str:
        parts = [self.pair.as_yaml(self.column) if self.pair else f"column: {_quoted(self.column)}"]
        parts += [f"type: {self.type}"] if self.type != "text" else []
        parts += [f'format: "{self.format}"'] if self.format else []
        line = f"{self.field}: {{{', '.join(parts)}}}"
        return f"{line}    # confidence {self.confidence:.2f}"


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][\w .]*\w", text) else '"' + text.replace('"', '\\"') + '"'


def propose(rows: pl.DataFrame) -> list[Proposal]:
    """The best column for each field.

    A column feeds at most one field of a target, except that property_id and parcel_number may share one.
    """
    proposals = []
    columns = [name for name in rows.columns if name != LINE]
    for target, fields in NAMES.items():
        scored = sorted(
            (
                (_confidence(name, words, rows[column], column) * _context(name, column, rows), name, column)
                for name, words in fields.items()
                for column in columns
            ),
            key=lambda candidate: (-candidate[0], len(candidate[2]), candidate[2]),
        )
        proposed: set[str] = set()
        used: set[str] = set()
        for score, name, column in scored:
            shared = name in ("property_id", "parcel_number")
            if score < WORTH_SHOWING or name in proposed or (column in used and not shared):
                continue
            proposed.add(name)
            used |= set() if shared else {column}
            kind = _TYPES.get(name, "text")
            date_format = _date_format(rows[column]) if kind == "date" else ""
            proposals.append(Proposal(target, name, column, score, kind, date_format))
    return sorted(_with_pairs(proposals, rows), key=_place_in_names)


def _place_in_names(proposal: Proposal) -> tuple[int, int]:
    return list(NAMES).index(proposal.target), list(NAMES[proposal.target]).index(proposal.field)


def _with_pairs(proposals: list[Proposal], rows: pl.DataFrame) -> list[Proposal]:
    """The proposals, with fields made of two columns where no single column has the whole field for certain."""
    for (target, field), (first, second, pair, date_format) in _PAIRS.items():
        columns = _named(*first, rows), _named(*second, rows)
        single = next(
            (proposal for proposal in proposals if (proposal.target, proposal.field) == (target, field)), None
        )
        if None in columns or (single is not None and single.is_certain and single.column not in columns):
            continue
        pair = replace(pair, second=str(columns[1]))
        combined = Proposal(target, field, str(columns[0]), 1.0, _TYPES[field], date_format, pair)
        proposals = [proposal for proposal in proposals if proposal is not single] + [combined]
    return proposals


def _named(names: Iterable[str], pattern: str, rows: pl.DataFrame) -> str | None:
    """The column with one of these names in which every cell matches the pattern or is empty."""
    squeezed = {name.replace(" ", "") for name in names}
    for column in rows.columns:
        if column == LINE or "".join(_words(column)) not in squeezed:
            continue
        filled = _filled(rows[column])
        if len(filled) and filled.str.contains(pattern).all():
            return column
    return None


def _filled(texts: pl.Series) -> pl.Series:
    """The texts that are not empty, without blanks around them."""
    stripped = texts.str.strip_chars()
    return stripped.filter(stripped != "")


def _confidence(field: str, words: Iterable[str], texts: pl.Series, column: str) -> float:
    """From 0 to 1: the likeness of the names, times the share of the content that looks like the field."""
    plain = " ".join(_words(column))
    likeness = max(SequenceMatcher(None, plain, word).ratio() for word in words)
    squeezed = plain.replace(" ", "")
    if any(squeezed == word.replace(" ", "") for word in words):
        likeness = 1.0
    return likeness * _fit(field, texts)


def _words(column: str) -> list[str]:
    """The words of a column's name, in lower case and without digits."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", column.split(".")[-1])]


def _context(field: str, column: str, rows: pl.DataFrame) -> float:
    """A factor for the confidence, below 1 where other words, the unit or neighbouring columns contradict the field."""
    if _FOREIGN.get(field, set()) & set(_words(column)):
        return 0.4
    if field == "living_area_sqft":
        filled = _filled(rows[column])
        sizes = filled.str.replace_all(",", "").cast(pl.Float64, strict=False)
        built = sizes.filter(sizes > 0)
        if filled.str.starts_with("$").any() or (len(built) and float(built.median() or 0) > _LARGEST_DWELLING):  # type: ignore[arg-type]
            return 0.4
    return 0.6 if field in _SITUS and _is_owners(column, rows) else 1.0


def _is_owners(column: str, rows: pl.DataFrame) -> bool:
    """Whether a column is part of an owner's address: it follows an owner's name, or stands beside several states.

    A column whose name says that it is the place of the property is not.
    """
    if set(_words(column)) & _PLACE:
        return False
    names = [name for name in rows.columns if name != LINE]
    at = names.index(column)
    before = [set(_words(name)) for name in names[max(0, at - _NEAR) : at]]
    owner = max((place for place, words in enumerate(before) if words & _OWNER), default=-1)
    situs = max((place for place, words in enumerate(before) if words & _PLACE and not words & _OWNER), default=-1)
    if owner > situs:
        return True
    beside = names[max(0, at - 2) : at + 3]
    return any("state" in _words(name) and rows[name].str.strip_chars().n_unique() > 1 for name in beside)


def _fit(field: str, texts: pl.Series) -> float:
    """From 0 to 1: how much of the content looks like the field; 0.5 where there is none."""
    filled = _filled(texts)
    filled = filled.filter(filled != "-")
    kind = _TYPES.get(field, "text")
    if filled.is_empty():
        return 0.5
    if kind != "text":
        share = float(filled.str.contains(_LOOKS[kind]).sum()) / len(filled)
        if field in _RANGES:
            low, high = _RANGES[field]
            share *= float(filled.cast(pl.Float64, strict=False).is_between(low, high).sum()) / len(filled)
        return share
    if field in ("property_id", "sale_id"):
        return 0.6 + 0.4 * filled.n_unique() / len(filled)
    return 1.0


def _date_format(texts: pl.Series) -> str:
    """The format in which all dates of the column are written; empty for ISO dates and where there is none."""
    filled = _filled(texts)
    for pattern, date_format in _DATES.items():
        if len(filled) and filled.str.contains(pattern).all():
            return date_format
    return ""
