"""How long anything may be that this application tells or stores. Whoever writes labels decides how long they are, never
how much of the log, of the registry or of a message they take.

A length is that of the text in JSON, in which the log, the registry, events and chats carry it: a character that JSON
escapes counts as its escape sequence. Pure.
"""

import json
from typing import Any

MOST_PROBLEMS = 20
"""The problems of one ECS service that are told; the rest is counted."""
VALUE, PLACE, MESSAGE, COMMAND = 200, 300, 1000, 4000
"""Lengths of a key or value as written, of where it was written, of a sentence about it, and of a command."""
PROBLEMS = 24_000
"""The length of all problems of one ECS service together."""
LOG_LINE, ITEM = 16_000, 100_000
"""Bytes of a line of the log, and of an item of the registry (DynamoDB accepts 400 KB)."""

_SHORTEST, _FIRST_ITEMS = 50, 20
_LONGEST_ESCAPE = 12  # \\ud83d\\ude00 is one character


def length(text: str) -> int:
    """The length of ``text`` in JSON; what JSON writes is ASCII, so it is also its number of bytes."""
    return len(json.dumps(text)) - 2


def cut(text: str, limit: int) -> str:
    """``text`` within ``limit``, saying how long it was where something is missing. What was cut stays as it is."""
    if len(text) <= limit and length(text) <= limit:
        return text
    note = f"... ({len(text):,} characters)"
    head, room = text[: max(limit - len(note), 0)], limit - len(note)
    while head and length(head) > room:
        head = head[: min(len(head) - 1, len(head) * room // length(head))]
    return head + note


def cut_fields(value: object, /, **limits: int) -> None:
    """Cut fields of ``value``, a frozen dataclass that is being made, so that it is within its bounds wherever it goes."""
    for name, limit in limits.items():
        text = getattr(value, name)
        if len(text) * _LONGEST_ESCAPE > limit and (within := cut(text, limit)) != text:
            object.__setattr__(value, name, within)


def listed(words: list[str] | tuple[str, ...], most: int = _FIRST_ITEMS) -> str:
    """The first ``most`` of ``words``, and how many more there are."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more:,} more" if more > 0 else "")


def shortened(data: Any, limit: int) -> Any:
    """JSON ``data`` whose text has at most ``limit`` bytes: long texts are cut and long lists shortened, as little as needed."""
    longest = limit // 2
    while len(json.dumps(data, default=str)) > limit and longest >= _SHORTEST:
        data, longest = _with_texts(data, longest), longest // 2
    return data


def _with_texts(data: Any, longest: int) -> Any:
    if isinstance(data, str):
        return cut(data, longest)
    if isinstance(data, dict):
        return {name: _with_texts(value, longest) for name, value in data.items()}
    if isinstance(data, list | tuple):
        shown = [_with_texts(item, longest) for item in data[:_FIRST_ITEMS]]
        return [*shown, f"and {len(data) - _FIRST_ITEMS:,} more"] if len(data) > _FIRST_ITEMS else shown
    return data if data is None or isinstance(data, bool | int | float) else cut(str(data), longest)
