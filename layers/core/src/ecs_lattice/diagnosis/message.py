"""A message for people, in the forms in which Amazon SNS delivers it: plain text for mail, JSON for chats.

Limits: subject 100 ASCII characters without line breaks, message 256 KiB (Amazon SNS API, Publish); custom notification
of Amazon Q Developer in chat applications: title 250, description 8000, next step 350, keyword 75 characters (its
Administrator Guide, "Custom notifications"). It drops any other JSON.
"""

import json
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

from ecs_lattice.diagnosis.chat_text import escaped, escaped_code, printable
from ecs_lattice.diagnosis.findings import Command

WIDTH = 76
_SUBJECT, _TITLE, _DESCRIPTION, _STEP, _STEPS, _KEYWORD, _SUMMARY = 100, 250, 8000, 350, 5, 75, 250
_TEXT_BYTES, _CUT = 100_000, "\n\n(cut: the message was too long)"

_IS_PRINTABLE = attrgetter("is_printable")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a message: a heading or none, sentences, and commands."""

    title: str = ""
    sentences: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What is published. ``thread`` is the same for all messages of one incident; ``facts`` are label and value.

    ``headline`` says what and since when; ``resources`` are ARNs; ``closing`` says where to look and what comes next.
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
        """The subject for mail; SNS rejects control characters and everything beyond ASCII."""
        plain = " ".join(self.subject.split()).encode("ascii", "replace").decode()
        return cut(printable(plain), _SUBJECT)


def text(message: Message) -> str:
    """The message as plain text of at most 76 columns, except for commands, whose words are never broken. A character that
    is not printed, which could hide or reorder what is, becomes a question mark."""
    parts = [_wrapped(message.headline)]
    if message.facts:
        parts.append("\n".join(_wrapped(value, f"  {label:<13}", " " * 15) for label, value in message.facts))
    parts += [_section(section) for section in message.sections]
    parts += [_wrapped(line) for line in message.closing]
    whole = printable("\n\n".join(parts) + "\n")
    if len(whole.encode()) <= _TEXT_BYTES:
        return whole
    return whole.encode()[:_TEXT_BYTES].decode(errors="ignore") + _CUT


def chat(message: Message) -> str:
    """The message as a custom notification of Amazon Q Developer in chat applications (JSON)."""
    return json.dumps(
        {
            "version": "1.0",
            "source": "custom",
            "id": f"{message.thread}-{message.step}",
            "content": {
                "textType": "client-markdown",
                "title": cut(escaped(message.subject), _TITLE),
                "description": cut(_markdown(message), _DESCRIPTION),
                "nextSteps": [step for step in _steps(message) if len(step) <= _STEP][:_STEPS],
                "keywords": [cut(word, _KEYWORD) for word in map(escaped, message.keywords) if word],
            },
            "metadata": {
                "threadId": message.thread,
                "summary": cut(escaped(message.headline), _SUMMARY),
                "eventType": f"ecs-lattice {message.step}",
                "relatedResources": [escaped(resource) for resource in message.resources],
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
    lines = [_wrapped(section.title, "", "   ")] if section.title else []
    lines += [_wrapped(sentence, "   ", "   ") for sentence in section.sentences if sentence]
    for command in filter(_IS_PRINTABLE, section.commands):
        lines += ["", f"   {command.purpose}:", *(f"     {line}" for line in command.lines(WIDTH - 5))]
    return "\n".join(lines).removeprefix("\n")


def _wrapped(words: str, first: str = "", indent: str = "") -> str:
    lines = textwrap.wrap(
        words, WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def _steps(message: Message) -> list[str]:
    commands = [command for section in message.sections for command in filter(_IS_PRINTABLE, section.commands)]
    codes = [(command.purpose, escaped_code(str(command))) for command in commands]
    return [f"{escaped(purpose)}: `{code}`" for purpose, code in codes if code]


def _markdown(message: Message) -> str:
    """The description: bold labels and titles, fenced commands, and everything else as text."""
    parts = [escaped(message.headline)]
    if message.facts:
        parts.append("\n".join(f"*{escaped(label)}*: {escaped(value)}" for label, value in message.facts))
    for section in message.sections:
        lines = [f"*{escaped(section.title)}*"] if section.title else []
        lines += map(escaped, filter(None, section.sentences))
        lines += map(_fenced, filter(_IS_PRINTABLE, section.commands))
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, *map(escaped, message.closing)])


def _fenced(command: Command) -> str:
    code = escaped_code(str(command))
    fenced = f"\n```\n{code}\n```" if code else " the mail has the command, which a chat would show as something else."
    return f"{escaped(command.purpose)}:{fenced}"
