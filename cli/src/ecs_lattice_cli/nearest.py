"""The nearest name for one that does not exist."""

import difflib
from collections.abc import Iterable

_NEAR = 0.6
"""difflib's ratio that tells typing errors from other words."""


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``wrong`` was probably meant to be, compared without case; None if none is near."""
    by_folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    found = difflib.get_close_matches(wrong.casefold(), by_folded, n=1, cutoff=_NEAR)
    return by_folded[found[0]] if found else None


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """``did you mean x?``, or what there is; empty if there is nothing."""
    names = sorted(set(known))
    if near := nearest(wrong, names):
        return f"did you mean {near}?"
    return f"there is: {', '.join(names)}." if names else ""
