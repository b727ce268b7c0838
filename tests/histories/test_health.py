"""Histories of ill health, minute by minute: what the probe publishes of it, and what the route's alarm makes of that."""

import dataclasses

import boto3
import pytest

from ecs_lattice.health import metric_names
from ecs_lattice.health.series import Series
from tests import world as worlds
from tests.histories.checks import comes_to_rest, failing, released
from tests.histories.labels import LABELS, hooked_up
from tests.world import close_group, open_group

ALARM = "ecs-lattice/ecs-lattice/orders/shop/orders/default"
OFF = {**LABELS, "lattice.ingress": "off"}


def values(world, metric: str, since: float = 0.0, **dimensions: str) -> list[float]:
    """The values of a metric since a moment, oldest first, of whatever has these dimensions."""
    return [
        published[metric]
        for at, where, published in world.published
        if at >= since and metric in published and dimensions.items() <= where.items()
    ]


def alarms(world) -> dict[str, str]:
    """The states of all alarms, by name."""
    found = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}


def close(world) -> None:
    """Let the tasks' security group let nobody in any more."""
    close_group(world.ec2, world.open_group)


def close_to_all_but_another_list(world) -> None:
    """Let only the addresses of a prefix list in that is not VPC Lattice's. Whether they are Lattice's too is not known, so
    the tasks are attached."""
    close(world)
    lists = world.ec2.describe_managed_prefix_lists()["PrefixLists"]
    other = next(one["PrefixListId"] for one in lists if "vpc-lattice" not in one["PrefixListName"])
    theirs = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "PrefixListIds": [{"PrefixListId": other}]}
    world.ec2.authorize_security_group_ingress(GroupId=world.open_group, IpPermissions=[theirs])


def reopen(world, name: str = "another") -> None:
    """Let everybody in again, as a new group of this name does."""
    rule = world.ec2.describe_security_groups(GroupIds=[open_group(world.ec2, name)])["SecurityGroups"][0]
    world.ec2.authorize_security_group_ingress(GroupId=world.open_group, IpPermissions=rule["IpPermissions"])


def well(world, labels=OFF, **more) -> str:
    """A live route with a probe that has seen it so, and an alarm that is OK; the service's ARN."""
    arn = hooked_up(world, labels, **more)
    world.sweep()
    world.sweep()
    world.start_probing()
    world.run(420)
    assert alarms(world)[ALARM] == "OK"
    return arn


def most_in_five(flags: list[bool]) -> int:
    """The most that are set among any five in a row: what an alarm for 3 of 5 minutes would have seen."""
    return max(sum(flags[start : start + 5]) for start in range(max(1, len(flags) - 4)))


def test_a_closed_group_fires_the_alarm_though_unhealthy_targets_are_seen_for_less_than_one_in_three_minutes(world):
    close_to_all_but_another_list(world)
    world.start_probing()
    at_once = {**OFF, "lattice.health.grace": "0", "lattice.health.interval": "60"}
    world.deploy(world.register(at_once), count=1)
    world.run(600)
    since = world.clock.time()
    world.run(600)
    counted = [published for at, _, published in world.published if at >= since and "Healthy" in published]
    assert len(counted) == 10
    assert most_in_five([bool(published.get("Unhealthy")) for published in counted]) < 3
    assert values(world, "Impaired", since) == [1.0] * 10
    assert alarms(world) == {ALARM: "ALARM"}


def test_an_attach_that_is_undone_because_nobody_got_well_is_no_recovery(world):
    close_to_all_but_another_list(world)
    world.start_probing()
    arn = world.deploy(world.register(OFF))
    world.run(3600)
    assert world.statuses(arn)["default"] == ("Refused", "ATTACH_FAILED")
    assert alarms(world) == {ALARM: "ALARM"}
    reopen(world)
    released(world, arn, OFF)
    world.run(1800)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert alarms(world) == {ALARM: "OK"}


def test_a_release_of_what_is_still_broken_is_no_recovery(world):
    arn = well(world, {**OFF, "lattice.health.grace": "600"})
    close(world)
    world.run(900)
    states = []
    for _ in range(4):
        released(world, arn, {**OFF, "lattice.health.grace": "600"})
        world.run(500)
        states.append(alarms(world)[ALARM])
    assert states == ["ALARM"] * 4


def test_a_group_that_is_closed_under_a_live_route_fires_the_alarm_until_it_is_open_again(world):
    well(world)
    close(world)
    world.run(900)
    assert alarms(world) == {ALARM: "ALARM"}
    reopen(world)
    world.run(900)
    assert alarms(world) == {ALARM: "OK"}


def test_a_live_route_whose_tasks_were_all_detached_fires_the_alarm_though_nothing_is_unhealthy(world):
    arn = well(world)
    world.chaos.lose = 1.0  # nobody hears of it, so nobody registers the tasks
    world.ecs.update_service(cluster="shop", service=arn, vpcLatticeConfigurations=[])
    since = world.clock.time()
    world.run(1500)
    assert values(world, "Unhealthy", since) == []
    assert world.ask("orders", "/orders").status == 503
    assert alarms(world) == {ALARM: "ALARM"}
    world.chaos.lose = 0.0
    world.sweep()
    world.run(1200)
    assert world.ask("orders", "/orders").status == 200
    assert alarms(world) == {ALARM: "OK"}


def test_a_probe_that_dies_while_the_alarm_is_on_leaves_it_on_and_is_missed_itself(world):
    well(world)
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName="ecs-lattice/ecs-lattice/stack/probe-silent",
        Namespace=metric_names.NAMESPACE,
        MetricName=metric_names.HEARTBEAT,
        Dimensions=[{"Name": metric_names.OWNER, "Value": "ecs-lattice"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=5,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )
    close(world)
    world.run(900)
    silent = "ecs-lattice/ecs-lattice/stack/probe-silent"
    assert alarms(world) == {ALARM: "ALARM", silent: "OK"}
    with failing(world.dynamodb, "Scan", "InternalServerError"):
        reopen(world)
        world.run(3600)
    assert world.probe_failures
    assert alarms(world) == {ALARM: "ALARM", silent: "ALARM"}
    world.run(600)
    assert alarms(world) == {ALARM: "OK", silent: "OK"}


def test_a_service_that_is_scaled_to_zero_on_purpose_is_not_impaired(world):
    arn = well(world)
    since = world.clock.time()
    world.ecs.update_service(cluster="shop", service=arn, desiredCount=0)
    world.run(1800)
    assert set(values(world, "Impaired", since)) == {0.0}
    assert values(world, "Healthy", since)[-1] == 0.0
    world.ecs.update_service(cluster="shop", service=arn, desiredCount=2)
    world.run(900)
    assert alarms(world) == {ALARM: "OK"}
    assert values(world, "Healthy", since)[-1] == 2.0


def test_a_release_that_goes_well_is_not_impaired_in_any_minute(world):
    arn = well(world)
    since = world.clock.time()
    released(world, arn, {**OFF, "lattice.health.interval": "20"})
    world.run(1200)
    assert set(values(world, "Impaired", since)) == {0.0}


def test_tasks_that_start_slowly_are_not_impaired_within_the_grace_and_are_afterwards(world):
    labels = {**OFF, "lattice.health.grace": "900"}
    arn = world.deploy(world.register(labels, environment={"RESPOND": "/healthz=500 /=200"}))
    world.start_probing()
    world.run(300)
    rolled = world.primary(arn)["createdAt"].timestamp()
    assert world.primary(arn)["vpcLatticeConfigurations"]
    world.run(rolled + 900 - world.clock.time())
    assert values(world, "Unhealthy")
    assert values(world, "Impaired") == []
    world.run(900)
    assert alarms(world) == {ALARM: "ALARM"}


def test_targets_that_could_not_be_read_are_unknown_and_no_alarm_changes_its_state(world):
    well(world)
    since = world.clock.time()
    with failing(world.lattice, "ListTargets", "ThrottlingException") as refused:
        world.run(600)
    assert len(refused) > 10
    assert values(world, "Unknown", since, Route="default") == [1.0] * 10
    assert values(world, "Healthy", since) == values(world, "Impaired", since) == []
    assert values(world, "Unknown", since, Owner="ecs-lattice") == values(world, "Heartbeat", since) == [1.0] * 10
    assert alarms(world) == {ALARM: "OK"}


def test_two_routes_that_share_a_group_have_an_alarm_each_and_one_reading(world):
    labels = {key: value for key, value in OFF.items() if key != "lattice.path.prefix"}
    labels |= {"lattice.routes.a.path.prefix": "/a", "lattice.routes.b.path.prefix": "/b"}
    hooked_up(world, {**labels, "lattice.routes.b.alarm.minutes": "5"})
    world.start_probing()
    close(world)
    world.run(1200)
    prefix = "ecs-lattice/ecs-lattice/orders/shop/orders"
    assert alarms(world) == {f"{prefix}/a": "ALARM", f"{prefix}/b": "ALARM"}
    assert values(world, "Impaired", Route="a") == values(world, "Impaired", Route="b")
    assert len(world._all("list_target_groups")) == 1


def test_an_alarm_follows_the_labels_and_goes_with_its_route(world):
    arn = well(world)
    cloudwatch = boto3.client("cloudwatch")
    released(world, arn, {**OFF, "lattice.alarm.minutes": "7"})
    world.run(1200)
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (7, 9)
    released(world, arn, {**OFF, "lattice.alarm": "off"})
    world.run(1200)
    assert alarms(world) == {}
    released(world, arn, OFF)
    world.run(1200)
    assert list(alarms(world)) == [ALARM]
    released(world, arn, {})
    comes_to_rest(world)
    assert alarms(world) == {}
    assert world.probe_failures == []


def test_uninstalling_takes_the_alarms_along(world):
    well(world)
    for _ in range(8):
        world.uninstall.run()
        world.run(900)
    assert alarms(world) == {}


def test_an_uninstall_ends_only_when_the_alarms_are_gone_and_deletes_the_last_ones_itself(world):
    well(world)
    (alarm,) = world.uninstall.alarms.alarms.with_prefix("ecs-lattice/")
    assert world.uninstall.run()["left"]["alarms"] == [ALARM]
    assert world.registry.document("stack", "uninstalled") is None
    for _ in range(8):
        world.run(900)
        world.uninstall.run()
    world.uninstall.alarms.alarms.put(alarm)  # by a run of the probe that had begun before
    assert world.uninstall.run()["left"] == {
        "ecsServices": [], "latticeServices": [], "targetGroups": [], "securityGroupRules": [], "alarms": [],
    }  # fmt: skip
    assert alarms(world) == {}
    assert world.registry.document("stack", "uninstalled") is not None


class BrokenBells:
    """What invokes them fails."""

    def enqueue(self, requests):
        raise InterruptedError


def test_the_end_of_an_uninstall_that_was_taken_back_is_not_that_of_the_next(world):
    """Else a deletion of the stack right after a crash would take the role from under attached tasks."""
    well(world)
    for _ in range(9):
        world.uninstall.run()
        world.run(900)
    assert world.registry.document("stack", "uninstalled") is not None
    world.registry.delete_document("stack", "uninstall")
    with pytest.raises(InterruptedError):
        dataclasses.replace(world.uninstall, requests=BrokenBells()).run()
    assert world.registry.document("stack", "uninstall") is not None
    assert world.registry.document("stack", "uninstalled") is None


def test_a_lost_registry_costs_no_alarm(world):
    well(world)
    for item in world.dynamodb.scan(TableName="registry")["Items"]:
        world.dynamodb.delete_item(TableName="registry", Key={"pk": item["pk"], "sk": item["sk"]})
    world.run(600)
    assert list(alarms(world)) == [ALARM]
    for _ in range(4):
        world.sweep()
        world.run(900)
    assert list(alarms(world)) == [ALARM]


@pytest.mark.parametrize("action", [[], ["arn:aws:sns:us-east-1:123456789012:mine"]])
def test_what_somebody_does_to_an_alarm_by_hand_is_put_right_in_a_minute(world, action):
    well(world)
    cloudwatch = boto3.client("cloudwatch")
    (before,) = cloudwatch.describe_alarms()["MetricAlarms"]
    members = ("AlarmName", "AlarmDescription", "Namespace", "MetricName", "Dimensions", "Statistic", "Period",
               "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData")  # fmt: skip
    changed = {name: before[name] for name in members} | {"AlarmActions": action, "Threshold": 1.0 if action else 2.0}
    cloudwatch.put_metric_alarm(**changed)
    world.run(60)
    (after,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert {name: after[name] for name in members} == {name: before[name] for name in members}
    assert after["AlarmActions"] == []
    cloudwatch.delete_alarms(AlarmNames=[ALARM])
    world.run(60)
    assert list(alarms(world)) == [ALARM]


def test_a_crash_loop_with_a_hundred_seconds_of_uptime_is_impaired_and_not_recovered_while_it_goes_on(world):
    arn = well(world)
    released(world, arn, OFF, environment={"CRASH_AFTER_SECONDS": "100"})
    world.run(1800)
    states = []
    for _ in range(30):
        world.run(120)
        states.append(alarms(world)[ALARM])
    assert states == ["ALARM"] * 30
    released(world, arn, OFF)
    world.run(2400)
    assert alarms(world) == {ALARM: "OK"}


def test_a_route_that_is_well_costs_no_metric_after_its_first_hour(world):
    well(world)
    world.run(3600)
    since = world.clock.time()
    world.run(3600)
    assert values(world, "Impaired", since) == []
    assert values(world, "Healthy", since) == [2.0] * 60
    assert values(world, "Heartbeat", since) == [1.0] * 60
    assert alarms(world) == {ALARM: "OK"}


def test_an_alarm_that_somebody_sets_while_the_route_has_no_values_gets_those_that_end_it(world):
    well(world)
    world.run(3600)
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName=ALARM, StateValue="ALARM", StateReason="a test of the messages"
    )
    world.run(180)
    assert alarms(world) == {ALARM: "OK"}


def outages(world) -> list[str]:
    """The state of the route's alarm in each minute of five hours: an outage after hours without a value, an outage of the probe in
    the middle of another, and single minutes in between."""
    well(world)
    states = []

    def watched(minutes):
        for _ in range(minutes):
            world.run(60)
            states.append(alarms(world)[ALARM])

    watched(100)
    close(world)
    watched(12)
    reopen(world)
    watched(90)
    close(world)
    watched(3)
    with failing(world.lattice, "ListTargets", "AccessDeniedException"):
        watched(10)
    watched(10)
    reopen(world, "third")
    watched(80)
    return states


def test_the_alarm_comes_and_ends_in_the_minutes_in_which_it_would_if_each_minute_had_its_value(monkeypatch):
    with worlds.started() as world:
        sparse = outages(world)
        published = len(values(world, "Impaired"))
    monkeypatch.setattr(Series, "values", lambda _, reading: reading.metrics())
    monkeypatch.setattr(Series, "zeros", lambda *_: ())
    with worlds.started() as world:
        whole = outages(world)
        assert published < len(values(world, "Impaired"))
    assert sparse == whole
    assert "ALARM" in sparse[:115]
    assert sparse[-1] == "OK"
