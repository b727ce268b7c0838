"""What always ends in CREATE_FAILED is made anew ever more rarely, and told with why; once it is created, it heals."""

from dataclasses import replace
from typing import Any

import pytest

from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.graph import Group, Service
from ecs_lattice.outcome import NotYet
from tests.lattice_side.stage import NAME, Stage, path, service
from tests.lattice_side.test_not_kept import BACKED_OFF, HOUR, QUARTER, told, work

BASE, BAD = service("base"), service("bad")
FAILURE = "INTERNAL: the subnets are full"


class Failing(BotoLattice):
    """A Lattice in which the creation of BAD's target groups, or of every Lattice service, ends in CREATE_FAILED. ``made``: what
    was created, by ARN."""

    def __init__(self, client: Any, kind: str) -> None:
        super().__init__(client)
        self.kind, self.fails = kind, True
        self.made: list[str] = []

    def create_group(self, *given: Any) -> tuple[str, str]:
        arn, status = super().create_group(*given)
        self.made += [arn] if self.kind == "group" and given[0].name.startswith("bad-") else []
        return arn, status

    def create_service(self, *given: Any) -> tuple[str, str]:
        arn, status = super().create_service(*given)
        self.made += [arn] if self.kind == "service" else []
        return arn, status

    def group(self, identifier: str) -> Group | None:
        return self._failed(super().group(identifier))

    def service(self, arn: str) -> Service | None:
        return self._failed(super().service(arn))

    def _failed(self, read: Any) -> Any:
        is_failed = self.fails and read and read.arn in self.made and read.status == "ACTIVE"
        return replace(read, status="CREATE_FAILED", failure=FAILURE) if is_failed else read


def failing(stage: Stage, kind: str) -> Failing:
    """A neighbour is live where there can be one, then BAD declares its route."""
    stage.registry.put_document("stack", "marker", "{}")
    if kind == "group":
        stage.claim(BASE, stage.route("base", path("/base")))
        stage.settle()
    lattice = Failing(stage.lattice, kind)
    stage.side = replace(stage.side, lattice=lattice)
    stage.claim(BAD, stage.route(match=path("/bad")))
    return lattice


@pytest.mark.parametrize(("kind", "named"), [("group", "target group bad-"), ("service", f"Lattice service {NAME}")])
def test_it_is_made_anew_ever_more_rarely_and_told_until_it_is_created(stage: Stage, kind: str, named: str) -> None:
    lattice = failing(stage, kind)
    work(stage, 2 * HOUR)
    assert 2 < len(lattice.made) <= BACKED_OFF
    (message,) = set(told(stage))
    assert f"the creation of {named}" in message
    assert FAILURE in message
    answer = stage.record(BAD).answer
    assert (answer.state, answer.code, [notice.code for notice in answer.notices]) == (
        "Pending", "NOT_KEPT", ["NOT_KEPT"],
    )  # fmt: skip
    lattice.fails = False
    work(stage, QUARTER + HOUR)
    assert stage.state(BAD) == "Live"
    assert told(stage) == []
    assert stage.registry.lattice(NAME).repeated == ()
    assert not isinstance(stage.settle(), NotYet)


def test_only_whom_it_concerns_is_told_and_neighbours_go_on(stage: Stage) -> None:
    failing(stage, "group")
    work(stage, HOUR)
    assert (stage.state(BASE, "base"), stage.record(BASE, "base").answer.notices) == ("Live", ())
    stage.claim(BASE, stage.route("base", path("/next")))
    work(stage, QUARTER / 2)
    assert "/next" in str(stage.rules())


def test_the_first_failure_is_made_anew_at_once(stage: Stage) -> None:
    lattice = failing(stage, "group")
    work(stage, 50)
    assert len(lattice.made) == 2


@pytest.mark.parametrize("kind", ["group", "service"])
def test_what_nobody_asks_for_any_more_is_deleted_and_forgotten(stage: Stage, kind: str) -> None:
    stage.use(replace(stage.settings, delete_empty_services=True))
    failing(stage, kind)
    work(stage, HOUR)
    for record in stage.records():
        stage.vanish(record.claim.service, record.claim.route.name, "deleted")
    work(stage, 2 * HOUR)
    assert stage.records() == ()
    assert stage.groups() == []
    assert list(stage.registry.lattice_records()) == []
