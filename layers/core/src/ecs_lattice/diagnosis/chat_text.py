"""Text as it is, in a chat whose client reads Markdown (``client-markdown`` of Amazon Q Developer in chat applications): what a
label, a reason or a name contains stays text, and is no mention, no link and no code.

Slack reads ``<!channel>``, ``<@user>`` and ``<url|text>``, and turns addresses into links (Slack API, "Formatting text for app
surfaces", which escapes ``&``, ``<`` and ``>``); Microsoft Teams reads ``[text](url)``. Pure.
"""

import re

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_BREAK = "\u200b"  # a space without width: nothing is seen of it, and what it parts is not recognized
_MARKS = re.compile(r"(?<=[@#])(?=\w)|(?<=\])(?=\()|(?<=:)(?=//)|(?<=\bwww)(?=\.)|(?<=\bmailto)(?=:)", re.IGNORECASE)


def escaped(text: str) -> str:
    """``text`` for a chat. Line breaks become spaces, so that nothing begins a line of its own."""
    plain = printable(" ".join(text.split())).replace("`", "'")
    return _MARKS.sub(_BREAK, plain).translate(_ENTITIES)


def escaped_code(text: str) -> str:
    """``text`` within a code span or a fence of a chat; empty where it would end it."""
    return "" if "`" in text else text.translate(_ENTITIES)


def printable(text: str) -> str:
    """``text`` with question marks for characters that are not printed, such as those that change the direction of writing."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)
