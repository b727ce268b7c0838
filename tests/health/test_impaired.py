"""When a route is impaired."""

import pytest

from ecs_lattice.health.counts import Counts, count
from ecs_lattice.health.impaired import asks_ecs, impaired, is_within_grace
from tests.health.making import GROUP, NOW, a_deployment, a_record, a_service, group

NONE, SICK, WELL, MIXED = Counts(), Counts(unhealthy=1), Counts(healthy=2), Counts(healthy=1, unhealthy=1)
STARTING = Counts(initial=2)
ROLLING = a_deployment(119, rollout="IN_PROGRESS")
ROLLING_LONG = a_deployment(121, rollout="IN_PROGRESS")
DETACHED = a_deployment(groups=())


@pytest.mark.parametrize(
    ("record", "counts", "service", "expected"),
    [
        # what answers is well, whatever ECS does; one that does not is enough
        (a_record(), WELL, None, False),
        (a_record(), Counts(unavailable=1), None, False),
        (a_record(), MIXED, a_service(), True),
        (a_record(), SICK, a_service(), True),
        (a_record("Wired"), SICK, a_service(), True),
        (a_record(), SICK, None, True),
        # a live route without an answering target
        (a_record(), NONE, a_service(), True),
        (a_record(), STARTING, a_service(), True),
        (a_record(), Counts(draining=2), a_service(), True),
        (a_record(), Counts(unused=2), a_service(), True),
        (a_record(), NONE, a_service(DETACHED), True),
        (a_record(own_group=group(2)), NONE, a_service(), True),
        # no tasks are desired
        (a_record(), NONE, a_service(desired=0), False),
        (a_record(), Counts(draining=2), a_service(desired=0), False),
        (a_record(), NONE, None, False),
        (a_record(), NONE, a_service(status="DRAINING"), False),
        # a route that is not live yet: only when a deployment has had its time
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
        # within the grace of a deployment that runs only what is well is known to be so
        (a_record(), WELL, a_service(ROLLING), False),
        (a_record(), NONE, a_service(ROLLING, desired=0), None),
        (a_record(), SICK, a_service(ROLLING), None),
        (a_record(), NONE, a_service(ROLLING), None),
        (a_record(), SICK, a_service(ROLLING, a_deployment(status="ACTIVE")), None),
        (a_record(), SICK, a_service(ROLLING_LONG), True),
        (a_record(), SICK, a_service(ROLLING_LONG, grace=300), None),
        (a_record(health_grace=300), SICK, a_service(ROLLING_LONG), None),
        (a_record(health_grace=0), SICK, a_service(ROLLING), True),
        (a_record(), SICK, a_service(a_deployment(60, rollout="COMPLETED")), True),
        (a_record(), SICK, a_service(a_deployment(60, rollout="FAILED")), True),
        (a_record(), SICK, a_service(a_deployment(60, rollout=None)), None),
        (a_record(), SICK, a_service(a_deployment(60, status="ACTIVE", rollout="IN_PROGRESS")), True),
    ],
)
def test_a_route_is_impaired_or_not_or_it_is_too_early_to_tell(record, counts, service, expected):
    assert impaired(record, counts, service, NOW) is expected


def test_an_unknown_status_raises_no_alarm():
    assert impaired(a_record(), count(["RESTING"]), a_service(), NOW) is False
    assert impaired(a_record(), count(["RESTING", "UNHEALTHY"]), a_service(), NOW)


@pytest.mark.parametrize(("counts", "asks"), [(WELL, False), (MIXED, True), (SICK, True), (NONE, True)])
def test_ecs_is_asked_only_when_the_targets_alone_do_not_tell(counts, asks):
    assert asks_ecs(counts) is asks


def test_the_grace_period_ends_to_the_second():
    service = a_service(a_deployment(0, rollout="IN_PROGRESS"))
    assert is_within_grace(service, 120, NOW + 119.9)
    assert not is_within_grace(service, 120, NOW + 120)


def test_an_entry_may_name_the_group_by_its_id():
    service = a_service(a_deployment(groups=(GROUP.rsplit("/", 1)[1],)))
    assert impaired(a_record("Wired"), NONE, service, NOW)
