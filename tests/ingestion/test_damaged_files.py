"""Damaged files of every kind: no traceback, no hang, no row that nobody accounts for. `make test-slow` reads 2,600."""

import sys
from datetime import date

import pytest

from ingestion.transforms.rules import Context

from .fuzzing import KINDS, ROWS, Tally, fuzz, read_whole, seed_file

CONTEXT = Context(date(2026, 7, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_before_the_damage_is_read_whole(kind, tmp_path):
    tally = Tally()

    read_whole(seed_file(kind, tmp_path), kind, tmp_path / "staged", CONTEXT, tally)

    assert (tally.outcomes, tally.faults) == ({"read whole": 1}, [])
    assert ROWS == 12


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", KINDS)
def test_a_few_damaged_files_are_read_or_refused(kind, tmp_path):
    assert fuzz(kind, 12, 1, tmp_path, CONTEXT).faults == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_damaged_files_are_read_or_refused(kind, tmp_path):
    tally = fuzz(kind, 200, 2, tmp_path, CONTEXT)

    sys.stdout.write(f"{kind}: {dict(tally.outcomes)}\n")
    assert tally.faults == []
    assert sum(tally.outcomes.values()) == 200
