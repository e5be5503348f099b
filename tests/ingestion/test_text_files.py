"""Text files as the readers see them: quoting, encodings, short lines, and the count that no reader can shorten."""

import pytest

from ingestion.connectors.files import open_file
from ingestion.transforms.mapper import FileOptions

HEADER = "PIN\tSITUS\tLAND\tTOTAL\n"


@pytest.fixture
def read(tmp_path):
    """Reads the whole file: rows, broken rows and notes. The source's own count must be the sum of all rows."""

    def whole(content, name="roll.tsv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        source = open_file(path, FileOptions(**({"delimiter": "\t"} | options)))
        batches = list(source.batches())
        rows = [row for batch in batches for row in batch.rows.rows(named=True)]
        broken = [each for batch in batches for each in batch.broken]
        notes = [note for batch in batches for note in batch.notes]
        assert source.count() == len(rows) + len(broken)
        return rows, broken, notes

    return whole


def lines(first, last):
    return "".join(f"{number:05}\t{number} OAK\t{number}\t{number}\n" for number in range(first, last))


def test_a_quote_mark_that_begins_a_value_swallows_no_lines(read):
    opens, closes = '90001\t"12 INCH MAIN\t1\t1\n', '90002\tTHE "OAKS"\t2\t2\n90003\tEND"\t3\t3\n'

    rows, broken, notes = read(HEADER + lines(0, 20) + opens + lines(20, 60) + closes)

    assert (len(rows), broken) == (63, [])
    assert rows[20]["SITUS"] == '"12 INCH MAIN'
    assert [note.line for note in notes] == [22]
    assert "a quote opens" in notes[0].reason


def test_a_value_that_goes_on_after_its_quotes_is_kept_as_written(read):
    rows, _, notes = read(HEADER + '1\t"A" STREET\t1\t1\n2\tB\t2\t2\n')

    assert [row["SITUS"] for row in rows] == ['"A" STREET', "B"]
    assert [note.line for note in notes] == [2]


def test_the_mapping_says_that_a_file_has_no_quoting(read):
    rows, broken, notes = read(HEADER + '1\t"A" ST\t1\t1\n2\t"B"\t2\t2\n3\t"C\t3\t3\n', quoting="none")

    assert [row["SITUS"] for row in rows] == ['"A" ST', '"B"', '"C']
    assert (broken, notes) == ([], [])


def test_the_mapping_says_that_values_are_quoted_and_a_quote_that_never_closes_costs_its_own_row(read):
    rows, broken, _ = read(HEADER + lines(0, 5) + '6\t"A\t1\t1\n' + lines(7, 9), quoting="double")

    assert len(rows) == 7
    assert [(each.line, each.reason) for each in broken] == [(7, "a quote opens and is not closed")]


def test_a_declared_quote_over_rows_of_the_file_is_believed_and_told(read):
    rows, _, notes = read(HEADER + '1\t"A\t1\t1\n' + lines(2, 5) + '6\tB"\t1\t1\n', quoting="double")

    assert [row["PIN"] for row in rows] == ["1"]
    assert "closes 4 lines below, over what look like rows" in notes[0].reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_quoted_text_of_several_lines_is_one_value(read, end):
    text = f'id,owner,note{end}1,"Smith{end}and ""Sons""",x{end}2,Ann,"a{end},b,{end}c"{end}{end},,{end}'

    rows, broken, notes = read(text, "owners.csv", delimiter=",")

    assert [row["id"] for row in rows] == ["1", "2"]
    assert rows[0]["owner"] == f'Smith{end}and "Sons"'
    assert rows[1]["note"] == f"a{end},b,{end}c"
    assert (broken, notes) == ([], [])


def test_two_columns_and_a_name_with_a_comma_on_the_second_line_are_one_value(read):
    rows, _, _ = read('id,owner\n5,"Smith\nJones, Al"\n', "owners.csv", delimiter=",")

    assert rows[0]["owner"] == "Smith\nJones, Al"


def test_a_quote_is_looked_for_over_the_border_of_two_blocks(read, monkeypatch):
    from ingestion.connectors.texts import text_counts, text_files

    monkeypatch.setattr(text_files, "BLOCK", 200)
    monkeypatch.setattr(text_files, "CHUNK", 64)
    monkeypatch.setattr(text_counts, "CHUNK", 128)
    body = "".join(f'{n},"a{n}\nb",c\n' if n % 3 else f'{n},"a{n},b\n' for n in range(300))

    rows, broken, _ = read("id,x,y\n" + body, "x.csv", delimiter=",")

    assert (len(rows), len(broken)) == (300, 0)
    assert [int(row["id"]) for row in rows] == list(range(300))


def test_one_byte_of_windows_1252_in_a_utf_8_file_is_told_and_spoils_no_other_row(read):
    text = HEADER.encode() + "1\tPEÑA\t1\t1\n".encode() * 3 + b"2\tO\x92BRIEN\t2\t2\n" + b"3\tA\t3\t3\n"

    rows, _, notes = read(text)

    assert [row["SITUS"] for row in rows] == ["PEÑA"] * 3 + ["O\u2019BRIEN", "A"]
    assert [(note.line, note.column) for note in notes] == [(5, "SITUS")]
    assert "0x92" in notes[0].reason


def test_a_foreign_byte_in_the_header_is_read_as_windows_1252(read):
    rows, _, _ = read("PIN\tPEÑA\t".encode() + b"O\x92B\n1\t2\t3\n")

    assert rows[0]["O\u2019B"] == "3"


def test_a_file_of_windows_1252_has_its_apostrophes(read):
    rows, _, notes = read(HEADER.encode() + b"1\tO\x92BRIEN CA\xd1ON\t1\t1\n" * 3)

    assert {row["SITUS"] for row in rows} == {"O\u2019BRIEN CAÑON"}
    assert notes == []


def test_a_byte_that_a_declared_encoding_does_not_know_is_told(read):
    rows, _, notes = read(HEADER.encode() + b"1\tA\x81B\t1\t1\n", encoding="cp1252")

    assert rows[0]["SITUS"] == "A\ufffdB"
    assert [note.line for note in notes] == [2]


FIXED = {"id": (1, 4), "land": (5, 10), "note": (11, 20)}


def test_a_fixed_width_line_may_end_before_its_last_column(read):
    rows, broken, _ = read("0001000100abc\n0002000200\n00030003\n", "roll.txt", fixed_width=FIXED)

    assert [(row["id"], row["land"], row["note"]) for row in rows] == [
        ("0001", "000100", "abc"),
        ("0002", "000200", ""),
    ]
    assert [(each.line, each.reason) for each in broken] == [(3, "has 8 characters; at least 10 are needed")]


def test_short_lines_are_blank_where_the_mapping_says_so(read):
    rows, broken, _ = read("0001\n\n", "roll.txt", fixed_width=FIXED, short_lines="blank")

    assert rows[0]["land"] == ""
    assert broken == []


def test_a_column_nobody_reads_may_stand_twice(read):
    rows, _, _ = read("id,x,x,\n1,a,b,\n", "x.csv", delimiter=",")

    assert [(row["id"], row["x (1)"], row["x (2)"]) for row in rows] == [("1", "a", "b")]


def test_blank_lines_of_every_kind_are_no_rows(read):
    rows, broken, _ = read('a,b\n1,2\n\n , \n"",""\n\u00a0,\n,\n3,4\n', "x.csv", delimiter=",")

    assert [row["a"] for row in rows] == ["1", "3"]
    assert broken == []
