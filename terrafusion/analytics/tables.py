"""The three tables of a snapshot. No personal data: no owner, grantor, grantee or mailing address has a column.

A text column is never null: '' is "not recorded", on both engines. Dollars are int64.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 2  # a snapshot of another version is taken anew

# How the assessor groups property: each may be the area or stratum of an analysis.
AREA_COLUMNS = (
    "zip_code", "neighborhood", "property_type", "property_class", "use_code", "tax_code_area", "situs_city",
)  # fmt: skip
WHOLE_CHARACTERISTICS = (
    "lot_sqft", "living_area_sqft", "basement_sqft", "garage_sqft", "year_built", "effective_year", "bedrooms", "view",
)  # fmt: skip
OTHER_CHARACTERISTICS = ("quality", "condition", "baths", "stories", "longitude", "latitude")

_PROPERTY = [
    pa.field("property_key", pa.int64()),
    pa.field("property_id", pa.string()),
    *(pa.field(name, pa.string(), nullable=False) for name in AREA_COLUMNS),
    *(pa.field(name, pa.int64()) for name in WHOLE_CHARACTERISTICS),
    *(pa.field(name, pa.float64()) for name in OTHER_CHARACTERISTICS),
    pa.field("waterfront", pa.bool_()),
]

PROPERTIES = pa.schema([*_PROPERTY, pa.field("on_roll", pa.bool_(), nullable=False)])

# One row for each parcel a deed conveys; a deed whose parcels are not on the roll has one row without a property.
SALES = pa.schema(
    [
        pa.field("sale_key", pa.int64(), nullable=False),
        pa.field("sale_id", pa.string(), nullable=False),
        pa.field("sale_date", pa.date32(), nullable=False),
        pa.field("sale_price", pa.int64(), nullable=False),
        pa.field("validity_code", pa.string(), nullable=False),
        pa.field("coded_valid", pa.bool_(), nullable=False),  # by the county's code table
        # Why the sale may not speak for the property: a reason of terrafusion/roll/sale_fitness.py, '' where it may
        pa.field("left_out", pa.string(), nullable=False),
        pa.field("parcel_count", pa.int64(), nullable=False),
        *_PROPERTY,
    ]
)

ASSESSED_VALUES = pa.schema(
    [
        pa.field("property_key", pa.int64(), nullable=False),
        *(
            pa.field(name, pa.int64(), nullable=False)
            for name in ("market_land", "market_improvement", "market_total", "new_construction", "taxable_value")
        ),
        pa.field("status", pa.string(), nullable=False),
    ]
)

TABLES = {"properties": PROPERTIES, "sales": SALES, "assessed_values": ASSESSED_VALUES}
# The column that names the folders of a table; it is not repeated inside the files.
PARTITIONS = {"sales": "sale_year", "assessed_values": "tax_year"}
