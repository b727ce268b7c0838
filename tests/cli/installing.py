"""An account of the local AWS in this process, a checkout in a folder of its own, and a person who answers questions."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import click
from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig
from samtranslator.yaml_helper import yaml_parse

from ecs_lattice_cli.app import App
from local_aws import inprocess
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


def template_parameters() -> dict[str, Any]:
    return yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]


@contextmanager
def empty() -> Iterator[inprocess.Machine]:
    """An account with its default VPC and nothing else."""
    with inprocess.started() as machine:
        yield machine


__all__ = ["FILES", "Installer", "Person", "checkout", "empty", "template_parameters"]
