"""Numbers as a spreadsheet shows them, where the number format makes them identifiers: 1234007 as 001-234-007."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKENS = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[[^\]]*\]|(.)', re.DOTALL)
_LITERAL = set("-/ ():.'+")


@dataclass(frozen=True)
class DigitPattern:
    """A number format. pieces: literal texts, and "" for each digit. zeros: the number of digits always shown."""

    pieces: tuple[str, ...]
    zeros: int
    decimals: int = 0

    def shown(self, value: float) -> str:
        """The value as Excel shows it. Digits are filled in from the right; surplus ones stand before the first."""
        digits = f"{abs(value):.{self.decimals}f}".replace(".", "").zfill(self.zeros + self.decimals)
        places = sum(not piece for piece in self.pieces)
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
    """The pattern of a format for identifiers; None for a format of quantities: amounts, percentages, dates, General.

    A format is one for identifiers when it always shows at least two digits before the decimal point, or has literal
    text between its digits.
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
            return None  # part of a format for dates, percentages, exponents, thousands or a currency
    digits = [place for place, piece in enumerate(pieces) if piece in ("", "#")]
    if not digits:
        return None
    zeros = sum(pieces[place] == "" for place in digits) - decimals
    between = any(piece not in ("", "#", ".") for piece in pieces[digits[0] : digits[-1]])
    if zeros < 2 and not between:
        return None
    return DigitPattern(tuple("" if piece == "#" else piece for piece in pieces), zeros, decimals)
