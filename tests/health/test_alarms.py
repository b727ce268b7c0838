"""The desired alarms, and how the existing ones differ."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.health import metric_names
from ecs_lattice.health.alarms import desired, differences, is_ours, is_watched
from tests.health.making import a_record, group

OWNER = "ecs-lattice"
NAME = "ecs-lattice/ecs-lattice/orders/shop/orders/default"


def wanted(*records):
    return desired(OWNER, "lattice", records)


def the_alarm(**more):
    (alarm,) = wanted(a_record(**more)).values()
    return alarm


def test_a_route_has_one_alarm_that_says_what_it_watches_and_what_to_do():
    alarm = the_alarm()
    assert alarm.name == NAME
    assert dict(alarm.dimensions) == {"LatticeService": "orders", "EcsService": "shop/orders", "Route": "default"}
    assert (alarm.namespace, alarm.metric, alarm.statistic, alarm.period) == ("EcsLattice", "Impaired", "Maximum", 60)
    assert (alarm.comparison, alarm.threshold) == ("GreaterThanOrEqualToThreshold", 1.0)
    assert (alarm.datapoints_to_alarm, alarm.evaluation_periods) == (3, 5)
    assert alarm.missing_data == "ignore"
    assert alarm.description == (
        "Route default of ECS service shop/orders on VPC Lattice service orders is impaired: in 3 of the last 5 minutes "
        "a target was UNHEALTHY, or no target could answer although ECS should be running tasks. A notification names the "
        "likely cause; docs/troubleshooting.md says how to fix it. To inspect: aws vpc-lattice list-targets "
        "--target-group-identifier tg-00000000000000001 --region us-east-1. Labels: lattice.alarm, lattice.alarm.minutes. "
        "Created by ecs-lattice and deleted with the route.\necs-lattice:owner=ecs-lattice"
    )


def test_the_minutes_are_the_authors_and_two_more_are_evaluated():
    alarm = the_alarm(alarm_minutes=60)
    assert (alarm.datapoints_to_alarm, alarm.evaluation_periods) == (60, 62)
    assert "in 60 of the last 62 minutes" in alarm.description


def test_the_target_group_in_the_description_is_the_one_that_receives_requests():
    assert "tg-00000000000000002" in the_alarm(own_group=group(2)).description


@pytest.mark.parametrize(
    ("record", "watched"),
    [
        (a_record("Live"), True),
        (a_record("Wired"), False),  # declared, and nothing more: costs no alarm
        (a_record("Pending", group_arn=None), False),
        (a_record("Paused"), False),
        (a_record("Refused"), False),
        (a_record("Refused", live_since=None), True),  # from before it was recorded whether it was live
        (a_record("Refused", group_arn=None), False),
        (a_record("Wired", named=True), True),  # a listed deployment names its group
        (a_record("Wired", serving=True), True),
        (a_record("Paused", live_as="x"), True),  # has been live
        (a_record("Parked", live_as="x"), True),
        (a_record("Refused", live_as="x"), True),
        (a_record("Pending", live_as="x", group_arn=None), False),  # there is nothing to measure
        (a_record("Conflicted", group_arn=None, own_group=group(2)), True),
        (a_record("Live", phase="vanished"), True),
        (a_record("Live", phase="deleted"), True),
        (a_record("Parked", phase="vanished", live_as="x", named=True), False),
        (a_record("Removed", phase="deleted", live_as="x"), False),
        (a_record("Live", alarm=False), False),
    ],
)
def test_a_route_that_has_served_is_watched_while_it_is_declared_or_serves(record, watched):
    assert is_watched(record) is watched


def test_the_longest_names_fit_and_keep_the_marker():
    record = a_record(name="s" * 255, cluster="c" * 255, lattice_service="l" * 40, group_arn="arn:" + "g" * 500)
    (alarm,) = desired("o" * 128, "p" * 32, [record]).values()
    assert len(alarm.name) <= 255
    assert len(alarm.description) <= 1024
    assert is_ours("o" * 128, alarm)


def test_an_alarm_without_differences_is_left_alone():
    alarms = wanted(a_record(), a_record(name="web"))
    assert differences(OWNER, alarms, alarms.values()) == differences(OWNER, {}, ())


@pytest.mark.parametrize(
    "change",
    [
        {"description": f"other words\necs-lattice:owner={OWNER}"},
        {"dimensions": (("Route", "default"),)},
        {"datapoints_to_alarm": 4},
        {"evaluation_periods": 6},
        {"namespace": "Mine"},
        {"metric": "Healthy"},
        {"statistic": "Sum"},
        {"period": 300},
        {"threshold": 2.0},
        {"comparison": "LessThanThreshold"},
        {"missing_data": "notBreaching"},
        {"has_actions": True},
        {"other": "Metrics"},
    ],
)
def test_a_changed_alarm_of_ours_is_corrected(change):
    alarms = wanted(a_record())
    found = differences(OWNER, alarms, [dataclasses.replace(alarms[NAME], **change)])
    assert (found.put, found.delete, found.foreign) == ((alarms[NAME],), (), ())


def test_changed_alarms_come_before_new_ones_and_alarms_without_a_route_are_deleted():
    alarms = wanted(a_record(name="a"), a_record(name="b"))
    first, second = sorted(alarms)
    gone = the_alarm(name="gone")
    found = differences(OWNER, alarms, [dataclasses.replace(alarms[second], threshold=3.0), gone])
    assert [alarm.name for alarm in found.put] == [second, first]
    assert found.delete == (gone.name,)


@pytest.mark.parametrize(
    ("name", "description"),
    [
        (NAME, "Somebody wrote this by hand"),
        (NAME, ""),
        (NAME, "x\necs-lattice:owner=ecs-lattice-2"),
        (NAME, f"ecs-lattice:owner={OWNER}\nand then some"),
        (f"ecs-lattice/{OWNER}/stack/probe-silent", f"x\necs-lattice:owner={OWNER}"),
        ("ecs-lattice/other/orders/shop/orders/default", f"x\necs-lattice:owner={OWNER}"),
    ],
)
def test_an_alarm_that_is_not_ours_is_never_changed_or_deleted(name, description):
    other = dataclasses.replace(the_alarm(), name=name, description=description)
    assert not is_ours(OWNER, other)
    assert differences(OWNER, {}, [other]).delete == ()
    found = differences(OWNER, wanted(a_record()), [other])
    assert name not in [alarm.name for alarm in found.put]
    assert found.foreign == ((NAME,) if name == NAME else ())


def test_a_lattice_service_may_be_called_stack():
    assert is_ours(OWNER, the_alarm(lattice_service="stack"))


ROUTES = st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y"])), max_size=6)


@given(ROUTES, ROUTES)
def test_applying_the_differences_between_any_routes_leaves_none(before, after):
    def of(routes):
        return wanted(*(a_record(name=name, lattice_service=f"on-{on}") for name, on in routes))

    there = of(before)
    found = differences(OWNER, of(after), there.values())
    for name in found.delete:
        del there[name]
    there |= {alarm.name: alarm for alarm in found.put}
    assert there == of(after)
    assert len(there) == len(after)
    assert not {alarm.name for alarm in found.put} & set(of(before))
    assert all(name.startswith(metric_names.alarm_prefix(OWNER)) for name in there)


def test_150_declared_routes_that_never_served_have_no_alarm():
    assert wanted(*(a_record("Wired", name=f"s{n}", lattice_service=f"l{n}") for n in range(150))) == {}
