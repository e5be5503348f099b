"""The names of stored price indices. Market analysis writes them; the GIS export and the ratio study read them.

Examples:
hedonic/county/quarter
repeat_sales/zip_codes=98101/property_types=single_family/month/from=2020-01-01/to=2024-12-31/holding=365
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self
from urllib.parse import quote, unquote

LONGEST = 100
COUNTY = "county"
PERIODS_A_YEAR = {"month": 12, "quarter": 4, "year": 1}
DAYS_A_YEAR = 365.25
PLACES = ("zip_codes", "neighborhoods")  # the filters by place; the others are by kind of property
_DIGEST = 12  # the number of letters that distinguish two long names
_PLAIN = " .,:;()&'"  # the characters besides letters and digits that a name holds unquoted


@dataclass(frozen=True)
class SeriesName:
    """filters: allowed values by parameter of the request, all empty for the county's dwellings.

    first, last: the window of the sales, None where it is open. holding_days: where it is not the usual one.
    """

    method: str
    period: str
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None
    holding_days: int | None = None

    @property
    def place(self) -> str | None:
        """The word county, or the code of the one ZIP code or neighborhood of the index; None when it has several."""
        named = [values for name, values in self.filters.items() if name in PLACES]
        if not named:
            return COUNTY
        return named[0][0] if len(named) == 1 and len(named[0]) == 1 else None

    @property
    def days_a_period(self) -> float:
        return DAYS_A_YEAR / PERIODS_A_YEAR[self.period]

    def __str__(self) -> str:
        among = [
            f"{name}={'+'.join(quote(value, _PLAIN) for value in values)}" for name, values in self.filters.items()
        ]
        window = {"from": self.first, "to": self.last, "holding": self.holding_days}
        more = [f"{name}={value}" for name, value in window.items() if value is not None]
        name = "/".join([self.method, *(among or [COUNTY]), self.period, *more])
        if len(name) <= LONGEST:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
        return f"{name[: LONGEST - _DIGEST - 1]}~{digest}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The parts of the name; None when it was shortened, or is not such a name."""
        if len(name) == LONGEST and name[-_DIGEST - 1] == "~":
            return None
        method, *parts = name.split("/")
        pairs = dict(part.split("=", 1) for part in parts if "=" in part)
        plain = [part for part in parts if "=" not in part and part != COUNTY]
        if len(plain) != 1 or plain[0] not in PERIODS_A_YEAR:
            return None
        try:
            first, last, holding = (pairs.pop(key, None) for key in ("from", "to", "holding"))
            return cls(
                method,
                plain[0],
                {key: tuple(unquote(value) for value in values.split("+")) for key, values in pairs.items()},
                date.fromisoformat(first) if first else None,
                date.fromisoformat(last) if last else None,
                int(holding) if holding else None,
            )
        except ValueError:
            return None
