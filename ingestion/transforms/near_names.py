"""The name that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def near_name(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, whatever the case; None when nothing is like it."""
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean "hood_cd"?)`, or nothing."""
    near = near_name(name, known)
    return f' (did you mean "{near}"?)' if near and near != name else ""
