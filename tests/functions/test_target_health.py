"""The handler of the probe, with the schedule's event, on the in-process local AWS."""

import dataclasses
import json
import re

import boto3
import pytest

from ecs_lattice.bootstrap.common import wiring
from ecs_lattice.errors import AlarmsError, OutOfTimeError, UnknownEventError
from functions.target_health.app import handler
from local_aws import lattice
from tests.functions.conftest import recorded
from tests.histories.checks import failing
from tests.histories.labels import hooked_up

ALARM = "ecs-lattice/ecs-lattice/orders/shop/orders/default"


def lines(capsys) -> list[dict]:
    """What the function printed as metrics, or would have as members of their lines."""
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line for line in printed if {"Route", "Heartbeat"} & line.keys()]


def test_the_schedule_has_the_routes_metrics_printed_and_their_alarms_made(deployed, capsys):
    hooked_up(deployed.world)
    capsys.readouterr()
    answer = handler(recorded("schedule/target-health"), deployed.context)
    assert (answer["routes"], answer["impaired"], answer["unknown"], answer["alarms"]["put"]) == (1, 0, 0, 1)
    assert json.loads(json.dumps(answer))["alarms"]["foreign"] == []
    route, stack, new = lines(capsys)
    assert (route["EcsService"], route["Healthy"]) == ("shop/orders", 2.0)
    assert "_aws" not in route  # a healthy route has no value that an alarm needs, but for a new alarm
    assert (new["EcsService"], new["Impaired"]) == ("shop/orders", [0.0])
    assert (stack["Owner"], stack["Heartbeat"], stack["Routes"]) == ("ecs-lattice", [1.0], 1.0)
    assert [one["AlarmName"] for one in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]] == [ALARM]
    assert handler({"mode": "probe"}, deployed.context)["alarms"]["put"] == 0


@pytest.mark.parametrize("event", [{}, {"mode": "sweep"}, {"Records": []}, {"ecsService": "arn", "mode": "plan"}])
def test_a_call_that_is_meant_for_another_function_fails_with_what_is_allowed(deployed, event):
    with pytest.raises(UnknownEventError, match=re.escape('{"mode": "probe"}')):
        handler(event, deployed.context)


def test_a_function_that_has_no_time_left_makes_no_call_and_is_silent(deployed, capsys):
    hooked_up(deployed.world)
    capsys.readouterr()
    before = len(lattice.backend().calls)
    with pytest.raises(OutOfTimeError):
        handler({"mode": "probe"}, dataclasses.replace(deployed.context, remaining=10_000))
    assert len(lattice.backend().calls) == before
    assert lines(capsys) == []


def test_alarms_that_may_not_be_made_fail_the_function_when_the_metrics_are_out(deployed, capsys):
    hooked_up(deployed.world)
    capsys.readouterr()
    with (
        failing(wiring().clients.cloudwatch, "PutMetricAlarm", "AccessDenied"),
        pytest.raises(AlarmsError, match="PutMetricAlarm: AccessDenied"),
    ):
        handler({"mode": "probe"}, deployed.context)
    printed = [("Heartbeat" in line, "Healthy" in line) for line in lines(capsys)]
    assert printed == [(False, True), (True, False), (False, False)]  # the last one: the zero for the new alarm
