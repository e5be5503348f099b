"""Protocol buffers for many records at once: arrays of numbers become one buffer and the place of each record in it."""

from __future__ import annotations

import struct

import numpy as np

_LONGER_FROM = np.array([1 << 7, 1 << 14, 1 << 21, 1 << 28], dtype=np.uint32)  # from each on, one byte more is needed


def zigzag(numbers: np.ndarray) -> np.ndarray:
    """Signed 32-bit numbers as unsigned ones. Numbers near zero stay small."""
    numbers = numbers.astype(np.int64)
    return ((numbers << 1) ^ (numbers >> 63)).astype(np.uint32)


def varints(numbers: np.ndarray, starts: np.ndarray) -> tuple[bytes, np.ndarray]:
    """The numbers (uint32) written one after another.

    Also gives the byte at which each number listed in `starts` begins, with the length of the whole appended.
    """
    numbers = numbers.astype(np.uint32)
    lengths = 1 + np.searchsorted(_LONGER_FROM, numbers, side="right")
    ends = np.cumsum(lengths)
    places = ends - lengths
    buffer = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    for byte in range(5):
        longer = lengths > byte
        more = np.where(lengths[longer] > byte + 1, 0x80, 0).astype(np.uint8)
        buffer[places[longer] + byte] = ((numbers[longer] >> np.uint32(7 * byte)) & 0x7F).astype(np.uint8) | more
    bounds = np.append(places, len(buffer))
    return buffer.tobytes(), np.append(bounds[starts], len(buffer))


def varint(number: int) -> bytes:
    """One number of up to 64 bits."""
    written = bytearray()
    while number > 0x7F:
        written.append((number & 0x7F) | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, text or an inner message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def value(content: object) -> bytes:
    """A `Value` message of a vector tile."""
    if isinstance(content, bool):
        return b"\x38" + varint(int(content))
    if isinstance(content, int):
        return b"\x20" + varint(content) if content >= 0 else b"\x30" + varint((-content << 1) - 1)
    if isinstance(content, float):
        return b"\x19" + struct.pack("<d", content)
    return field(1, str(content).encode())
