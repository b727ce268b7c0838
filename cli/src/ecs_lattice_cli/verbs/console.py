"""`console`: the stack as one read-only page on loopback, which keeps itself up to date."""

from collections.abc import Mapping
from typing import Any

import click

from ecs_lattice_cli.app import App
from ecs_lattice_cli.console.answers import Answers
from ecs_lattice_cli.console.server import LOOPBACK, Server
from ecs_lattice_cli.durations import seconds
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.options import verb

_EVERY_SECONDS = 5.0


@verb("console")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback. [default: one that is free]")
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="How far back the history goes.")
def command(app: App, port: int, since: str) -> None:
    """Show the stack on a page in the browser.

    It prints the address of a read-only page on loopback, which shows routes, the picture, history and messages and keeps itself
    up to date until Ctrl-C. The address has a token of this run, without which nothing is answered.
    """
    app.stack.output("QueryFunctionName")
    server = _server(Answers(app, _EVERY_SECONDS, seconds(since)), port)
    with server:
        app.emit("console", {"url": server.url}, render)
        app.say("It reads, and changes nothing. Ctrl-C ends it.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            app.say("Ended.")


def _server(answers: Answers, port: int) -> Server:
    try:
        return Server(answers, port)
    except OSError as error:
        raise CommandError(
            f"Port {port} of {LOOPBACK} cannot be used: {error.strerror}. Write another --port."
        ) from error


def render(result: Mapping[str, Any], columns: int) -> list[str]:  # noqa: ARG001
    """The address."""
    return [result["url"]]
