"""Every analysis gives the same answer on DuckDB and on ClickHouse: row for row, 1e-9, NULLs equal.

ClickHouse is the real engine in this process (chdb), filled by the product's own ETL.
"""

import math
from dataclasses import replace
from datetime import date

import pytest

from market_analysis.analyses.registry import ANALYSES
from market_analysis.answer import Question
from market_analysis.parameters import PARAMETERS
from market_analysis.selection import Selection
from terrafusion.analytics.clickhouse import ExactClickHouse, drop_snapshots, fill, rows_held
from terrafusion.analytics.engine import on_clickhouse, on_duckdb
from tests.analytics.synthetic import a_snapshot

WINDOW = {"first": date(2020, 2, 10), "last": date(2024, 11, 30)}
CASES = {
    "price_trend_by_zip": [
        ({"area": "zip_code"}, Selection()),
        ({"area": "neighborhood"}, Selection(period="month")),
        ({"area": "property_class"}, Selection(period="year", **WINDOW)),
        ({"area": "zip_code"}, Selection(filters={"zip_code": ("98101", "98102"), "property_type": ("condominium",)})),
    ],
    "price_index": [
        ({"method": "hedonic", "shortest_holding_days": 183}, Selection()),
        ({"method": "repeat_sales", "shortest_holding_days": 30}, Selection(period="year", **WINDOW)),
    ],
    "market_activity": [
        ({"flip_days": 365}, Selection()),
        ({"flip_days": 2000}, Selection(period="month", filters={"property_type": ("vacant_land",)}, **WINDOW)),
    ],
    "comparable_market_area": [
        ({"area": "zip_code", "area_code": "98104", "count": 4}, Selection(minimum_sales=30)),
        ({"area": "neighborhood", "count": 40}, Selection(minimum_sales=10, period="year")),
    ],
    "appreciation_surface": [
        ({"area": "zip_code"}, Selection(minimum_sales=15)),
        ({"area": "neighborhood"}, Selection(minimum_sales=10, **WINDOW)),
    ],
    "sales_screening": [
        ({"include_invalid": False, "deviations": 2.0, "resale_days": 180, "group_size": 15}, Selection()),
        ({"include_invalid": True, "deviations": 3.0, "resale_days": 400, "group_size": 40}, Selection(**WINDOW)),
    ],
    "trend_analysis": [({}, Selection()), ({}, Selection(period="month", **WINDOW))],
}


SNAPSHOTS = []


@pytest.fixture(scope="module")
def markets(tmp_path_factory):
    """The same snapshot on both engines."""
    folder = tmp_path_factory.mktemp("engines")
    snapshot = a_snapshot(folder / "snapshots")
    SNAPSHOTS.append(snapshot)
    backend = ExactClickHouse()
    backend.do_connect(interface="chdb", path=str(folder / "clickhouse"))
    fill(backend, snapshot)
    fill(backend, snapshot)  # as after an interruption: nothing may be there twice
    with on_duckdb(snapshot) as duckdb:
        yield duckdb, on_clickhouse(backend, snapshot)
    drop_snapshots(backend, "demo", [snapshot.snapshot_id])
    assert backend.table("sales").count().to_pyarrow().as_py() == 0
    backend.con.close()


def test_every_analysis_is_compared():
    assert set(CASES) == set(ANALYSES) == set(PARAMETERS)


@pytest.mark.parametrize(
    ("analysis", "parameters", "selection"),
    [(name, *case) for name, cases in CASES.items() for case in cases],
    ids=[f"{name}-{number}" for name, cases in CASES.items() for number, _ in enumerate(cases)],
)
def test_both_engines_give_the_same_answer(markets, analysis, parameters, selection):
    ours, theirs = (
        ANALYSES[analysis].answer(Question(market, selection, parameters, related=lambda _: {3, 5, 8}))
        for market in markets
    )

    assert len(ours.table) > 0
    assert_same(ours.table.to_pylist(), theirs.table.to_pylist())
    assert_same(list(ours.trends), list(theirs.trends))
    assert_same(ours.numbers, theirs.numbers)
    assert (ours.key_finding, ours.data_points) == (theirs.key_finding, theirs.data_points)


@pytest.mark.parametrize("table", ["sales", "properties", "assessed_values"])
def test_the_tables_themselves_are_the_same(markets, table):
    def everything(market):
        return sorted(map(repr, (sorted(row.items()) for row in market.rows(getattr(market, table)))))

    ours, theirs = (everything(market) for market in markets)

    assert len(ours) > 1000
    assert ours == theirs


def test_clickhouse_tells_whether_it_has_a_snapshot(markets):
    """It lacks those taken before ANALYTICS_URL was set."""
    backend, snapshot = markets[1].backend, SNAPSHOTS[-1]
    older = replace(snapshot, manifest=replace(snapshot.manifest, snapshot_id="before"))

    assert rows_held(backend, snapshot) == snapshot.manifest.rows
    assert set(rows_held(backend, older).values()) == {0}


def test_quantiles_and_distinct_counts_are_exact_on_clickhouse(markets):
    """ibis's own compiler would sample the one and sketch the other."""
    results = []
    for market in markets:
        sales = market.sales.group_by("property_type").aggregate(
            tenth=lambda t: t.sale_price.quantile(0.1),
            several=lambda t: t.sale_price.quantile([0.25, 0.9]),
            buyers=lambda t: t.property_key.nunique(),
        )
        results.append(market.rows(sales.order_by("property_type")))

    assert_same(*results)
    sql = str(markets[1].backend.compile(markets[1].sales.aggregate(q=lambda t: t.sale_price.quantile(0.1))))
    assert "quantileExactInclusive" in sql


def assert_same(ours, theirs, path="answer"):
    assert type(ours) is type(theirs) or {type(ours), type(theirs)} <= {int, float}, f"{path}: {ours!r} {theirs!r}"
    if isinstance(ours, dict):
        assert list(ours) == list(theirs), path
        for name, value in ours.items():
            assert_same(value, theirs[name], f"{path}.{name}")
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs), path
        for at, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_same(*pair, f"{path}[{at}]")
    elif isinstance(ours, float):
        assert math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9), f"{path}: {ours!r} {theirs!r}"
    else:
        assert ours == theirs, path
