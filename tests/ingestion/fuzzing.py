"""Damaged source files: a small good file of each kind, changed by a seeded hand, and what reading it must hold.

Reading ends, in rows or in one of our own sentences; and what was read and what was rejected are together what the
file holds by its own count. Where the two differ the load is stopped by that count, which is a refusal too.
"""

from __future__ import annotations

import gzip
import random
import re
import shutil
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import polars as pl
import pyarrow
import pyogrio
import shapely

from ingestion.connectors.files import open_file
from ingestion.pipelines.control.source_count import check_count
from ingestion.pipelines.staging import StagedSet, stage
from ingestion.transforms.mapper import Dataset, FileOptions
from ingestion.transforms.rules import Context
from terrafusion.errors import TerraFusionError

ROWS = 12
SHAPES = {".shp": "ESRI Shapefile", ".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".geojson": "GeoJSON", ".kml": "LIBKML"}
TABLE = {"properties": {"property_id": {"column": "PIN"}, "parcel_number": {"column": "PIN"}}}
WITH_SHAPES = {"properties": TABLE["properties"] | {"geometry": {"column": "geometry", "type": "geometry"}}}
FIXED = {"PIN": (1, 6), "SITUS": (7, 26), "LAND": (27, 34)}
KINDS = (".csv", ".tsv", ".txt", ".csv.gz", ".xlsx", ".parquet", ".zip", ".gdb", *SHAPES)


@dataclass
class Tally:
    """What became of the files: by outcome. faults: those that must not be."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def seed_file(kind: str, folder: Path) -> Path:
    """A good file of the kind, ROWS rows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed{kind}"
    rows = [(f"P{n:05}", f'{n} "OAK" STREET, Peña', 1000 + n) for n in range(ROWS)]
    if kind in (".csv", ".tsv", ".csv.gz"):
        mark = "\t" if kind == ".tsv" else ","
        lines = [mark.join(("PIN", "SITUS", "LAND"))]
        lines += [mark.join((a, '"' + b.replace('"', '""') + '"', str(c))) for a, b, c in rows]
        data = ("\r\n".join(lines) + "\r\n").encode()
        path.write_bytes(gzip.compress(data, mtime=0) if kind.endswith("gz") else data)
    elif kind == ".txt":
        path.write_text("".join(f"{a:6}{b[:20]:20}{c:8}\n" for a, b, c in rows), encoding="utf-8")
    elif kind == ".xlsx":
        book = openpyxl.Workbook()
        for row in (("PIN", "SITUS", "LAND"), *rows):
            book.active.append(row)
        book.save(path)
    elif kind == ".parquet":
        pl.DataFrame(rows, schema=["PIN", "SITUS", "LAND"], orient="row").write_parquet(path)
    elif kind == ".zip":
        shape = seed_file(".shp", folder / "parts")
        with zipfile.ZipFile(path, "w") as archive:
            for part in sorted(shape.parent.glob("seed.*")):
                archive.write(part, part.name)
    else:
        table = pyarrow.table(
            {"PIN": [a for a, _, _ in rows], "SITUS": [b for _, b, _ in rows], "LAND": [c for _, _, c in rows],
             "wkb": [shapely.to_wkb(shapely.box(-119.3 + n / 99, 46.2, -119.29 + n / 99, 46.21)) for n in range(ROWS)]}
        )  # fmt: skip
        driver = SHAPES.get(kind, "OpenFileGDB")
        pyogrio.write_arrow(
            table, path, layer="seed", driver=driver, geometry_name="wkb", geometry_type="Polygon", crs="EPSG:4326"
        )
    return path


def damaged(seed: Path, folder: Path, chance: random.Random) -> Path:
    """A copy in which one to eight places are changed: bytes, cuts, repeats, and what readers stumble over.

    Of a file with parts, and of a folder, one part is changed. Inside a workbook's and a zip's packing half the time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if seed.is_dir():
        copy = folder / seed.name
        shutil.copytree(seed, copy)
        parts = sorted(copy.iterdir())
    else:
        copy = folder / seed.name
        parts = [folder / each.name for each in sorted(seed.parent.glob(f"{seed.name.split('.')[0]}.*"))]
        parts = [each for each in parts if seed.suffix == ".shp" or each == copy]
        for part in parts:
            shutil.copy(seed.parent / part.name, part)
    part = chance.choice(parts)
    if part.suffix in (".xlsx", ".zip") and chance.random() < 0.7:
        _change_member(part, chance)
    elif part.name.endswith(".gz") and chance.random() < 0.7:
        part.write_bytes(gzip.compress(changed(gzip.decompress(part.read_bytes()), chance), mtime=0))
    else:
        part.write_bytes(changed(part.read_bytes(), chance))
    return copy


def _change_member(path: Path, chance: random.Random) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    preferred = [name for name in members if "sheet1" in name or "sharedStrings" in name or "seed." in name]
    name = chance.choice(preferred or list(members))
    members[name] = changed(members[name], chance)
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in members.items():
            archive.writestr(each, data)


TOKENS = (
    b'"', b'""', b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"\x92", b"\xc3", b"\xef\xbb\xbf", b",", b"\t", b"}", b"{",
    b"[", b"]", b"null", b"NaN", b"1e999", b"-1.7976931348623157e308", b"99999999999999999999", b"<", b"</row>",
    b"<row>", b"<f>1+1</f>", b"#REF!", b"\\u0000", b"\\", b'"type":"Feature"', b"<Placemark/>", b" " * 50,
    b"\xe2\x80\xa8",
)  # fmt: skip


NUMBERS = (b"", b"0", b"-1", b"99999999", b"1e999", b"x", b"7.5", b"1234567890123456789")


def with_other_numbers(data: bytes, chance: random.Random) -> bytes:
    """Numbers changed where they stand, so that what holds them together stays whole: XML, JSON."""
    for _ in range(chance.randint(1, 4)):
        found = list(re.finditer(rb"\d+", data))
        if found:
            place = chance.choice(found)
            data = data[: place.start()] + chance.choice(NUMBERS) + data[place.end() :]
    return data


def changed(data: bytes, chance: random.Random) -> bytes:
    if data[:1] in (b"<", b"{") and chance.random() < 0.6:
        return with_other_numbers(data, chance)
    result, in_place = bytearray(data), chance.random() < 0.5  # whatever is shifted, a binary file no longer opens
    for _ in range(chance.randint(1, 8)):
        size = len(result)
        at = chance.randrange(size + 1)
        match chance.choice((0, 0, 5)) if in_place else chance.randrange(6):
            case 0:
                if at < size:
                    result[at] ^= 1 << chance.randrange(8)
            case 1:
                result[at:at] = chance.choice(TOKENS)
            case 2:
                del result[at : at + chance.randint(1, 40)]
            case 3:
                result[at:at] = result[at : at + chance.randint(1, 200)]
            case 4:
                del result[at : size if chance.random() < 0.3 else at + 4]
            case 5:
                token = chance.choice(TOKENS)
                result[at : at + len(token)] = token
    return bytes(result)


def options_of(kind: str) -> FileOptions:
    if kind == ".tsv":
        return FileOptions(delimiter="\t")
    return FileOptions(fixed_width=FIXED) if kind == ".txt" else FileOptions()


def read_whole(path: Path, kind: str, folder: Path, context: Context, tally: Tally) -> None:
    """Reads, converts, checks and stages the file as a load does, and counts it."""
    shapes = kind in (*SHAPES, ".zip", ".gdb")
    dataset = Dataset.model_validate(WITH_SHAPES if shapes else TABLE)
    try:
        source = open_file(path, options_of(kind))
        source.shape()
        columns = source.columns()
        if dataset.missing_columns(columns):
            tally.outcomes["refused: a column is missing"] += 1
            return
        staged = StagedSet.opened("main", dataset, folder)
        stage(staged, source, context, lambda rows: None)
        read = staged.state.read
        check_count(staged, source)
    except TerraFusionError as error:
        tally.outcomes["refused: by the count" if "by its own count" in str(error) else "refused: unreadable"] += 1
        return
    except Exception as error:
        tally.faults.append(f"{path}: {type(error).__name__}: {error}"[:500])
        return
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tally.outcomes["read whole" if read == ROWS else "read, other rows than before the damage"] += 1
    if staged.state.counted is None and kind != ".kml":
        tally.faults.append(f"{path}: {read} rows were read and nobody counted them")


def fuzz(kind: str, number: int, seed: int, folder: Path, context: Context) -> Tally:
    """So many damaged files of one kind; the first fault's file stays."""
    tally, good = Tally(), seed_file(kind, folder / "seed")
    for at in range(number):
        chance = random.Random(f"{kind} {seed} {at}")
        place = folder / f"{at}"
        path = damaged(good, place, chance)
        before = len(tally.faults)
        read_whole(path, kind, folder / "staged", context, tally)
        if len(tally.faults) == before:
            shutil.rmtree(place)
    return tally


if __name__ == "__main__":
    sys.exit("Run by pytest: tests/ingestion/test_damaged_files.py")
