"""Bytes that are not in a file's encoding, handled row by row: one row of another program spoils no other row.

Such a byte is read as a lone surrogate (PEP 383). When its row is known, it is read as Windows-1252, the encoding such
bytes nearly always come from, and the row gets a note.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from ..source import Note, UnreadableSource

FOREIGN = "surrogateescape"
CHUNK = 1 << 20  # bytes
_FOREIGN_BYTES = re.compile("[\udc80-\udcff]")


def has_foreign_bytes(text: str) -> bool:
    return not text.isascii() and _FOREIGN_BYTES.search(text) is not None


def in_windows_1252(text: str, line: int, column: str, notes: list[Note]) -> str:
    """The text with its foreign bytes read as Windows-1252. If it has any, a note is added to `notes`."""
    surrogates = _FOREIGN_BYTES.findall(text)
    if not surrogates:
        return text
    mended = _FOREIGN_BYTES.sub(lambda match: _character(ord(match.group()) - 0xDC00), text)
    foreign = ", ".join(dict.fromkeys(f"0x{ord(surrogate) - 0xDC00:02X}" for surrogate in surrogates))
    reason = f"holds {foreign}, not of the file's encoding; read as Windows-1252"
    notes.append(Note(line, column, mended.strip()[:200], reason))
    return mended


def _character(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return "\N{REPLACEMENT CHARACTER}"  # five bytes have no meaning in Windows-1252 either


def utf8_characters(stream: BinaryIO, name: str) -> tuple[int, int]:
    """The number of characters beyond ASCII that are UTF-8, and the number of bytes that are not.

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
