"""An account of the local AWS in this process, a checkout in a folder of its own, and a person who answers questions."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import click
from moto.cloudformation.parsing import ResourceMap
from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig

from ecs_lattice_cli.app import App
from local_aws import inprocess
from local_aws.stack import changes, transform
from tests.cli.conftest import Result, invoked
from tests.world import ROOT

FILES = ("template.yaml", "samconfig.toml")


@dataclass
class Person:
    """Answers prompts on stderr in turn, as a terminal shows it; without a further answer, the input has ended."""

    answers: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)

    def ask(self, prompt: str) -> str:
        self.prompts.append(prompt)
        answer = self.answers.pop(0) if self.answers else None
        click.echo(f"{prompt} {answer or ''}".rstrip(" "), err=True)
        if answer is None:
            raise click.Abort
        return answer


@dataclass
class Installer:
    """`init` in a checkout, with clients of ``connect``."""

    folder: Path
    connect: Callable[[str], Any] = boto3.client

    @property
    def config(self) -> Path:
        return self.folder / "samconfig.toml"

    def run(self, *options: str, answers: Iterable[str] | None = None, **environment: str) -> Result:
        """Without ``answers`` there is no terminal."""
        person = Person(list(answers or ()))
        app = App(connect=self.connect, ask=person.ask, can_ask=lambda: answers is not None)
        return invoked(app, "init", "--directory", str(self.folder), *options, **environment)

    def parameters(self, environment: str = "dev") -> dict[str, str]:
        """The parameters that `sam deploy` would pass, read by the SAM CLI itself."""
        read = SamConfig(str(self.folder)).get_all(["deploy"], "parameters", env=environment)
        return CfnParameterOverridesType().convert(read.get("parameter_overrides"), None, None)


def checkout(folder: Path) -> Path:
    """The files of this repository that an installation uses."""
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def refused(parameters: Mapping[str, str]) -> str:
    """Why the local CloudFormation does not accept the parameters for the template; empty: it does."""
    try:
        transform.all_parameters(_template(), parameters)
    except transform.TemplateError as error:
        return str(error)
    return ""


def resources(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The resources of the template whose conditions hold with these parameters, by name, with everything resolved that they set."""
    values, stack = (
        transform.all_parameters(_template(), parameters),
        "arn:aws:cloudformation:us-east-1:123456789012:stack/ecs-lattice/0",
    )
    resource_map = ResourceMap(stack, "ecs-lattice", values, {}, "us-east-1", "123456789012", _template(), {})
    resource_map.load_mapping()
    resource_map.load_parameters()
    resource_map.load_conditions()
    return changes.resolved(resource_map)


def _template() -> dict[str, Any]:
    return transform.parse((ROOT / "template.yaml").read_text())


@contextmanager
def empty() -> Iterator[inprocess.Machine]:
    """An account with its default VPC and nothing else."""
    with inprocess.started() as machine:
        yield machine


__all__ = ["FILES", "Installer", "Person", "checkout", "empty", "refused", "resources"]
