"""Whole columns and single values are converted alike, whatever stands in them."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.connectors.source import LINE
from ingestion.transforms.columns import convert_batch
from ingestion.transforms.mapper import Dataset
from ingestion.transforms.roll_fields import TARGETS
from ingestion.transforms.validators import BadValue, convert, source_text

FIELDS = {
    "property_id": {"column": "a"},
    "parcel_number": {"column": "a", "width": 8},
    "situs_address": {"columns": ["a", "b"], "combine": "join"},
    "zip_code": {"columns": ["a", "b"], "combine": "first", "unknown": ["0"]},
    "property_type": {"column": "a", "codes": {"1": "single_family", "x": "other"}, "default": "other"},
    "lot_sqft": {"column": "a", "type": "integer", "unit": "acres"},
    "living_area_sqft": {"column": "a", "or_column": "b", "type": "integer", "minimum": 1},
    "acres": {"column": "a", "type": "decimal"},
    "year_built": {"column": "a", "type": "year"},
    "baths": {"column": "a", "type": "number", "maximum": 9, "outside": "blank"},
    "bedrooms": {"columns": ["a", "b"], "combine": "sum", "type": "integer"},
    "view": {"columns": ["a", "b"], "combine": "subtract", "type": "integer"},
    "waterfront": {"column": "a", "type": "boolean"},
    "use_code": {"columns": [{"column": "a", "from": 2, "to": 3}], "combine": "first"},
}
DATASET = Dataset.model_validate({"properties": FIELDS})
texts = st.one_of(
    st.text(max_size=12),
    st.text("0123456789.,-+eE$ ", max_size=10),
    st.integers(-(10**6), 10**16).map(str),
    st.decimals(-100, 10**6, places=4).map(str),
    st.sampled_from(["", " ", "0", "0.0", "yes", "T", "1", "x", "2024-02-29", "1e3", "1,234", "\x00", "\u2028"]),
)


def one_by_one(name, row):
    mapping, column = DATASET.properties[name], TARGETS["properties"].fields[name]
    try:
        return convert(source_text(row, mapping), mapping, column), None
    except BadValue as error:
        return None, str(error)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_a_column_is_converted_as_each_of_its_values(rows):
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    converted = convert_batch(frame.with_columns(pl.Series(LINE, range(len(rows)), dtype=pl.Int64)), DATASET)

    for name in FIELDS:
        values = converted.values[f"properties.{name}"].to_list()
        for line, (a, b) in enumerate(rows):
            expected, fault = one_by_one(name, {"a": a, "b": b})
            if fault is None:
                assert values[line] == expected, (name, a, b)
            else:
                assert any(finding.line == line and finding.reason == fault for finding in converted.findings), (
                    name,
                    a,
                    b,
                    fault,
                )


@pytest.mark.parametrize("name", FIELDS)
def test_the_texts_of_a_real_roll_need_no_second_look(name):
    """Plain texts are converted and nothing is found."""
    frame = pl.DataFrame({"a": ["1", "1"], "b": ["1", "2"], LINE: [1, 2]})

    found = [finding for finding in convert_batch(frame, DATASET).findings if finding.column == name]

    assert found == []
