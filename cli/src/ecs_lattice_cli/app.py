"""What a verb is given: the global options, the stack, and where to write."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ecs_lattice_cli import output

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Connect, Stack

type Render = Callable[[Any, int], list[str]]
"""A result and the width to lines of text."""


@dataclass
class App:
    """One run of the command. The fields up to ``quiet`` are the global options, by name.

    ``connect`` makes boto3 clients by service name, ``now`` is the time in epoch seconds, ``wait`` waits for so many, ``ask`` asks the
    person at the terminal, if there is one (``can_ask``); tests replace them.
    """

    stack_name: str = "ecs-lattice"
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    as_json: bool = False
    no_color: bool = False
    debug: bool = False
    quiet: bool = False
    connect: "Connect | None" = None
    now: Callable[[], float] = field(default=time.time)
    wait: Callable[[float], None] = field(default=time.sleep)
    ask: Callable[[str], str] = field(default=output.ask)
    can_ask: Callable[[], bool] = field(default=output.is_terminal)

    @cached_property
    def stack(self) -> "Stack":
        """The stack that the options name. Nothing is called before it is asked for something."""
        from ecs_lattice_cli.stack import Stack, connecting  # noqa: PLC0415  what needs no AWS does not load the SDK

        connect = self.connect or connecting(self.region, self.profile, self.endpoint_url)
        return Stack(self.stack_name, connect, self.region or "")

    def emit(self, command: str, result: Any, render: Render) -> None:
        """Print the result of ``command`` (its name): as a JSON document, or as the lines that ``render`` makes of it."""
        if self.as_json:
            for line in output.document(command, self.now(), result).splitlines():
                output.write(line)
            return
        color = output.wants_color(is_off=self.no_color)
        for line in render(result, output.width()):
            output.write(line, color=color)

    def say(self, text: str) -> None:
        """Talk, such as progress: on stderr, and not with `--quiet`."""
        if not self.quiet:
            output.talk(text)
