"""The global options. They stand before or after the verb; after it they win, and both win over the environment."""

from collections.abc import Callable
from typing import Any

import click

from ecs_lattice_cli.app import App

_OPTIONS: tuple[tuple[tuple[str, ...], str, dict[str, Any]], ...] = (
    (("--stack", "stack_name"), "STACK", {"metavar": "NAME", "help": "Name of the stack. [default: ecs-lattice]"}),
    (("--region",), "REGION", {"metavar": "REGION", "help": "Region of the stack."}),
    (("--profile",), "PROFILE", {"metavar": "NAME", "help": "Profile of the AWS configuration."}),
    (("--endpoint-url",), "ENDPOINT_URL", {"metavar": "URL", "help": "Endpoint of AWS, such as that of a local one."}),
    (("--json", "as_json"), "JSON", {"is_flag": True, "help": "Print one JSON document."}),
    (("--no-color",), "NO_COLOR", {"is_flag": True, "help": "Print no colors."}),
    (("--debug",), "DEBUG", {"is_flag": True, "help": "Print the stack trace of an error."}),
    (("-q", "--quiet"), "QUIET", {"is_flag": True, "help": "Print results and errors only."}),
)

_EPILOG = "The options of ecs-lattice itself (ecs-lattice --help), such as --json and --stack, may stand here, too."


def global_options(*, of_verb: bool) -> list[click.Parameter]:
    """The options, each of which sets the field of its name. Those of a verb are hidden in its help and do not read the
    environment: there the group's have read it."""
    return [_option(*option, of_verb=of_verb) for option in _OPTIONS]


def _option(names: tuple[str, ...], variable: str, more: dict[str, Any], *, of_verb: bool) -> click.Option:
    return click.Option(
        names,
        envvar=None if of_verb else f"ECS_LATTICE_{variable}",
        show_envvar=True,
        hidden=of_verb,
        default=None,
        expose_value=False,
        is_eager=True,
        callback=_store,
        **more,
    )


def _store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None and parameter.name:
        setattr(context.find_object(App), parameter.name, value)


class Verb(click.Command):
    """A command that takes the global options, too."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **{"epilog": _EPILOG, **more})
        self.params += global_options(of_verb=True)


def verb(name: str) -> Callable[[Callable[..., int | None]], Verb]:
    """Decorate the function of a verb. It gets the :class:`App` and its own parameters and returns the exit code (None: 0)."""

    def decorate(function: Callable[..., int | None]) -> Verb:
        return click.command(name, cls=Verb)(click.pass_obj(function))

    return decorate


__all__ = ["Verb", "global_options", "verb"]
