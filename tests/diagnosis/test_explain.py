"""When the diagnosis is asked for a route, what it says where nothing fits, and when that is a problem: values only."""

import dataclasses

import pytest

from ecs_lattice.ecs_side import record as records
from ecs_lattice.ecs_side.record import EcsRecord
from ecs_lattice.ecs_side.status import RouteStatus
from ecs_lattice.explain import Explainer
from ecs_lattice.facts import Task
from tests.diagnosis.making import (
    CASES,
    GROUP_ARN,
    HEALTH,
    NOW,
    SERVICE,
    a_deployment,
    a_group,
    a_service,
    a_task,
    evidence,
    targets,
    unhealthy,
)

LIVE = RouteStatus("default", "orders", "Live", group_arn=GROUP_ARN)


@dataclasses.dataclass
class Fakes:
    """A registry with the record of one ECS service, and a collector that finds the same for each route."""

    seen: object
    statuses: tuple[RouteStatus, ...] = (LIVE,)

    def document(self, kind, key):
        assert (kind, key) == (records.KIND, SERVICE.arn)
        return records.text_of(EcsRecord(SERVICE.arn, statuses=self.statuses))

    def claims_of(self, _service):
        return ()

    def collect_all(self, service, subjects):
        assert service == SERVICE
        return tuple(dataclasses.replace(self.seen, subject=subject) for subject in subjects)


def explained(seen, *statuses):
    fakes = Fakes(seen, statuses or (LIVE,))
    answer = Explainer(fakes, fakes, lambda: NOW).answer({"mode": "explain", "ecsService": SERVICE.arn})
    assert answer["isKnown"]
    return answer["routes"][0]


def codes(route):
    return [cause["code"] for cause in route["causes"]]


@pytest.mark.parametrize(
    "name", sorted(name for name, seen in CASES.items() if not seen.answering and not seen.in_status("INITIAL"))
)
def test_every_cause_of_the_mails_is_told_first_on_demand_too(name):
    assert codes(explained(CASES[name]))[0] == name.partition("-")[0]


NOTHING_FITS = unhealthy(group=a_group(health=dataclasses.replace(HEALTH, enabled=False)))


def test_what_nothing_explains_is_told_as_that_with_what_was_checked():
    (cause,) = explained(NOTHING_FITS)["causes"]
    assert (cause["code"], cause["certainty"]) == ("NOT_FOUND", "unknown")
    assert cause["evidence"] == [
        "Checked: targets, target group, ECS service, tasks, task definition, security groups."
    ]
    assert [each["purpose"] for each in cause["commands"]] == [
        "To inspect the service's events",
        "To inspect the targets",
    ]


def test_where_the_status_says_why_nothing_more_is_told():
    refused = dataclasses.replace(LIVE, state="Refused", code="ATTACH_FAILED", message="It failed.")
    route = explained(NOTHING_FITS, refused)
    assert (route["causes"], route["isProblem"], route["message"]) == ([], True, "It failed.")


def test_what_could_not_be_read_is_no_cause():
    assert explained(dataclasses.replace(NOTHING_FITS, targets=None))["causes"] == []


@pytest.mark.parametrize("state", ["Pending", "Parked", "Removing"])
def test_a_route_to_which_nothing_is_attached_is_not_diagnosed(state):
    on_its_way = dataclasses.replace(LIVE, state=state, code="CREATING")
    assert codes(explained(CASES["NO_TASKS"], on_its_way)) == []


@pytest.mark.parametrize("state", ["Live", "Wired", "Attaching", "Refused", "Paused", "Conflicted"])
def test_a_route_in_any_other_state_is(state):
    assert codes(explained(CASES["NO_TASKS"], dataclasses.replace(LIVE, state=state))) == ["NO_TASKS"]


@pytest.mark.parametrize("statuses", [("HEALTHY", "HEALTHY"), ("INITIAL",), ("HEALTHY", "DRAINING"), ("UNAVAILABLE",)])
def test_a_route_whose_targets_answer_or_are_being_checked_has_no_cause(statuses):
    route = explained(evidence(targets=targets(*statuses), security=CASES["PREFIX_LIST_RULE_MISSING"].security))
    assert (route["causes"], route["isProblem"]) == ([], False)


def test_one_unhealthy_target_among_healthy_ones_is_a_problem():
    route = explained(evidence(targets=targets("HEALTHY", "UNHEALTHY")))
    assert (route["isProblem"], route["targets"]) == (True, {"HEALTHY": 1, "UNHEALTHY": 1})


def rolling(created_at, **more):
    deployment = a_deployment(rollout="IN_PROGRESS", created_at=created_at, id="ecs-svc/2", entries=())
    return dataclasses.replace(evidence(**more), service=a_service(deployment, a_deployment(status="ACTIVE")))


def test_a_deployment_in_progress_alone_is_no_problem():
    route = explained(rolling(NOW - 600, targets=(), tasks=(a_task(1),), is_live=False))
    assert (codes(route), route["isProblem"]) == (["DEPLOYMENT_IN_PROGRESS"], False)


def test_failing_checks_are_no_problem_within_the_grace_period_and_are_one_after_it():
    for age, is_problem in ((60, False), (600, True)):
        attaching = dataclasses.replace(LIVE, state="Attaching", code="ATTACHING")
        route = explained(rolling(NOW - age, targets=targets("UNHEALTHY", "INITIAL"), is_live=False), attaching)
        assert "NOT_LISTENING" in codes(route)
        assert route["isProblem"] is is_problem, age


def test_a_command_that_is_not_what_it_looks_like_is_left_out_and_hidden_characters_are_shown():
    reason = "CannotPullContainerError: \u202e not found"
    stopped = a_task(7, ago=20, stop_code="TaskFailedToStart", reason=reason)
    hidden = Task(**{**dataclasses.asdict(stopped), "containers": (), "arn": stopped.arn + "\n--debug"})
    (cause, *_) = explained(evidence(targets=(), service=a_service(running=0), tasks=(hidden,)))["causes"]
    assert cause["code"] == "TASK_STOPPED"
    assert "\u202e" not in "".join(cause["evidence"])
    assert all("\n" not in each["command"] for each in cause["commands"])
    assert cause["command"] == (cause["commands"][0]["command"] if cause["commands"] else "")
