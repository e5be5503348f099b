"""A full disk is the same to a user whichever library met it: `storage`, not an unexpected failure."""

import errno

import polars as pl
import pyarrow
import pyarrow.parquet
import pytest

from ingestion.connectors.opening import library_faults
from terrafusion.errors import TerraFusionError
from terrafusion.full_disk import full_disk_told, is_disk_full

FULL = "/dev/full"  # every write to it fails as on a full disk


def by_polars():
    pl.DataFrame({"a": [1]}).write_parquet(FULL)


def by_arrow():
    with pyarrow.parquet.ParquetWriter(FULL, pyarrow.schema([("a", pyarrow.int64())])) as writer:
        writer.write_table(pyarrow.table({"a": [1]}))


def by_duckdb():
    import duckdb

    duckdb.sql("COPY (SELECT range FROM range(1000000)) TO '/dev/full' (FORMAT csv, USE_TMP_FILE false)")


def by_hand():
    with open(FULL, "wb", buffering=0) as stream:
        stream.write(b"x")


@pytest.mark.parametrize("write", [by_polars, by_arrow, by_duckdb, by_hand])
def test_a_full_disk_is_told_alike_by_every_library(write):
    with pytest.raises(OSError, match="No space left on device") as raised, full_disk_told():
        write()

    assert raised.value.errno == errno.ENOSPC


def test_a_damaged_file_is_no_full_disk_and_a_full_disk_no_damaged_file():
    assert not is_disk_full(ValueError("not a number"))
    assert not is_disk_full(TerraFusionError("line 3, note: 'disk is full' is not a date."))  # a county's own words
    with pytest.raises(OSError, match="No space left"), library_faults("x.shp cannot be read"):
        by_hand()
