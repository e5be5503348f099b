"""The known name that was probably meant by an unknown one."""

from collections.abc import Iterable
from difflib import get_close_matches


def near_name(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, upper and lower case aside; None when none is like it."""
    by_lower = {known_name.lower(): known_name for known_name in known}
    matches = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: ` (did you mean "hood_cd"?)`, or nothing."""
    near = near_name(name, known)
    return f' (did you mean "{near}"?)' if near and near != name else ""
