"""Sales as columns, for studies without a database."""

from datetime import date, timedelta

import numpy as np

from reporting.ratio_study.study import StudySettings
from reporting.ratio_study.study_sales import StudySales
from reporting.statistics.verdicts import Band

BANDS = {
    "median": Band(0.90, 1.10),
    "cod": Band(5.0, 15.0),
    "prd": Band(0.98, 1.03),
    "prb": Band(-0.05, 0.05),
    "mki": Band(0.95, 1.05),
    "vei": Band(-10.0, 10.0),
}


def settings_of(**settings):
    return StudySettings(**{"bands": BANDS, "replicates": 200} | settings)


def texts(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def sales_of(assessed, prices, *, dates=None, year_built=None, property_class="residential", **described):
    """property_id and sale_id are the position; other fields by name, a value for each sale."""
    n = len(prices)
    days = dates or [date(2025, 1, 1) + timedelta(days=each % 360) for each in range(n)]
    return StudySales(
        sale_id=texts([f"S{each:05d}" for each in range(n)]),
        property_id=texts([str(each) for each in range(n)]),
        parcel_number=texts([f"1-{each:05d}" for each in range(n)]),
        property_class=texts([property_class] * n),
        sale_date=np.array(days, dtype="datetime64[D]"),
        sale_price=np.array(prices, dtype=np.float64),
        assessed_value=np.array(assessed, dtype=np.float64),
        year_built=np.array(year_built if year_built is not None else [1990] * n, dtype=np.float64),
        described={name: texts(list(values)) for name, values in described.items()},
    )


def believable(n, seed=3, level=0.95, noise=0.12):
    """(assessed values, prices)."""
    rng = np.random.default_rng(seed)
    prices = np.round(np.exp(rng.normal(12.5, 0.5, n)), -2)
    return np.round(level * prices * np.exp(rng.normal(0, noise, n)), -2), prices
