"""Texts no typesetter expects: a report is made of them all the same."""

import pytest
from pypdf import PdfReader

from reporting.formats.document import Column, Fact, Report, Section, Table
from reporting.formats.pdf_file import write_pdf

TEXTS = ["\\u0000", "\\\\u0000", "a\x00b", "\\\x00", "\\u001f\\", '\\"\\u0000"', "\\n\\u0007", "\\\\\x01"]


@pytest.mark.parametrize("text", TEXTS)
def test_backslashes_and_zero_bytes_break_no_pdf(tmp_path, text):
    table = Table("names", "Names", [Column("name", "Name")], [[text]])
    section = Section("Heading " + text, paragraphs=[text], tables=[table])
    report = Report("x", "Title " + text, "Benton", [Fact("source", "Source", text)], {}, [section])

    assert write_pdf(report, tmp_path / "x.pdf") >= 1

    shown = "".join(page.extract_text() for page in PdfReader(tmp_path / "x.pdf").pages)
    assert shown.count(text.replace("\x00", " ").replace("\x01", " ").strip()) >= 2
