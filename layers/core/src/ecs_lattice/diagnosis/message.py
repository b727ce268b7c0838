"""A message to people, in the forms that Amazon SNS takes it to them: plain text for mail, and JSON for chats.

Limits: subject 100 ASCII characters without line breaks, message 256 KiB (Amazon SNS API, Publish); custom notification
of Amazon Q Developer in chat applications: title 250, description 8000, next step 350, keyword 75 characters (its
Administrator Guide, "Custom notifications"). Other JSON would be dropped by it.
"""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ecs_lattice.diagnosis.findings import Command

WIDTH = 76
_SUBJECT, _TITLE, _DESCRIPTION, _STEP, _STEPS, _KEYWORD, _SUMMARY = 100, 250, 8000, 350, 5, 75, 250
_TEXT_BYTES, _CUT = 100_000, "\n\n(cut: the message was too long)"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a message: a heading of its own or none, sentences, and commands."""

    title: str = ""
    sentences: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What is published. ``thread`` is the same for all messages of one incident; ``facts`` are label and value.

    ``headline`` says what and since when; ``resources`` are ARNs; ``closing`` says where to look.
    """

    subject: str
    headline: str
    thread: str
    step: str
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    closing: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()

    @property
    def mail_subject(self) -> str:
        """The subject as a mail may have it; SNS refuses control characters and all beyond ASCII."""
        plain = " ".join(self.subject.split()).encode("ascii", "replace").decode()
        return cut("".join(each if each.isprintable() else "?" for each in plain), _SUBJECT)


def text(message: Message) -> str:
    """The message as plain text of at most 76 columns, commands aside: a word of a command is never broken."""
    parts = ["\n".join(_wrapped(message.headline))]
    if message.facts:
        parts.append("\n".join(_fact(label, value) for label, value in message.facts))
    parts += [_section(section) for section in message.sections]
    parts += ["\n".join(_wrapped(line)) for line in message.closing]
    whole = "\n\n".join(parts) + "\n"
    if len(whole.encode()) <= _TEXT_BYTES:
        return whole
    return whole.encode()[:_TEXT_BYTES].decode(errors="ignore") + _CUT


def chat(message: Message) -> str:
    """The message as a custom notification of Amazon Q Developer in chat applications (JSON)."""
    commands = [command for section in message.sections for command in section.commands]
    steps = [f"{_upper(command.does)}: `{command}`" for command in commands]
    return json.dumps(
        {
            "version": "1.0",
            "source": "custom",
            "id": f"{message.thread}-{message.step}",
            "content": {
                "textType": "client-markdown",
                "title": cut(message.subject, _TITLE),
                "description": cut(_markdown(message), _DESCRIPTION),
                "nextSteps": [step for step in steps if len(step) <= _STEP][:_STEPS],
                "keywords": [cut(word, _KEYWORD) for word in message.keywords if word],
            },
            "metadata": {
                "threadId": message.thread,
                "summary": cut(message.headline, _SUMMARY),
                "eventType": f"ecs-lattice {message.step}",
                "relatedResources": list(message.resources),
            },
        },
        ensure_ascii=False,
        indent=1,
    )


def cut(words: str, limit: int) -> str:
    """``words`` within ``limit`` characters, with dots where something is missing."""
    return words if len(words) <= limit else words[: limit - 3] + "..."


def moment(epoch: float) -> str:
    """A time for people: to the minute, in UTC."""
    return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def _section(section: Section) -> str:
    lines = textwrap.wrap(section.title, WIDTH, subsequent_indent="   ") if section.title else []
    for sentence in section.sentences:
        lines += _wrapped(sentence, "   ")
    for command in section.commands:
        lines += ["", f"   {_upper(command.does)}:", *(f"     {line}" for line in command.lines(WIDTH - 5))]
    return "\n".join(lines).removeprefix("\n")


def _fact(label: str, value: str) -> str:
    return "\n".join(
        textwrap.wrap(
            value,
            WIDTH,
            initial_indent=f"  {label:<13}",
            subsequent_indent=" " * 15,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def _wrapped(words: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _markdown(message: Message) -> str:
    parts = [message.headline]
    parts += ["\n".join(f"*{label}*: {value}" for label, value in message.facts)] if message.facts else []
    for section in message.sections:
        lines = [f"*{section.title}*"] if section.title else []
        lines += section.sentences
        lines += [f"{_upper(command.does)}:\n```\n{command}\n```" for command in section.commands]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, *message.closing])


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]


def listed(words: Sequence[str], limit: int) -> str:
    """Words in a row, the first ``limit`` of them."""
    more = len(words) - limit
    return ", ".join(words[:limit]) + (f" and {more} more" if more > 0 else "")
