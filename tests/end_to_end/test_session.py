"""The session of docs/local-aws.md, pasted line by line into one shell in an empty folder."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.environment import client_variables
from tests.end_to_end.conftest import ROOT, Operator

_DONE = "--- done"


class Shell:
    """A bash that stays, with the environment that ``make local`` prints."""

    def __init__(self, operator: Operator, folder: Path) -> None:
        self.operator = operator
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, **client_variables(operator.aws.endpoint_url), "PATH": path, "HOME": str(folder)}
        self.process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def paste(self, block: str) -> str:
        """What a block of the page writes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        here = block.replace("http://127.0.0.1:4567", self.operator.aws.lattice_url)
        self.process.stdin.write(f"{here}\necho; echo '{_DONE}'\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith(_DONE):
                return "".join(lines).rstrip()
            lines.append(line)
        raise AssertionError("".join(lines))

    def until(self, block: str, words: str) -> str:
        """What it writes once it has these words, pasted again and again."""

        def written() -> str | None:
            said = self.paste(block)
            return said if words in said else None

        return str(self.operator.until(written, f"{words!r} of {block}"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def shell(operator: Operator, folder: Path) -> Iterator[Shell]:
    made = Shell(operator, folder)
    yield made
    made.process.kill()
    made.process.communicate()


def blocks() -> dict[str, str]:
    """The session's blocks, by the bold words before each; lines that only go on have none."""
    page = (ROOT / "docs" / "local-aws.md").read_text()
    session = page.partition("\n## A session\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for before, block in re.findall(r"(.*?)^```sh\n(.*?)^```$", session, flags=re.DOTALL | re.MULTILINE):
        bold = re.findall(r"\*\*(.+?)\*\*", before)
        found[bold[-1].strip(".") if bold else before.strip().partition(".")[0]] = block
    return found


def test_the_session_does_what_the_page_says_and_leaves_no_files(shell, folder):
    page = blocks()
    exports = page.pop("In a second terminal, in the root of the repository")
    for name in client_variables(""):
        assert f"{name}=" in exports, "the page exports what `make local` prints"
    create, opened, watch, call, plan, mistake, delete = page.values()

    assert shell.paste(create).splitlines()[-1].strip('"').endswith(":service/shop/orders")
    assert "Route default of Lattice service shop: Live" in shell.paste(watch)
    assert "8080" in shell.paste(opened)
    statuses = re.findall(r"^HTTP/1\.1 (\d+)", shell.paste(call), flags=re.MULTILINE)
    assert statuses == ["200", "410", "404"]

    assert [words for words, said in asked(shell).items() if words not in said] == []

    said = shell.paste(plan)
    assert "/v2/orders" in said.partition("task-definition/orders:2")[0]
    request = plan.strip().splitlines()[-1]
    shell.until(request, "HTTP/1.1 200")

    said = shell.paste(mistake)
    assert "PORT_UNKNOWN lattice.port = wbe" in said
    mail = shell.until(mistake.strip().splitlines()[-1], "REFUSED shop/orders: PORT_UNKNOWN")
    assert "To: on-call@example.com" in mail
    assert "HTTP/1.1 200" in shell.paste(request), "what is live stays live"

    shell.paste(delete)
    shell.until(delete.strip().splitlines()[-1], "[]")
    assert list(folder.iterdir()) == []


QUESTIONS = {
    "1 ECS service, 1 route: 1 Live.": "ecs-lattice status",
    "Nothing stands in the way.": "ecs-lattice explain orders",
    "Answered by rule orders-default": "ecs-lattice who /orders/1 --service shop",
    "Plan: nothing to do.": "aws ecs describe-task-definition --task-definition orders | ecs-lattice plan - --service orders",
    "- create service shop": "ecs-lattice history --since 12h",
    "Together:": "ecs-lattice cost",
}
"""The six questions of docs/questions.md, by words of their answers."""


def asked(shell: Shell) -> dict[str, str]:
    """What the command answers to each question, by the words that are expected."""
    return {words: shell.paste(line) for words, line in QUESTIONS.items()}


def test_the_page_of_mails_is_served_as_text(operator):
    with urllib.request.urlopen(f"{operator.aws.endpoint_url}/_local_aws/mail", timeout=60) as answer:
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
