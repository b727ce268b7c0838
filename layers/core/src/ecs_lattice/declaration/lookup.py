"""From what was written to a key: the one that is meant exactly, or the nearest."""

import difflib
from collections.abc import Iterable

from ecs_lattice.declaration.keys import BY_NAME, KEYS, Key


def find(name: str) -> tuple[Key, str] | None:
    """The key called ``name`` (in lower case, without prefix and route) and its argument, the header's name or ''."""
    if name in BY_NAME and not BY_NAME[name].takes_argument:
        return BY_NAME[name], ""
    family, _, argument = name.partition(".")
    key = BY_NAME.get(f"{family}.<name>")
    return (key, argument) if key is not None and argument else None


def nearest(name: str) -> str | None:
    """The known key that ``name`` was probably meant to be; None when none is near."""
    family, _, argument = name.partition(".")
    like = _closest(family, {key.name.partition(".")[0] for key in KEYS if key.takes_argument}, _VERY_NEAR)
    if like is not None:
        return f"{like}.{argument or '<name>'}"
    plain = [key.name for key in KEYS if not key.takes_argument]
    candidates = {one.rpartition(".")[2]: one for one in reversed(plain)}  # interval: health.interval
    candidates |= {one.partition(".")[0]: one for one in reversed(plain)}  # path: path.prefix
    candidates |= {one: one for one in plain}
    close = _closest(name, candidates, _NEAR)
    return None if close is None else candidates[close]


def is_like_routes(family: str) -> bool:
    """Whether ``family`` was probably meant to be ``routes``."""
    return _closest(family, {"routes"}, _VERY_NEAR) is not None


_NEAR, _VERY_NEAR = 0.6, 0.8
"""Ratios of difflib, seen to tell slips of the hand from other words."""


def _closest(name: str, candidates: Iterable[str], cutoff: float) -> str | None:
    return next(iter(difflib.get_close_matches(name, sorted(candidates), n=1, cutoff=cutoff)), None)
