"""Bytes that are no UTF-8: told apart row by row, so that one row written by another program spoils no other.

A byte the file's encoding does not know becomes a lone surrogate (PEP 383) until its row is known; then it is read as
Windows-1252, the encoding such bytes nearly always come from, and told.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from .source import Told, UnreadableSource

FOREIGN = "surrogateescape"
CHUNK = 1 << 20  # bytes
_FOREIGN_BYTES = re.compile("[\udc80-\udcff]")


def has_foreign_bytes(text: str) -> bool:
    return not text.isascii() and _FOREIGN_BYTES.search(text) is not None


def in_windows_1252(text: str, line: int, column: str, told: list[Told]) -> str:
    """The text with its foreign bytes read as Windows-1252; `told` gets a line when there were any."""
    found = _FOREIGN_BYTES.findall(text)
    if not found:
        return text
    mended = _FOREIGN_BYTES.sub(lambda each: _character(ord(each.group()) - 0xDC00), text)
    bytes_found = ", ".join(dict.fromkeys(f"0x{ord(each) - 0xDC00:02X}" for each in found))
    reason = f"holds {bytes_found}, not of the file's encoding; read as Windows-1252"
    told.append(Told(line, column, mended.strip()[:200], reason))
    return mended


def _character(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}"  # five bytes mean nothing in Windows-1252 either


def utf8_characters(stream: BinaryIO, name: str) -> tuple[int, int]:
    """Characters beyond ASCII that are UTF-8, and bytes that are not.

    Raises UnreadableSource for UTF-16.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(FOREIGN)
    good = bad = 0
    chunk = stream.read(CHUNK)
    if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableSource(f"{name} is in UTF-16; save it as UTF-8.")
    while True:
        text = decoder.decode(chunk, final=not chunk)
        if not text.isascii():
            foreign = len(_FOREIGN_BYTES.findall(text))
            good += len(text) - len(text.encode("ascii", "ignore")) - foreign
            bad += foreign
        if not chunk:
            return good, bad
        chunk = stream.read(CHUNK)
