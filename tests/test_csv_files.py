"""No cell of a CSV runs as a formula; numbers stay numbers."""

import csv
import io
from decimal import Decimal

import pytest

from terrafusion.csv_files import CsvWriter, inert


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", '=HYPERLINK("http://x")', "-cmd"]
)
def test_text_that_begins_like_a_formula_gets_an_apostrophe(text):
    assert inert(text) == f"'{text}"


@pytest.mark.parametrize("value", ["", "1 Main = Street", "a-b", "'x", -5, -5.25, Decimal("-1.5"), None, True])
def test_everything_else_is_left_alone(value):
    assert inert(value) is value


def test_a_file_reads_back_as_it_was_written():
    stream = io.StringIO(newline="")
    writer = CsvWriter(stream)
    writer.writerow(["name", "change"])
    writer.writerows([["=evil", -12.5], ['a "quoted", one', None]])

    rows = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))

    assert rows == [["name", "change"], ["'=evil", "-12.5"], ['a "quoted", one', ""]]
