"""Dollars and cents: every control counts them, and the mapping says what a roll in whole dollars makes of them."""

from decimal import Decimal

import polars as pl
import pytest
from django.core.management import call_command

from ingestion.pipelines.control.amounts import as_kept, as_read, raw_amounts
from ingestion.pipelines.reports import LoadRefused
from ingestion.pipelines.requests import LoadRequest, run_load
from ingestion.transforms.mapper import FieldMapping
from terrafusion.roll.models import Sale
from tests.factories import a_county

MAPPING = """
properties:
  property_id: {{column: pin}}
  parcel_number: {{column: pin}}
sales:
  property_id: {{column: pin}}
  sale_id: {{column: deed}}
  sale_date: {{column: day, type: date}}
  sale_price: {{column: price, type: dollars{cents}}}
rejection_limit_percent: 100
"""
# What is right, on paper: 250,000.50 + 100,000.49 + 90,000.00 + 80,000 = 520,000.99
PRICES = ["250000.5000", "100000.49", "90000.00", "80000"]


@pytest.fixture
def load(db, tmp_path, capsys):
    county = a_county("demo")

    def run(prices=PRICES, cents="", twice=False):
        rows = [f"1,D{at},2025-03-0{at + 1},{price}" for at, price in enumerate(prices)]
        (tmp_path / "sales.csv").write_text("\n".join(["pin,deed,day,price", *rows, *(rows[-1:] if twice else [])]))
        (tmp_path / "mapping.yaml").write_text(MAPPING.format(cents=cents))
        arguments = {"source": str(tmp_path / "sales.csv"), "mapping": tmp_path / "mapping.yaml"}
        report = run_load(LoadRequest(county=county, dry_run=True, **arguments)).report
        capsys.readouterr()
        call_command("bulk_load", "demo", **arguments)
        return report.control_totals["main"]["sales"]["headline"], capsys.readouterr().out

    return run


def sides(headline):
    return {side: (totals["rows"], totals["sale_price"]) for side, totals in headline.items()}


def test_dollars_that_are_not_whole_are_rejected_and_still_the_sources(load):
    headline, printed = load(twice=True)

    assert sides(headline) == {
        "source": (5, "600000.99"),
        "loaded": (2, 170_000),
        "rejected": (2, "350000.99"),
        "duplicates": (1, 80_000),
        "dropped": (0, 0),
        "rounded": (0, 0),
        "difference": (0, 0),
    }
    assert "sales.rows: source 5 = loaded 2 + rejected 2 + duplicates 1 + dropped 0; difference 0." in printed
    assert (
        "sales.sale_price: source $600,000.99 = loaded $170,000 + rejected $350,000.99 + duplicates $80,000 "
        "+ dropped $0; difference $0."
    ) in printed
    assert "not a whole number of dollars; write cents: half_up in the mapping to round it" in printed


def test_rounded_dollars_are_loaded_and_what_rounding_took_is_shown(load):
    headline, printed = load(cents=", cents: half_up")

    assert sorted(Sale.objects.values_list("sale_price", flat=True)) == [80_000, 90_000, 100_000, 250_001]
    assert sides(headline)["source"] == (4, "520000.99")
    assert sides(headline)["loaded"] == (4, 520_001)
    assert sides(headline)["rounded"] == (0, "-0.01")  # 0.49 taken, 0.50 given
    assert sides(headline)["difference"] == (0, 0)
    assert (
        "source $520,000.99 = loaded $520,001 + rejected $0 + duplicates $0 + dropped $0 + rounded $-0.01; "
        "difference $0."
    ) in printed


def test_a_row_that_could_not_be_taken_apart_is_one_of_the_sources(load):
    headline, _ = load(["100000", "1,2,3"])

    assert [headline[side]["rows"] for side in ("source", "loaded", "rejected", "difference")] == [2, 1, 1, 0]


@pytest.mark.parametrize(
    ("text", "implied_decimals", "amount"),
    [
        ("100000.5000", 0, "100000.5"),
        ("100000.0001", 0, "100000.0001"),
        ("$1,234.56", 0, "1234.56"),
        ("-12.34", 0, "-12.34"),
        ("1.225e+006", 0, "1225000"),
        ("922337203685477.5807", 0, "922337203685477.5807"),  # the largest MONEY
        ("12345", 2, "123.45"),
        ("12345.6", 2, "12345.6"),
        ("n/a", 0, None),
        ("", 0, None),
    ],
)
@pytest.mark.database_free
def test_the_second_reading_knows_cents(text, implied_decimals, amount):
    mapping = FieldMapping(column="x", type="dollars", implied_decimals=implied_decimals)

    (read,) = raw_amounts(pl.DataFrame({"x": [text]}), mapping)

    assert read == (None if amount is None else Decimal(amount))


@pytest.mark.database_free
def test_amounts_are_kept_so_that_nothing_is_lost():
    assert [as_kept(Decimal(text)) for text in ("1250.0000", "1250.5", "0.0001", "-3")] == [
        1250,
        "1250.50",
        "0.0001",
        -3,
    ]
    assert [as_read(value) for value in (1_250_000, "1250.50", "-0.01")] == ["1,250,000", "1,250.50", "-0.01"]


@pytest.mark.database_free
def test_cents_go_with_dollars_alone():
    with pytest.raises(ValueError, match="cents does not go with type integer"):
        FieldMapping(column="x", type="integer", cents="half_up")


def test_a_cent_that_is_lost_on_the_way_stops_the_load(load, monkeypatch):
    from ingestion.pipelines.control import amounts

    monkeypatch.setattr(amounts, "dollars", lambda text, implied=0: Decimal(int(float(text))))
    monkeypatch.setattr(amounts, "_PLAIN", "^$")

    with pytest.raises(LoadRefused, match=r"sale_price differs by -1"):
        load(cents=", cents: half_up")
