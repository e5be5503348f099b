"""Speed and memory of market analysis. Writes bench/results/market_analysis.md.

Each analysis on 1,000,000 sales beside hand-written DuckDB SQL that gets the same figures from the same files, taken in
turns; and, where DATABASE_URL names a PostgreSQL, a snapshot of 1,000,000 properties and 1,000,000 sales with the
peak memory of its process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench" / "results" / "market_analysis.md"
SALES = 1_000_000
REPETITIONS = 3
GOAL_RATIO, GOAL_MB = 1.2, 500

SALES_SQL = "FROM sales WHERE left_out = ''"
TREND_SQL = f"""
WITH g AS (
  SELECT zip_code, year(sale_date) * 4 + quarter(sale_date) - 1 AS period, avg(sale_price) AS average,
    median(sale_price / nullif(living_area_sqft, 0)) AS per_sqft, count(*) AS n, list_sort(list(sale_price)) AS p
  {SALES_SQL} GROUP BY ALL),
f AS (
  SELECT zip_code, period, average, per_sqft, n, (p[(n + 1) // 2] + p[n // 2 + 1]) / 2 AS middle,
    CASE WHEN n >= 6 THEN p[floor((n + 1) / 2 - 0.98 * sqrt(n))::BIGINT] END AS low,
    CASE WHEN n >= 6 THEN p[n + 1 - floor((n + 1) / 2 - 0.98 * sqrt(n))::BIGINT] END AS high FROM g)
SELECT *, lag(middle) OVER w, lag(period) OVER w FROM f WINDOW w AS (PARTITION BY zip_code ORDER BY period)
ORDER BY zip_code, period"""
ACTIVITY_SQL = [
    f"""SELECT year(sale_date) * 4 + quarter(sale_date) - 1 AS period, count(*), sum(sale_price),
    quantile_cont(sale_price, [0.25, 0.5, 0.75]), median(sale_price / nullif(living_area_sqft, 0)) {SALES_SQL}
    GROUP BY period ORDER BY period""",
    f"""WITH s AS (SELECT year(sale_date) * 4 + quarter(sale_date) - 1 AS period, sale_price,
      sale_date - lag(sale_date) OVER w AS held, lag(sale_price) OVER w AS before {SALES_SQL} AND property_key
        IS NOT NULL
      AND sale_price > 0 WINDOW w AS (PARTITION BY property_key ORDER BY sale_date, sale_key))
    SELECT period, count(*), median(100 * (sale_price / before - 1)), median(held) FROM s WHERE held <= 365
    GROUP BY period ORDER BY period""",
    "SELECT count(*) FROM properties WHERE on_roll",
    f"""SELECT quantile_cont(sale_price, [.1, .2, .3, .4, .5, .6, .7, .8, .9]),
    quantile_cont(sale_price / nullif(living_area_sqft, 0), [.1, .2, .3, .4, .5, .6, .7, .8, .9]) {SALES_SQL}""",
    f"SELECT year(sale_date) * 12 + month(sale_date) - 1 AS period, count(*) {SALES_SQL} GROUP BY 1 ORDER BY 1",
]
AREA_SQL = [
    f"""WITH s AS (SELECT zip_code, sale_price, sale_price / nullif(living_area_sqft, 0) AS per_sqft,
      sale_date - DATE '1970-01-01' AS day, coalesce(living_area_sqft > 0, false) AS d,
      (sale_date - DATE '1970-01-01' - 18000) / 365.25 AS t, ln(sale_price) - 12.5 AS y,
      ln(CASE WHEN living_area_sqft > 0 THEN living_area_sqft ELSE 1 END) - 7.4 AS a {SALES_SQL}
      AND zip_code <> '' AND sale_price > 0)
    SELECT zip_code, count(*), count(*) FILTER (d), median(sale_price), median(per_sqft),
      sum(t) FILTER (d), sum(a) FILTER (d), sum(y) FILTER (d), sum(t * t) FILTER (d), sum(a * a) FILTER (d),
      sum(y * y) FILTER (d), sum(t * a) FILTER (d), sum(t * y) FILTER (d), sum(a * y) FILTER (d)
    FROM s GROUP BY zip_code ORDER BY zip_code""",
    """SELECT zip_code, count(*), median(living_area_sqft), median(lot_sqft), median(year_built),
    count(*) FILTER (property_type = 'single_family') FROM properties WHERE on_roll AND zip_code <> ''
    GROUP BY zip_code ORDER BY zip_code""",
]
SCREEN_SQL = """
WITH b AS MATERIALIZED (
  SELECT sale_key, sale_id, property_id, s.property_key, sale_date, sale_price, parcel_count, neighborhood,
    property_type, year(sale_date) AS y, CASE WHEN parcel_count = 1 THEN ln(sale_price) END AS lp,
    CASE WHEN parcel_count = 1 THEN ln(sale_price / nullif(living_area_sqft, 0)) END AS ls,
    CASE WHEN parcel_count = 1 THEN ln(sale_price) - ln(nullif(v.market_total, 0)) END AS lv
  FROM sales s LEFT JOIN (SELECT property_key, market_total FROM assessed_values
    WHERE tax_year = (SELECT max(tax_year) FROM assessed_values)) v ON s.property_key = v.property_key
  WHERE sale_price > 0 AND coded_valid),
nm AS (SELECT neighborhood, property_type, y, median(lp) AS mp, median(ls) AS ms, median(lv) AS mv FROM b GROUP BY ALL),
fm AS (SELECT property_type, y, median(lp) AS mp, median(ls) AS ms, median(lv) AS mv FROM b GROUP BY ALL),
near AS (SELECT neighborhood, property_type, y, count(lp) AS np, count(ls) AS ns, count(lv) AS nv, any_value(mp) AS mp,
  any_value(ms) AS ms, any_value(mv) AS mv, median(abs(lp - mp)) AS dp, median(abs(ls - ms)) AS ds,
  median(abs(lv - mv)) AS dv FROM b JOIN nm USING (neighborhood, property_type, y) GROUP BY ALL),
far AS (SELECT property_type, y, count(lp) AS np, count(ls) AS ns, count(lv) AS nv, any_value(mp) AS mp,
  any_value(ms) AS ms, any_value(mv) AS mv, median(abs(lp - mp)) AS dp, median(abs(ls - ms)) AS ds,
  median(abs(lv - mv)) AS dv FROM b JOIN fm USING (property_type, y) GROUP BY ALL),
n AS (SELECT *, sale_date - lag(sale_date) OVER w AS db, lag(sale_price) OVER w AS pb,
  lead(sale_date) OVER w - sale_date AS da, lead(sale_price) OVER w AS pa
  FROM b WINDOW w AS (PARTITION BY property_key ORDER BY sale_date, sale_key)),
k AS (SELECT n.*,
  CASE WHEN near.np >= 15 THEN near.mp WHEN far.np >= 15 THEN far.mp END AS cp,
  1.4826 * CASE WHEN near.np >= 15 THEN near.dp WHEN far.np >= 15 THEN far.dp END AS ep,
  CASE WHEN near.ns >= 15 THEN near.ms WHEN far.ns >= 15 THEN far.ms END AS cs,
  1.4826 * CASE WHEN near.ns >= 15 THEN near.ds WHEN far.ns >= 15 THEN far.ds END AS es,
  CASE WHEN near.nv >= 15 THEN near.mv WHEN far.nv >= 15 THEN far.mv END AS cv,
  1.4826 * CASE WHEN near.nv >= 15 THEN near.dv WHEN far.nv >= 15 THEN far.dv END AS ev,
  CASE WHEN near.np >= 15 THEN near.np ELSE far.np END AS gp, near.np >= 15 AS ip,
  CASE WHEN near.ns >= 15 THEN near.ns ELSE far.ns END AS gs, near.ns >= 15 AS is_near,
  CASE WHEN near.nv >= 15 THEN near.nv ELSE far.nv END AS gv, near.nv >= 15 AS iv
  FROM n LEFT JOIN near USING (neighborhood, property_type, y) LEFT JOIN far USING (property_type, y)),
j AS (SELECT *, (lp - cp) / greatest(ep, 0.05) AS zp, (ls - cs) / greatest(es, 0.05) AS zs,
  (lv - cv) / greatest(ev, 0.05) AS zv, exp(cp) AS mp, exp(cs) AS ms, exp(cv) AS mv FROM k)
SELECT * FROM j WHERE parcel_count > 1 OR abs(zp) > 3 OR abs(zs) > 3 OR abs(zv) > 3
  OR (property_key IS NOT NULL AND (db <= 180 OR da <= 180 OR (pb = sale_price AND db <= 365)
  OR (pa = sale_price AND da <= 365))) ORDER BY sale_date, sale_key"""
INDEX_SQL = f"""SELECT sale_key, sale_date, sale_price, property_key, living_area_sqft, lot_sqft, basement_sqft,
    garage_sqft, year_built, effective_year, quality, condition, baths, stories, view, waterfront, longitude, latitude,
    property_type, neighborhood, year(sale_date) * 4 + quarter(sale_date) - 1 AS period {SALES_SQL}
    ORDER BY sale_date, sale_key"""


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "terrafusion.settings.test")
    import django

    django.setup()
    with tempfile.TemporaryDirectory() as folder:
        lines = ["# Market analysis: speed and memory", "", *analyses(Path(folder))]
        lines += snapshot_of_postgresql()
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def analyses(folder: Path) -> list[str]:
    from terrafusion.analytics.engine import on_duckdb
    from tests.analytics.synthetic import a_snapshot

    snapshot = a_snapshot(folder, SALES, SALES, 40)
    lines = [
        f"{SALES:,} sales of {SALES:,} properties, 40 ZIP codes; {os.cpu_count()} cores, DuckDB: 2 threads, 1 GB.",
        f"Processor seconds and wall seconds, median of {REPETITIONS} runs taken in turns. Goal: at most {GOAL_RATIO}"
        " times the hand-written SQL. Repeat: `make bench`.",
        "",
        "| analysis | queries: cpu s (wall s) | hand-written SQL: cpu s (wall s) | ratio cpu | whole answer, charts"
        " aside: wall s |",
        "|---|---|---|---|---|",
    ]
    with on_duckdb(snapshot) as market:
        for name, queries, by_hand, whole in cases(market):
            ours, theirs = [], []
            for _ in range(REPETITIONS):
                ours.append(timed(queries))
                theirs.append(
                    timed(lambda by_hand=by_hand: [market.backend.con.sql(q).to_arrow_table() for q in by_hand])
                )
            total = timed(whole)[1]
            a, b = ([median(column) for column in zip(*runs, strict=True)] for runs in (ours, theirs))
            lines.append(
                f"| {name} | {a[0]:.2f} ({a[1]:.2f}) | {b[0]:.2f} ({b[1]:.2f}) | {a[0] / b[0]:.2f} | {total:.1f} |"
            )
    return [*lines, ""]


def cases(market: Any) -> list[tuple[str, Callable[[], Any], list[str], Callable[[], Any]]]:
    """(analysis, our queries, hand-written SQL for the same figures, the whole analysis)."""
    from market_analysis.analyses.registry import ANALYSES
    from market_analysis.answer import Question
    from market_analysis.areas.area_statistics import sold_expression, stock_expression
    from market_analysis.areas.market_activity import activity_by_period, price_distribution, resales, stock
    from market_analysis.indices.index_sales import index_expression
    from market_analysis.indices.price_trend import trend_expression
    from market_analysis.screening.sales_screening import Thresholds, suspicious_sales
    from market_analysis.selection import Selection

    selection = Selection(minimum_sales=15)
    sales = market.sales

    def ask(analysis: str, **parameters: Any) -> Callable[[], Any]:
        return lambda: ANALYSES[analysis].answer(Question(market, selection, parameters))

    def activity() -> None:
        for query in (activity_by_period, resales, price_distribution):
            market.table(query(sales, selection))
        stock(market, selection)

    def areas() -> None:
        market.table(sold_expression(sales, selection, "zip_code"))
        market.table(stock_expression(market.properties, selection, "zip_code"))

    trend_alone = TREND_SQL.replace("zip_code, ", "'' AS zip_code, ", 1)
    screening = {"include_invalid": False, "deviations": 3.0, "resale_days": 180, "group_size": 15}
    return [
        ("price_trend_by_zip", lambda: market.table(trend_expression(sales, selection, "zip_code")), [TREND_SQL],
         ask("price_trend_by_zip", area="zip_code")),
        ("trend_analysis", lambda: market.table(trend_expression(sales, selection, None)), [trend_alone],
         ask("trend_analysis")),
        ("price_index (its sales)", lambda: market.table(index_expression(sales, selection)), [INDEX_SQL],
         ask("price_index", method="hedonic", shortest_holding_days=183)),
        ("market_activity", activity, ACTIVITY_SQL, ask("market_activity", flip_days=365)),
        ("comparable_market_area (areas)", areas, AREA_SQL, ask("comparable_market_area", area="zip_code", count=5)),
        ("appreciation_surface (areas)", areas, AREA_SQL, ask("appreciation_surface", area="zip_code")),
        ("sales_screening", lambda: market.table(suspicious_sales(market, selection, Thresholds(), False)),
         [SCREEN_SQL], ask("sales_screening", **screening)),
    ]  # fmt: skip


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Processor and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def snapshot_of_postgresql() -> list[str]:
    from django.db import connection

    if connection.vendor != "postgresql":
        return ["Snapshot from PostgreSQL: not run; DATABASE_URL names none."]
    from django.core.management import call_command

    from tests.factories import a_county

    call_command("migrate", verbosity=0)
    a_county("demo")
    fill_roll()
    started = time.perf_counter()
    # Its own peak, as it says itself: what a parent is told of a child counts the parent's memory at the fork.
    program = (
        "import django; django.setup(); from django.core.management import call_command; "
        "call_command('snapshot_analytics', 'demo'); print(open('/proc/self/status').read())"
    )
    command = [sys.executable, "-c", program]
    environment = os.environ | {"TERRAFUSION_TEST_DATABASE": str(connection.settings_dict["NAME"])}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    (peak,) = (int(line.split()[1]) / 1024 for line in done.stdout.splitlines() if line.startswith("VmHWM"))
    return [
        f"Snapshot of {SALES:,} properties and {SALES:,} sales from PostgreSQL: {seconds:.0f} s,"
        f" peak memory of the process {peak:.0f} MB (goal: {GOAL_MB} MB)."
    ]


def fill_roll() -> None:
    """Rows made by the database itself: this is not what is measured."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"""
            INSERT INTO properties_operational (county_id, property_id, parcel_number, parcel_number_key,
              parent_parcel_number, situs_address, situs_city, zip_code, property_type, property_class, use_code,
              neighborhood, tax_code_area, legal_description, lot_sqft, living_area_sqft, year_built, effective_year,
              quality, condition, bedrooms, baths, stories, view, waterfront, longitude, latitude, attributes,
              lineage, created_at, updated_at)
            SELECT 'demo', i, i, i, '', i || ' Main Street', 'Demo City', '99' || i % 40, 'single_family',
              'residential',
              '11', 'N' || i % 400, 'T1', 'LOT ' || i, 8000, 1000 + i % 2000, 1950 + i % 70, 1950 + i % 70, 4, 3, 3, 2,
              1, 0, false, -119 - i % 1000 / 1000.0, 46, '{{}}', '{{}}', now(), now()
            FROM generate_series(1, {SALES}) i""")
        cursor.execute(f"""
            INSERT INTO sales_operational (county_id, sale_id, sale_date, sale_price, instrument, validity_code,
              is_valid, parcel_count, grantor, grantee, lineage, created_at, updated_at)
            SELECT 'demo', 'S' || i, DATE '2016-01-01' + i % 3600, 200000 + i % 300000, 'Deed', '', true, 1,
              'SELLER ' || i, 'BUYER ' || i, '{{}}', now(), now()
            FROM generate_series(1, {SALES}) i""")
        cursor.execute("""
            INSERT INTO roll_saleparcel (sale_id, roll_property_id)
            SELECT s.id, p.id FROM sales_operational s
              JOIN properties_operational p ON p.property_id = substr(s.sale_id, 2)""")
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    sys.exit(main())
