"""The six questions of docs/questions.md, asked one after the other, and the page shows what is printed."""

import json
import re
import shlex

import pytest

from tests.histories.labels import LABELS
from tests.world import ROOT, open_group

PAGE = ROOT / "docs" / "questions.md"
_CHANGES = (
    (re.compile(r"\b(tg|vpc|sg|sn|svc|sgr|subnet)-[0-9a-f]{8,}"), r"\1-ID"),
    (re.compile(r"\b172\.31\.\d+\.\d+\b"), "ADDRESS"),
    (re.compile(r"\becs-svc/\d+"), "ecs-svc/ID"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "TIME"),
)


def sessions():
    """The page's blocks: each command line with what it prints."""
    found = re.findall(r"^```console\n\$ (.+?)\n(.*?)^```$", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    return {line: plain(printed) for line, printed in found}


@pytest.fixture
def hooked_up(stack, tmp_path, monkeypatch):
    """``orders`` is live; the target group of ``carts`` checks a path that its app does not have."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    world = stack.world
    stack.live("orders", {**LABELS, "lattice.service": "shop"})
    wrong = {**LABELS, "lattice.service": "shop", "lattice.path.prefix": "/carts", "lattice.health.path": "/wrong"}
    own = open_group(world.ec2, "carts")
    revision = world.register(wrong, "carts", environment={"RESPOND": "/wrong=404"})
    world.deploy(revision, "carts", groups=[own])
    world.run(600)
    container = {
        "name": "app", "image": "app", "portMappings": [{"name": "web", "containerPort": 8080}],
        "dockerLabels": {**LABELS, "lattice.service": "shop", "lattice.path.prefix": "/v2/orders"},
    }  # fmt: skip
    definition = {"family": "orders", "networkMode": "awsvpc", "containerDefinitions": [container]}
    (tmp_path / "taskdef.json").write_text(json.dumps(definition))
    return stack


def test_the_page_shows_what_each_question_prints(hooked_up, ask):
    page = sessions()
    assert [shlex.split(line)[1] for line in page] == ["status", "explain", "who", "plan", "history", "cost"]
    for line, printed in page.items():
        assert plain(ask(*shlex.split(line)[1:]).stdout).splitlines() == printed.splitlines(), line


def plain(text):
    for pattern, word in _CHANGES:
        text = pattern.sub(word, text)
    return text
