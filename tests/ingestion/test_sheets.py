"""Excel workbooks: every row the sheet holds, formulas nobody calculated, numbers as they are shown."""

import re
import zipfile

import openpyxl
import pytest

from ingestion.connectors.files import open_file
from ingestion.connectors.source import UnreadableSource
from ingestion.connectors.workbooks.number_formats import digit_pattern
from ingestion.transforms.mapper import FileOptions


@pytest.fixture
def workbook(tmp_path):
    """Writes rows; `change` rewrites the sheet's XML afterwards, as another program would."""

    def write(*rows, formats=(), change=None):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        for place, number_format in formats:
            book.active[place].number_format = number_format
        book.save(tmp_path / "plain.xlsx")
        if change is None:
            return tmp_path / "plain.xlsx"
        with (
            zipfile.ZipFile(tmp_path / "plain.xlsx") as old,
            zipfile.ZipFile(tmp_path / "changed.xlsx", "w") as new,
        ):
            for name in old.namelist():
                data = old.read(name)
                new.writestr(name, change(data.decode()) if name.endswith("sheet1.xml") else data)
        return tmp_path / "changed.xlsx"

    return write


def read(path, **options):
    source = open_file(path, FileOptions(**options))
    batches = list(source.batches())
    rows = [row for batch in batches for row in batch.rows.rows(named=True)]
    return source, rows, [each for batch in batches for each in batch.broken]


@pytest.mark.parametrize("size", ["A1", "A1:B2", "A1:A100", "B2:B3", ""])
def test_a_sheet_that_lies_about_its_size_is_read_whole(workbook, size):
    path = workbook(
        ["id", "land"], *([number, number] for number in range(50)),
        change=lambda xml: re.sub(r"<dimension[^>]*>", f'<dimension ref="{size}"/>' if size else "", xml),
    )  # fmt: skip

    source, rows, _ = read(path)

    assert len(rows) == source.count() == 50
    assert rows[49]["land"] == "49"


@pytest.mark.parametrize("order", [[1, 3, 2], [1, 2, 2, 3]])
def test_rows_the_reader_passes_over_are_counted(workbook, order):
    """The numbers of the rows are out of order, so openpyxl leaves some out."""
    numbers = iter(order)
    path = workbook(
        *[[f"id {number}"] for number in range(len(order))],
        change=lambda xml: re.sub(r'<row r="\d+"', lambda _: f'<row r="{next(numbers)}"', xml),
    )

    source, rows, _ = read(path)

    assert source.count() == len(order) - 1 > len(rows)


def test_a_row_numbered_beyond_every_sheet_is_refused_at_once(workbook):
    path = workbook(["id"], ["A"], change=lambda xml: xml.replace('<row r="2"', '<row r="1234567890123"'))

    with pytest.raises(UnreadableSource, match="a sheet has 1,048,576 rows"):
        read(path)


def test_a_formula_that_was_never_calculated_is_marked_in_its_row(workbook):
    source, rows, _ = read(workbook(["id", "land"], ["A", "=1+1"], ["B", 2]))

    assert [row["land"] for row in rows] == ["#NOT CALCULATED", "2"]
    assert source.count() == 2


def test_a_formula_whose_result_is_an_empty_text_is_empty(workbook):
    formula = r'<c r="(B\d)"><f>1\+1</f><v ?/?>(</v>)?'
    path = workbook(
        ["id", "land"], ["A", "=1+1"], [None, "=1+1"],
        change=lambda xml: re.sub(formula, r'<c r="\1" t="str"><f>1+1</f><v></v>', xml),
    )  # fmt: skip

    source, rows, _ = read(path)

    assert [(row["id"], row["land"]) for row in rows] == [("A", "")]
    assert source.count() == 1


def test_values_under_no_columns_name_are_a_row_that_is_told(workbook):
    source, rows, broken = read(workbook(["id", "land"], ["A", 1], [None, None, "stray"], ["B", 2]))

    assert [row["id"] for row in rows] == ["A", "B"]
    assert [each.line for each in broken] == [3]
    assert source.count() == 3


def test_title_rows_and_empty_rows_are_no_rows(workbook):
    source, rows, _ = read(workbook(["Roll of 2026"], ["id"], ["A"], [None], [""], ["B"]), skip_lines=1)

    assert [row["id"] for row in rows] == ["A", "B"]
    assert source.count() == 2


def test_a_cell_that_is_no_number_though_it_says_so_is_refused_with_its_row(workbook):
    path = workbook(["id"], [1], [22], change=lambda xml: xml.replace("<v>22</v>", "<v>2x2</v>"))

    with pytest.raises(UnreadableSource, match="row 3 cannot be read"):
        read(path)


@pytest.mark.parametrize(
    ("number_format", "value", "shown"),
    [
        ("000-000-000", 1234007, "001-234-007"),
        (r"000\-000\-000", 101234000, "101-234-000"),
        ('"R"000000', 42, "R000042"),
        ("00000", 501, "00501"),
        ("00000-0000", 993520001, "99352-0001"),
        ("00-00-00.000", 123456.7, "12-34-56.700"),
        ("##-##", 1234, "12-34"),
        ("000", 12345, "12345"),
        ("000-000", 1234567, "1234-567"),
        ("(000) 000-0000", 5095551234, "(509) 555-1234"),
        ("General", 501, None),
        ("0", 501, None),
        ("#,##0", 501, None),
        ("0.00", 501, None),
        ('"$"#,##0.00', 501, None),
        ("0%", 1, None),
        ("yyyy-mm-dd", 45448, None),
        ("0.00E+00", 501, None),
        ("#,##0_);(#,##0)", 501, None),
        ("@", 5, None),
    ],
)
def test_an_identifiers_format_is_kept_and_a_quantitys_is_not(number_format, value, shown):
    pattern = digit_pattern(number_format)

    assert (pattern.shown(value) if pattern else None) == shown


def test_a_number_is_read_as_it_is_shown(workbook):
    formats = [("A2", "000-000"), ("B2", "#,##0"), ("A3", "000-000")]
    _, rows, _ = read(workbook(["id", "land"], [1234, 300000], [1234.5, 1], formats=formats))

    assert [(row["id"], row["land"]) for row in rows] == [("001-234", "300000"), ("1234.5", "1")]
