"""When a route is impaired."""

from dataclasses import replace

import pytest

from ecs_lattice.claims import Notice
from ecs_lattice.health.counts import count
from ecs_lattice.health.impaired import asks_ecs, impaired, is_within_grace
from tests.health.making import GROUP, NOW, a_deployment, a_record, a_service, group

NONE, UNHEALTHY, HEALTHY = count([]), count(["UNHEALTHY"]), count(["HEALTHY", "HEALTHY"])
MIXED, STARTING = count(["HEALTHY", "UNHEALTHY"]), count(["INITIAL", "INITIAL"])
ROLLING = a_deployment(119, rollout="IN_PROGRESS")
ROLLING_LONG = a_deployment(121, rollout="IN_PROGRESS")
DETACHED = a_deployment(groups=())


@pytest.mark.parametrize(
    ("record", "counts", "service", "expected"),
    [
        # targets that answer are healthy, whatever ECS does; one unhealthy target is enough
        (a_record(), HEALTHY, None, False),
        (a_record(), count(["UNAVAILABLE"]), None, False),
        (a_record(), MIXED, a_service(), True),
        (a_record(), UNHEALTHY, a_service(), True),
        (a_record("Wired"), UNHEALTHY, a_service(), True),
        (a_record(), UNHEALTHY, None, True),
        # a live route without an answering target
        (a_record(), NONE, a_service(), True),
        (a_record(), STARTING, a_service(), True),
        (a_record(), count(["DRAINING", "DRAINING"]), a_service(), True),
        (a_record(), count(["UNUSED", "UNUSED"]), a_service(), True),
        (a_record(), NONE, a_service(DETACHED), True),
        (a_record(own_group=group(2)), NONE, a_service(), True),
        # no tasks are desired
        (a_record(), NONE, a_service(desired=0), False),
        (a_record(), count(["DRAINING", "DRAINING"]), a_service(desired=0), False),
        (a_record(), NONE, None, False),
        (a_record(), NONE, a_service(status="DRAINING"), False),
        # a route that is not live yet: only after the grace period of a deployment
        (a_record("Wired"), NONE, a_service(DETACHED), None),
        (a_record("Wired"), STARTING, a_service(), True),
        (a_record("Wired"), STARTING, a_service(ROLLING_LONG), True),
        (a_record("Wired"), STARTING, a_service(a_deployment(119)), None),
        (a_record("Wired"), STARTING, a_service(a_deployment(groups=(group(2),))), None),
        (a_record("Wired", own_group=group(2)), STARTING, a_service(a_deployment(groups=(group(2),))), True),
        (a_record("Wired", serving=True), NONE, a_service(DETACHED), True),
        (a_record("Wired", serving=True), NONE, a_service(a_deployment(60, groups=())), None),
        (a_record("Refused"), STARTING, a_service(), True),
        (a_record("Wired"), NONE, a_service(ROLLING_LONG, a_deployment(status="ACTIVE")), True),
        # within the grace period of a running deployment only healthy targets are conclusive
        (a_record(), HEALTHY, a_service(ROLLING), False),
        (a_record(), NONE, a_service(ROLLING, desired=0), None),
        (a_record(), UNHEALTHY, a_service(ROLLING), None),
        (a_record(), NONE, a_service(ROLLING), None),
        (a_record(), UNHEALTHY, a_service(ROLLING, a_deployment(status="ACTIVE")), None),
        (a_record(), UNHEALTHY, a_service(ROLLING_LONG), True),
        (a_record(), UNHEALTHY, a_service(ROLLING_LONG, grace=300), None),
        (a_record(health_grace=300), UNHEALTHY, a_service(ROLLING_LONG), None),
        (a_record(health_grace=0), UNHEALTHY, a_service(ROLLING), True),
        (a_record(), UNHEALTHY, a_service(a_deployment(60, rollout="COMPLETED")), True),
        (a_record(), UNHEALTHY, a_service(a_deployment(60, rollout="FAILED")), True),
        (a_record(), UNHEALTHY, a_service(a_deployment(60, rollout=None)), None),
        (a_record(), UNHEALTHY, a_service(a_deployment(60, status="ACTIVE", rollout="IN_PROGRESS")), True),
    ],
)
def test_a_route_is_impaired_or_not_or_it_is_too_early_to_tell(record, counts, service, expected):
    assert impaired(record, counts, service, NOW) is expected


def test_an_unknown_status_raises_no_alarm():
    assert impaired(a_record(), count(["RESTING"]), a_service(), NOW) is False
    assert impaired(a_record(), count(["RESTING", "UNHEALTHY"]), a_service(), NOW)


@pytest.mark.parametrize(("counts", "asks"), [(HEALTHY, False), (MIXED, True), (UNHEALTHY, True), (NONE, True)])
def test_ecs_is_asked_only_when_the_targets_alone_do_not_tell(counts, asks):
    assert asks_ecs(counts) is asks


def test_the_grace_period_ends_to_the_second():
    service = a_service(a_deployment(0, rollout="IN_PROGRESS"))
    assert is_within_grace(service, 120, NOW + 119.9)
    assert not is_within_grace(service, 120, NOW + 120)


def test_an_entry_may_name_the_group_by_its_id():
    service = a_service(a_deployment(groups=(GROUP.rsplit("/", 1)[1],)))
    assert impaired(a_record("Wired"), NONE, service, NOW)


@pytest.mark.parametrize("code", ["ASSOCIATION_MISSING", "AUTH_ALLOWS_NOBODY"])
@pytest.mark.parametrize("counts", [HEALTHY, NONE])
def test_a_route_to_which_no_request_comes_is_impaired_however_healthy_its_targets_are(code, counts):
    record = a_record()
    cut_off = replace(record, answer=replace(record.answer, notices=(Notice(code, "why"),)))
    assert impaired(cut_off, counts, a_service(ROLLING), NOW) is True
    other = replace(record, answer=replace(record.answer, notices=(Notice("NETWORK_FOLLOWS", "why"),)))
    assert impaired(other, HEALTHY, None, NOW) is False
