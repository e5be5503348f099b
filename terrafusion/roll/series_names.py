"""How a stored price index is called: written by market analysis, read by the GIS export and the ratio study.

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
PLACES = ("zip_codes", "neighborhoods")  # filters that say where; the others say what
_DIGEST = 12  # letters that tell two long names apart
_PLAIN = " .,:;()&'"  # what else than letters and digits may stand in a name as it is


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
        """The county, or the code of the one ZIP code or neighborhood it is for; None where it is for several."""
        named = [values for name, values in self.filters.items() if name in PLACES]
        if not named:
            return COUNTY
        return named[0][0] if len(named) == 1 and len(named[0]) == 1 else None

    @property
    def days_a_period(self) -> float:
        return DAYS_A_YEAR / PERIODS_A_YEAR[self.period]

    def __str__(self) -> str:
        among = [f"{name}={'+'.join(quote(each, _PLAIN) for each in values)}" for name, values in self.filters.items()]
        window = {"from": self.first, "to": self.last, "holding": self.holding_days}
        more = [f"{name}={value}" for name, value in window.items() if value is not None]
        name = "/".join([self.method, *(among or [COUNTY]), self.period, *more])
        if len(name) <= LONGEST:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
        return f"{name[: LONGEST - _DIGEST - 1]}~{digest}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """What the name says; None when it was too long to be kept whole, or is none of ours."""
        if len(name) == LONGEST and name[-_DIGEST - 1] == "~":
            return None
        method, *parts = name.split("/")
        said = dict(part.split("=", 1) for part in parts if "=" in part)
        plain = [part for part in parts if "=" not in part and part != COUNTY]
        if len(plain) != 1 or plain[0] not in PERIODS_A_YEAR:
            return None
        try:
            first, last, holding = (said.pop(each, None) for each in ("from", "to", "holding"))
            return cls(
                method,
                plain[0],
                {key: tuple(unquote(each) for each in values.split("+")) for key, values in said.items()},
                date.fromisoformat(first) if first else None,
                date.fromisoformat(last) if last else None,
                int(holding) if holding else None,
            )
        except ValueError:
            return None
