"""What CloudWatch accepts and does not keep is written ever more rarely and told; other alarms go on."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from ecs_lattice.health.alarms import desired
from tests.health.making import FakeAlarms, a_record
from tests.health.test_probe import with_service

BAD, NEAR = a_record(name="bad"), a_record(name="near")
HOUR_MINUTES, QUARTER_MINUTES, MOST = 60, 15, 12
WANTED = {
    record.claim.service.name: alarm
    for record in (BAD, NEAR)
    for alarm in desired("stack", "lattice", [record]).values()
}


@dataclasses.dataclass
class Forgetful(FakeAlarms):
    """CloudWatch that accepts ``operation`` on BAD's alarm and does not keep it."""

    operation: str = ""
    attempts: int = 0

    def put(self, alarm: Any) -> None:
        if self.operation == "put" and alarm.name == WANTED["bad"].name:
            self.attempts += 1
        else:
            super().put(alarm)

    def delete(self, names: Sequence[str]) -> None:
        self.attempts += self.operation == "delete" and WANTED["bad"].name in names
        super().delete([name for name in names if self.operation != "delete" or name != WANTED["bad"].name])


def minutes(around: Any, count: int) -> tuple[str, ...]:
    """The problems of the last of so many runs of the probe."""
    problems: tuple[str, ...] = ()
    for _ in range(count):
        began = around.time.now()
        problems = around.run().alarms.problems
        around.time.time = began + 60
    return problems


def changed(alarm: Any) -> Any:
    return dataclasses.replace(alarm, threshold=7.0)


@pytest.mark.parametrize(
    ("operation", "there", "named"),
    [
        ("put", {}, "the creation of alarm"),
        ("put", {WANTED["bad"].name: changed(WANTED["bad"])}, "threshold of alarm"),
        ("delete", {WANTED["bad"].name: WANTED["bad"]}, "the deletion of alarm"),
    ],
)
def test_a_change_that_is_not_kept_is_made_rarely_and_told_until_it_is_kept(operation, there, named):
    around = with_service(*([NEAR] if operation == "delete" else [BAD, NEAR]))
    around.documents["stack", "marker"] = "{}"
    alarms = around.alarms = Forgetful(dict(there), operation=operation)
    problems = minutes(around, QUARTER_MINUTES + 2)
    assert any(f"NOT_KEPT: CloudWatch accepts {named} {WANTED['bad'].name}" in problem for problem in problems), (
        problems
    )
    minutes(around, 2 * HOUR_MINUTES - QUARTER_MINUTES - 2)
    assert 1 < alarms.attempts <= MOST
    assert WANTED["near"].name in alarms.there
    alarms.there.pop(WANTED["near"].name)
    minutes(around, 1)
    assert WANTED["near"].name in alarms.there

    alarms.operation = ""
    assert minutes(around, QUARTER_MINUTES + 1) == ()
    assert (WANTED["bad"].name in alarms.there) == (operation == "put")
    assert alarms.there.get(WANTED["bad"].name, WANTED["bad"]) == WANTED["bad"]
    alarms.calls.clear()
    minutes(around, 2)
    assert {operation for operation, _ in alarms.calls} == {"with_prefix"}
    assert around.documents["probe", "alarms"] == "[]"
