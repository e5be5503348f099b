"""Numbers as a spreadsheet shows them, where the format is what makes them an identifier: 1234007 as 001-234-007."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKENS = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[[^\]]*\]|(.)', re.DOTALL)
_LITERAL = set("-/ ():.'+")


@dataclass(frozen=True)
class DigitPattern:
    """pieces: literal texts, and "" for each digit. zeros: how many digits are always shown."""

    pieces: tuple[str, ...]
    zeros: int
    decimals: int = 0

    def shown(self, value: float) -> str:
        """As Excel shows it: digits from the right, what is too many before the first."""
        digits = f"{abs(value):.{self.decimals}f}".replace(".", "").zfill(self.zeros + self.decimals)
        places = sum(not each for each in self.pieces)
        first = len(digits) - places
        result, at, begun = [], max(first, 0), False
        skipped = max(-first, 0)
        for piece in self.pieces:
            if piece:
                result.append(piece if begun or not skipped else "")
            elif skipped:
                skipped -= 1
            else:
                result.append(digits[:at] + digits[at] if not begun else digits[at])
                begun, at = True, at + 1
        return ("-" if value < 0 else "") + "".join(result)


@lru_cache(maxsize=1000)
def digit_pattern(number_format: str) -> DigitPattern | None:
    """How the format writes an identifier; None for formats of quantities: amounts, percentages, dates, General.

    A format is that of an identifier when it always shows two digits or more before any decimal point, or has
    something between its digits.
    """
    section = number_format.split(";", 1)[0]
    pieces: list[str] = []
    decimals, pointed = 0, False
    for quoted, escaped, plain in _TOKENS.findall(section):
        if quoted or escaped:
            pieces.append(quoted or escaped)
        elif plain in ("0", "#", "?"):
            pieces.append("" if plain == "0" else "#")
            decimals += pointed
        elif plain == "." and not pointed and "" in pieces:
            pointed = True
            pieces.append(".")
        elif plain in _LITERAL:
            pieces.append(plain)
        elif plain:
            return None  # a letter of a date, %, E, thousands or a currency
    digits = [place for place, piece in enumerate(pieces) if piece in ("", "#")]
    if not digits:
        return None
    zeros = sum(pieces[place] == "" for place in digits) - decimals
    between = any(piece not in ("", "#", ".") for piece in pieces[digits[0] : digits[-1]])
    if zeros < 2 and not between:
        return None
    return DigitPattern(tuple("" if piece == "#" else piece for piece in pieces), zeros, decimals)
