"""`ecs-lattice`: the table of verbs, whose modules are imported only when they are used, and how errors end."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any, Never

import click

from ecs_lattice_cli import errors, output
from ecs_lattice_cli.app import App
from ecs_lattice_cli.nearest import nearest
from ecs_lattice_cli.options import Verb, global_options

VERBS: dict[str, dict[str, str]] = {
    "Install": {
        "init": "Install in three questions.",
    },
    "Before a deployment, without AWS": {
        "lint": "Check the labels of task definitions.",
    },
    "Before a deployment": {
        "plan": "Say what the stack would do for an ECS service.",
    },
    "What is, and why": {
        "status": "Show ECS services and their routes.",
        "who": "Say which rule answers a request, and why the others do not.",
        "graph": "Draw what leads from clients to tasks.",
        "console": "Show the stack on a page in the browser.",
        "history": "Show what the stack changed, and because of what.",
        "explain": "Say why a route is not Live, or what a code means.",
        "doctor": "Check what the stack needs, and whether it works.",
        "cost": "Estimate what the stack and its Lattice services cost a month.",
    },
    "Operate": {
        "retry": "Reconcile an ECS service now, failed attachments included.",
        "resync": "Look for changed ECS services now.",
        "pause": "Change nothing for an ECS service until it is resumed.",
        "resume": "End the pause of an ECS service.",
        "approve-removals": "Lift the limit of removals for an hour.",
        "dead-letters": "Show dead letters, or have them processed again.",
        "uninstall": "Release every ECS service and delete every route.",
    },
}
"""Heading in the help to verbs, each with the first sentence of its help. `name-of` is in `verbs/name_of.py`."""
SUMMARIES = {name: summary for section in VERBS.values() for name, summary in section.items()}


class Verbs(click.Group):
    """A group that knows its commands by the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Verb | None:  # noqa: ARG002
        if cmd_name not in SUMMARIES:
            return None
        found = importlib.import_module(f"ecs_lattice_cli.verbs.{cmd_name.replace('-', '_')}").command
        assert isinstance(found, Verb)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in SUMMARIES and not args[0].startswith("-"):
            meant = nearest(args[0], SUMMARIES)
            told = f"did you mean {meant}?" if meant else f"there is: {', '.join(SUMMARIES)}."
            raise click.UsageError(f"There is no command {args[0]!r}; {told}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for heading, verbs in VERBS.items():
            with formatter.section(heading):
                formatter.write_dl(list(verbs.items()), col_max=max(map(len, SUMMARIES)) + 2)

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any) -> Never:  # type: ignore[override]  # it always exits
        """Run, and end the process with the verb's exit code. Never a stack trace without `--debug`."""
        arguments = list(sys.argv[1:] if args is None else args) or ["--help"]
        app = more.pop("obj", None) or App()
        more["standalone_mode"] = False
        sys.exit(_run(lambda: super(Verbs, self).main(arguments, prog_name or "ecs-lattice", obj=app, **more), app))


def _run(call: Any, app: App) -> int:
    """The exit code of ``call``; what it raises is printed as a sentence."""
    try:
        return call() or errors.GOOD
    except click.ClickException as error:
        error.show()
        return errors.USAGE
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return errors.INTERRUPTED
    except errors.CommandError as error:
        _trace(app)
        output.talk(f"Error: {error.message}")
        return error.exit_code
    except Exception as error:  # noqa: BLE001  whatever it is, the person gets a sentence
        _trace(app)
        output.talk(f"Error: unexpected {type(error).__name__}: {error}. Run it with --debug to see where.")
        return errors.UNAVAILABLE


def _trace(app: App) -> None:
    if app.debug:
        import traceback  # noqa: PLC0415  takes a seventh of the time of --help

        traceback.print_exc()


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from ecs_lattice.version import VERSION  # noqa: PLC0415

        click.echo(f"ecs-lattice {VERSION}")
        context.exit()


@click.command(
    "ecs-lattice",
    cls=Verbs,
    params=global_options(of_verb=False),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
def main() -> None:
    """Ask the ecs-lattice stack, and operate it.

    Exit codes: 0 good, 1 a problem was found, 2 changes (plan --detailed-exitcode), 64 wrong usage, 69 AWS cannot be reached or
    denies, 75 not yet.
    """
