"""What a plan says until rest is what is done: the same steps, for whatever one ECS service had and declares next."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from ecs_lattice.aws.history import DynamoHistory
from ecs_lattice.bootstrap.ecs_service import plan_ecs_service
from ecs_lattice.history import Entry
from local_aws import inprocess, lattice
from tests import strategies as profile  # noqa: F401  its profile makes examples deterministic
from tests.tenants.direct import DirectWorld
from tests.tenants.playing import SETTINGS_OF_PLAY, Player, powerless_role
from tests.tenants.test_any_tenants import OTHER_KEYS, SETTINGS_OF_ALL, declarations

_OF_TASKS = re.compile(r"(de)?register (the|\d+) targets ")
"""Where the stack registers tasks itself, a deployment's new ones are registered as they start: no plan knows them."""
_KINDS = {"ecsService", "latticeService"}
_IDS = (
    (re.compile(r" \(ecs-svc/\w+\)"), ""),
    (re.compile(r"\bsgr-\w+"), "RULE"),
    (re.compile(r"\bservice/svc-\w+"), "service/ID"),
)
MORE = {
    "path.prefix": ["/", "/a", "/b"],
    "health.path": ["/", "/healthz"],
    "health.interval": ["10"],
    "targets": ["controller"],
}

before = st.lists(declarations(st.just("orders"), SETTINGS_OF_ALL, OTHER_KEYS, MORE), max_size=2)
after = declarations(st.sampled_from(["orders", "orders", "orders", "second"]), SETTINGS_OF_ALL, OTHER_KEYS, MORE)


@pytest.mark.timeout(3600)  # for what hangs; how busy the machine is must not matter
@seed(11)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=before, after=st.one_of(after, st.just(())))
def test_the_steps_of_a_plan_are_those_that_are_done(before: Any, after: Any) -> None:
    with inprocess.started() as machine, powerless_role():
        player = Player(DirectWorld(machine, SETTINGS_OF_PLAY))
        world = player.world
        player._begin()
        world.run(600)
        for labels in before:
            player._declares("one", dict(labels))
            world.run(3600)
        names = _names()
        revision = player._revision("one", dict(after))
        arn = player.arns["one"]
        shape = world.ecs.describe_task_definition(taskDefinition=revision)["taskDefinition"]
        calls, items, listed = len(lattice.backend().calls), len(world.table.written), world.service(arn)
        plan = plan_ecs_service(world.wiring, arn, {"taskDefinition": shape})["untilRest"]
        assert not [call for call in lattice.backend().calls[calls:] if call.writes]
        assert len(world.table.written) == items
        assert world.service(arn) == listed
        with _kept() as done:
            world.ecs.update_service(cluster="shop", service=arn, taskDefinition=revision)
            world.run(4 * 3600)
        names |= _names()
        told = _plain((step["text"] for step in plan["steps"]), names)
        assert told == _plain((text for entry in done if entry.kind in _KINDS for text in entry.steps), names)
        assert plan["is_whole"]


@contextmanager
def _kept() -> Iterator[list[Entry]]:
    """The history meanwhile. The registry has one entry of a reconcile in a millisecond, of which the local AWS has too few."""
    entries: list[Entry] = []
    with patch.object(DynamoHistory, "add", lambda _, entry: entries.append(entry)):
        yield entries


def _names() -> dict[str, str]:
    """The target groups that there are: their names by their ids."""
    return {group.id: group.name for group in lattice.backend().target_groups.values()}


def _plain(texts: Iterable[str], names: dict[str, str]) -> set[str]:
    """Steps without what only AWS can know before."""
    found = set()
    for text in texts:
        if _OF_TASKS.match(text):
            continue
        for made, name in names.items():
            text = text.replace(made, name)  # noqa: PLW2901
        for pattern, word in _IDS:
            text = pattern.sub(word, text)  # noqa: PLW2901
        found.add(text)
    return found
