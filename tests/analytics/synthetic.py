"""A snapshot made of numbers alone, for tests of the engines and for benchmarks: no database behind it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from terrafusion.analytics.snapshots import Manifest, SnapshotStore
from terrafusion.analytics.tables import PARTITIONS, TABLES

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TYPES = np.array(["single_family", "condominium", "vacant_land"])


def a_snapshot(root: Path, properties: int = 3_000, sales: int = 4_000, zips: int = 12, seed: int = 5):
    """Sales of 2019 to 2025 with what makes two engines differ: nulls, ties, empty text, periods without a sale."""
    pick = np.random.default_rng(seed)
    roll = _properties(pick, properties, zips)
    deeds = _sales(pick, roll, sales)
    values = _values(pick, roll)
    store = SnapshotStore(root)
    snapshot_id, folder = store.new_folder("demo", NOW)
    tables = {"properties": roll, "sales": deeds, "assessed_values": values}
    for name, table in tables.items():
        _write(folder / name, name, table)
    days = deeds["sale_date"]
    rows = {name: len(table) for name, table in tables.items()}
    manifest = Manifest(
        snapshot_id, "demo", NOW.isoformat(), str(pc.min(days).as_py()), str(pc.max(days).as_py()), rows
    )
    snapshot = store.seal(folder, manifest)
    store.publish(snapshot, NOW)
    return snapshot


def _properties(pick, count, zips):
    kind = TYPES[pick.choice(3, count, p=[0.7, 0.2, 0.1])]
    zip_number = pick.integers(0, zips, count)
    built = kind != "vacant_land"
    area = np.where(built, np.round(np.exp(pick.normal(7.4, 0.35, count))), np.nan)
    year = np.where(built, pick.integers(1920, 2019, count), np.nan)
    columns = {
        "property_key": np.arange(1, count + 1),
        "property_id": [str(10_000 + each) for each in range(count)],
        "zip_code": np.where(
            pick.random(count) < 0.01, "", np.char.add("981", np.char.zfill(zip_number.astype(str), 2))
        ),
        "neighborhood": np.char.add("N", (zip_number * 3 + pick.integers(0, 3, count)).astype(str)),
        "property_type": kind,
        "property_class": np.where(built, "residential", "vacant"),
        "use_code": np.where(built, "11", "91"),
        "tax_code_area": "T1",
        "situs_city": "Demo City",
        "lot_sqft": np.where(kind == "condominium", np.nan, pick.integers(3_000, 20_000, count)),
        "living_area_sqft": area,
        "basement_sqft": np.where(pick.random(count) < 0.5, 0, pick.integers(100, 900, count)),
        "garage_sqft": pick.integers(0, 700, count),
        "year_built": year,
        "effective_year": year,
        "bedrooms": np.where(built, pick.integers(1, 6, count), np.nan),
        "view": pick.integers(0, 4, count),
        "quality": np.where(built, pick.integers(2, 7, count), np.nan),
        "condition": np.where(built, pick.integers(1, 6, count), np.nan),
        "baths": np.where(built, pick.integers(2, 8, count) / 2, np.nan),
        "stories": np.where(built, 1.0, np.nan),
        "longitude": -122.3 + 0.02 * (zip_number % 4) + pick.normal(0, 0.004, count),
        "latitude": 47.6 + 0.02 * (zip_number // 4) + pick.normal(0, 0.004, count),
        "waterfront": pick.random(count) < 0.02,
        "on_roll": pick.random(count) < 0.99,
    }
    return _table("properties", columns)


def _sales(pick, roll, count):
    which = pick.integers(0, len(roll), count)
    days = np.datetime64("2019-01-01") + pick.integers(0, 7 * 365, count)
    year = days.astype("datetime64[Y]").astype(int) + 1970
    property_columns = {name: roll[name].take(pa.array(which)) for name in roll.column_names if name != "on_roll"}
    area = np.nan_to_num(np.array(property_columns["living_area_sqft"].to_pylist(), dtype=float), nan=600.0)
    growth = np.exp(0.05 * (year - 2019) + pick.normal(0, 0.2, count))
    price = np.round(180 * area**0.95 * growth / 500) * 500
    several = pick.random(count) < 0.03
    order = np.argsort(days, kind="stable")
    deeds = {
        "sale_key": np.arange(1, count + 1),
        "sale_id": [f"S{each}" for each in range(count)],
        "sale_date": days,
        "sale_price": price.astype(np.int64),
        "validity_code": np.where(several, "multi", ""),
        "coded_valid": ~several,
        "left_out": np.where(several, "several_parcels", np.where(pick.random(count) < 0.95, "", "not_arms_length")),
        "parcel_count": np.where(several, 2, 1),
    } | property_columns
    return _table("sales", deeds).take(pa.array(order))


def _values(pick, roll):
    years = []
    for tax_year in (2024, 2025):
        land = pick.integers(50_000, 150_000, len(roll))
        built = pick.integers(0, 400_000, len(roll))
        columns = {
            "property_key": roll["property_key"],
            "market_land": land,
            "market_improvement": built,
            "market_total": land + built,
            "new_construction": np.zeros(len(roll), dtype=np.int64),
            "taxable_value": land + built,
            "status": "certified",
        }
        years.append(_table("assessed_values", columns).append_column("tax_year", pa.array([tax_year] * len(roll))))
    return pa.concat_tables(years)


def _table(name, columns):
    schema = TABLES[name]
    length = len(columns["property_key"])
    made = []
    for field in schema:
        column = columns[field.name]
        if isinstance(column, str):
            column = [column] * length
        if isinstance(column, np.ndarray) and column.dtype == float and pa.types.is_integer(field.type):
            made.append(pa.array(column, from_pandas=True).cast(field.type))
        elif isinstance(column, pa.ChunkedArray):
            made.append(column.combine_chunks())
        else:
            made.append(pa.array(column, type=field.type, from_pandas=True))
    return pa.Table.from_arrays(made, schema=schema)


def _write(folder, name, table):
    if name not in PARTITIONS:
        folder.mkdir()
        pq.write_table(table, folder / "part-0.parquet", compression="zstd", row_group_size=100_000)
        return
    values = pc.year(table["sale_date"]) if name == "sales" else table["tax_year"]
    for value in sorted(set(values.to_pylist())):
        place = folder / f"{PARTITIONS[name]}={value}"
        place.mkdir(parents=True)
        part = table.filter(pc.equal(values, value)).select(TABLES[name].names)
        pq.write_table(part, place / "part-0.parquet", compression="zstd", row_group_size=100_000)
