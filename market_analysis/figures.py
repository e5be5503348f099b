"""How figures are rounded and worded. No Django."""

from __future__ import annotations


def rounded(value: float | None, digits: int) -> float | None:
    """The figure rounded to so many decimals; None where it is unknown."""
    return None if value is None else round(float(value), digits)


def whole_dollars(value: float | None) -> int | None:
    """Half a dollar goes to the even dollar, so that the figure is the same whichever engine gave the number."""
    return None if value is None else round(value)


def change_words(percent: float) -> str:
    """A change as in "rose 1.2 %", and never "fell 0.0 %"."""
    if round(abs(percent), 1) == 0:
        return "changed by less than 0.1 %" if percent else "did not change"
    return f"{'rose' if percent > 0 else 'fell'} {abs(percent):.1f} %"


def area_kind(column: str) -> str:
    """The kind of area a column holds, in words: "zip_code" is "ZIP code"."""
    return column.replace("_", " ").replace("zip code", "ZIP code")
