"""`init`: install in three questions, whose answers become parameters in samconfig.toml."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from ecs_lattice_cli import output
from ecs_lattice_cli.app import App
from ecs_lattice_cli.errors import INTERRUPTED, USAGE, CommandError
from ecs_lattice_cli.install import account, samconfig, template
from ecs_lattice_cli.install.answers import Change, Situation, changes, words
from ecs_lattice_cli.install.questions import Question, questions
from ecs_lattice_cli.options import verb

_LOCAL_ENVIRONMENT, _ENVIRONMENT = "default", "dev"
_LOOPBACK = ("127.", "localhost", "::1")


@verb("init")
@click.option("--vpc", "vpcs", multiple=True, metavar="VPC", help="A VPC of clients, by name or id; or none.")
@click.option("--network", "networks", multiple=True, metavar="NETWORK", help="An existing service network.")
@click.option("--cluster", "clusters", multiple=True, metavar="CLUSTER", help="An ECS cluster; * and ? are wildcards.")
@click.option("--mail", metavar="ADDRESS", help="Who is notified of problems; or none.")
@click.option("--config-env", metavar="NAME", help="Section of samconfig.toml. [default: dev; default for a local AWS]")
@click.option("--directory", type=click.Path(path_type=Path), default=".", help="The checkout. [default: here]")
@click.option("--yes", is_flag=True, help="Do not ask: take the defaults, and write.")
def command(
    app: App,
    vpcs: tuple[str, ...],
    networks: tuple[str, ...],
    clusters: tuple[str, ...],
    mail: str | None,
    config_env: str | None,
    directory: Path,
    yes: bool,
) -> None:
    """Install in three questions.

    Which VPCs are the clients in, which ECS clusters does the stack manage, and which email address is notified? The answers become
    parameters in samconfig.toml, from which sam deploy takes them. VPCs, service networks and clusters that exist are offered. What would be
    written is shown, and nothing is overwritten before you say so.
    """
    if not yes and not app.can_ask():
        raise CommandError("There is no terminal to ask at. Write --yes, and --vpc or --network, --cluster, --mail.")
    parameters, config = template.read(directory), samconfig.read(directory)
    environment = config_env or _environment(app, config)
    config.needs(environment)
    _adopt(app, config, environment)
    about = _situation(app, parameters, config.overrides(environment))
    given = (words(",".join((*vpcs, *networks))), words(",".join(clusters)), words(mail or ""))
    wanted = _answers(app, about, given, yes=yes)
    changed = changes(wanted, about)
    is_written = _write(app, config, environment, changed, yes=yes)
    result: dict[str, Any] = {
        "file": str(config.path),
        "configEnv": environment,
        "stack": app.stack.name,
        "region": app.stack.region,
    }
    result |= {"parameters": wanted, "changed": [asdict(each) for each in changed], "isWritten": is_written}
    app.emit("init", {**result, "next": _next(app, environment, directory)}, render)


def _environment(app: App, config: samconfig.Samconfig) -> str:
    """The section of the local AWS where that is asked, else that of an account."""
    host = urlsplit(app.endpoint_url or os.environ.get("AWS_ENDPOINT_URL", "")).hostname or ""
    is_local = host.startswith(_LOOPBACK) or _ENVIRONMENT not in config.environments
    return _LOCAL_ENVIRONMENT if is_local else _ENVIRONMENT


def _adopt(app: App, config: samconfig.Samconfig, environment: str) -> None:
    """Take stack and Region from the file where no option names them."""
    stack, region = (config.value(environment, key) for key in ("stack_name", "region"))
    if stack and app.stack_name == App.stack_name:
        app.stack_name = str(stack)
    if region and not app.region:
        app.region = str(region)


def _situation(app: App, parameters: template.Template, written: Mapping[str, str]) -> Situation:
    """The account, and the stack if there is one. CommandError where another application has its name."""
    stack = app.stack
    try:
        deployed, outputs = stack.parameters, stack.outputs
    except CommandError as error:
        if error.exit_code != USAGE:
            raise
        deployed, outputs = {}, {}
    if outputs:
        stack.output("EcsServiceFunctionName")
    own_network = outputs.get("ServiceNetworkArn", "")
    return Situation(account.read(stack), stack.region, parameters, written, deployed, own_network)


def _answers(app: App, about: Situation, given: Sequence[tuple[str, ...]], *, yes: bool) -> dict[str, str]:
    """The parameters of all questions, as CloudFormation accepts them."""
    asked = zip(questions(about), given, strict=True)
    found = [_answer(app, question, answer, about, yes=yes) for question, answer in asked]
    return {name: about.template.checked(name, value) for each in found for name, value in each.items()}


def _answer(app: App, question: Question, given: tuple[str, ...], about: Situation, *, yes: bool) -> dict[str, str]:
    """The parameters of one question: by its options, by its default, or by asking until the answer is right."""
    if given:
        return question.resolve(given, about, is_numbered=False)
    if yes:
        if question.default is None:
            raise CommandError(f"There is more than one choice: write {question.options}.")
        return question.resolve(question.default, about, is_numbered=False)
    _tell(["", *question.text(output.width()), ""])
    while True:
        try:
            if answered := _asked(app, question, about):
                return answered
        except CommandError as error:
            _tell(output.wrapped(error.message, output.width()))


def _asked(app: App, question: Question, about: Situation) -> dict[str, str]:
    """The parameters of an answer; nothing if there was none and is no default. CommandError for a wrong one."""
    prompt = f"{question.prompt} [{question.shown}]:" if question.default else f"{question.prompt}:"
    written = words(app.ask(prompt))
    if written:
        return question.resolve(written, about, is_numbered=True)
    return question.resolve(question.default, about, is_numbered=False) if question.default else {}


def _tell(lines: Sequence[str]) -> None:
    """Lines on stderr, also with `--quiet`: a question cannot be answered unread."""
    output.talk("".join(f"{line}\n" for line in lines))


def _write(app: App, config: samconfig.Samconfig, environment: str, changed: list[Change], *, yes: bool) -> bool:
    """Show what would be written, ask, and write it. Whether there was anything. CommandError without consent."""
    settings = {"stack_name": app.stack.name, "region": app.stack.region}
    new = config.edited(environment, {each.name: each.after for each in changed}, settings)
    difference = config.difference(new)
    if not difference:
        return False
    if not (yes and app.quiet):
        _tell(["", *_table(changed), *difference, ""])
    if not yes and app.ask(f"Write {config.path}? [Y/n]:").casefold() not in {"", "y", "yes"}:
        raise CommandError("Nothing was written.", INTERRUPTED)
    config.write(new)
    return True


def _table(changed: list[Change]) -> list[str]:
    rows = [(each.name, each.before or "-", each.after or "-") for each in changed]
    return [*output.table(("PARAMETER", "NOW", "NEW"), rows, output.width()), ""] if rows else []


def _next(app: App, environment: str, directory: Path) -> list[str]:
    """The commands that follow, with the options that this one got."""
    deploy = ["sam", "deploy", *(["--config-env", environment] if environment != _LOCAL_ENVIRONMENT else [])]
    own = {"--stack": app.stack_name if app.stack_name != App.stack_name else None, "--region": app.region}
    shared = {"--profile": app.profile}
    folder = "" if directory == Path() else f"cd {shlex.quote(str(directory))} && "
    endpoint = f"AWS_ENDPOINT_URL={shlex.quote(app.endpoint_url)} " if app.endpoint_url else ""
    doctor = _with({**own, **shared, "--endpoint-url": app.endpoint_url})
    return [
        f"{folder}sam build && {endpoint}{shlex.join([*deploy, *_with(shared)])}",
        shlex.join(["ecs-lattice", "doctor", *doctor]),
    ]


def _with(options: Mapping[str, str | None]) -> list[str]:
    return [part for name, value in options.items() if value for part in (name, value)]


def render(result: Mapping[str, Any], columns: int) -> list[str]:
    """What was written, and the next commands."""
    deploy, doctor = result["next"]
    where = f"{output.safe(result['file'])}, section {output.safe(result['configEnv'])}"
    done = f"Wrote {where}." if result["isWritten"] else f"{where}, has all of it already: nothing was written."
    return [
        *output.wrapped(done, columns),
        "",
        "Next:",
        f"  {output.safe(deploy)}",  # to copy, so in one line
        "  label a task definition and deploy its service (docs/labels.md)",
        f"  {output.safe(doctor)}",
    ]
