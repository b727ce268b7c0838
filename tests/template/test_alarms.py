"""The stack's own alarms and the topic: what watches what, and who is notified."""

import re
from typing import Any

import pytest

from ecs_lattice.health import metric_names
from tests.template import promises
from tests.template.resolution import DEFAULTS, FALLBACK, OWNER, resolved

PREFIX = metric_names.alarm_prefix(OWNER) + "stack/"


@pytest.fixture(scope="module")
def alarms(of) -> dict[str, dict[str, Any]]:
    return {key: resolved(alarm) for key, alarm in of.type("AWS::CloudWatch::Alarm").items()}


def watching(alarms: dict[str, dict[str, Any]], metric: str) -> dict[str, dict[str, Any]]:
    """The alarms of a metric, by the one dimension's value."""
    return {a["Dimensions"][0]["Value"]: a for a in alarms.values() if a["MetricName"] == metric}


def test_every_alarm_is_named_under_the_prefix_that_the_rule_listens_to(alarms, of):
    names = [alarm["AlarmName"] for alarm in alarms.values()]
    assert len(set(names)) == len(names) == 24
    pattern = resolved(of.type("AWS::Events::Rule")["AlarmStateRule"]["EventPattern"])
    assert pattern["detail"]["alarmName"] == [{"prefix": metric_names.alarm_prefix(OWNER)}]
    for name in names:
        assert re.fullmatch(re.escape(PREFIX) + r"[a-z]+(-[a-z]+)*", name)


def test_no_route_of_any_ecs_service_can_have_the_name_of_an_alarm_of_the_stack(alarms):
    # A route's alarm has at least three parts after the owner, one of the stack has two.
    assert {
        alarm["AlarmName"].removeprefix(metric_names.alarm_prefix(OWNER)).count("/") for alarm in alarms.values()
    } == {1}


def test_no_owner_is_the_beginning_of_anothers_alarm_names(source):
    # With a slash the stack of owner "a" would receive the alarms of owner "a/b", too.
    pattern = source["Parameters"]["Owner"]["AllowedPattern"]
    assert re.fullmatch(pattern, "team-a.prod:1")
    assert not re.fullmatch(pattern, "a/b")


def test_every_alarm_says_what_to_do_and_what_missing_data_means(alarms):
    for key, alarm in alarms.items():
        assert 60 < len(alarm["AlarmDescription"]) <= 1024, key
        assert re.search(r"Look|log group|redrive|Read the", alarm["AlarmDescription"]), key
        assert alarm["TreatMissingData"] == ("breaching" if key == "ProbeSilentAlarm" else "notBreaching"), key


def test_errors_and_throttles_of_every_function_are_watched(alarms, of):
    functions = {f"<{key}>" for key in set(of.type("AWS::Lambda::Function")) - promises.ANSWERS_WHO_ASKS}
    for metric in ("Errors", "Throttles"):
        found = watching(alarms, metric)
        assert set(found) == functions
        for alarm in found.values():
            assert (alarm["Namespace"], alarm["Statistic"]) == ("AWS/Lambda", "Sum")
            assert alarm["Dimensions"][0]["Name"] == "FunctionName"


def test_every_dead_letter_queue_and_every_queue_that_a_function_reads_is_watched(alarms, of):
    queues = of.type("AWS::SQS::Queue")
    dead = {f"<{key}.QueueName>" for key in queues if "RedrivePolicy" not in queues[key]}
    assert set(watching(alarms, "ApproximateNumberOfMessagesVisible")) == dead
    consumed = {of.target(m["EventSourceArn"]) for m in of.type("AWS::Lambda::EventSourceMapping").values()}
    ages = watching(alarms, "ApproximateAgeOfOldestMessage")
    assert set(ages) == {f"<{key}.QueueName>" for key in consumed}
    # Delayed messages wait up to 900 seconds by intention.
    delayed = {"<EcsEventsQueue.QueueName>", "<AlarmsQueue.QueueName>"}
    assert {name for name, alarm in ages.items() if alarm["Threshold"] > 900} == delayed


def test_the_probes_silence_is_noticed_after_five_minutes_and_not_while_a_new_stack_begins(alarms):
    alarm = alarms["ProbeSilentAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric_names.NAMESPACE, metric_names.HEARTBEAT)
    assert alarm["Dimensions"] == [{"Name": metric_names.OWNER, "Value": OWNER}]
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 300
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["WarmUpConfiguration"]["WarmUpPeriodDurationInMinutes"] * 60 > 300


def test_alarms_have_no_action_but_those_about_the_alarm_function_itself(of):
    conditions = {**DEFAULTS, "HasFallbackTopic": True}
    acting = {}
    for key, alarm in of.type("AWS::CloudWatch::Alarm").items():
        actions = resolved(alarm, conditions)
        assert actions.get("AlarmActions") == actions.get("OKActions"), key
        if "AlarmActions" in actions:
            acting[key] = actions["AlarmActions"]
            assert resolved(alarm)["AlarmActions"] == "<AWS::NoValue>", key
    assert acting == dict.fromkeys(
        ["AlarmErrorsAlarm", "AlarmThrottlesAlarm", "AlarmsDeadLettersAlarm", "AlarmsAgeAlarm"], [FALLBACK]
    )


def test_the_topic_is_encrypted_and_neither_a_rule_nor_an_alarm_points_at_it(of):
    (topic,) = of.type("AWS::SNS::Topic").values()
    assert topic["KmsMasterKeyId"] == "alias/aws/sns"  # which CloudWatch and EventBridge cannot use
    for kind in ("AWS::Events::Rule", "AWS::CloudWatch::Alarm"):
        assert "NotifyTopic" not in repr(of.type(kind))


def test_each_subscription_is_there_when_its_parameter_is_set(resources, source):
    expected = {
        "NotifyEmailSubscription": ("NotifiesEmail", "email", "NotifyEmail"),
        "NotifyEmail2Subscription": ("NotifiesEmail2", "email", "NotifyEmail2"),
        "NotifyUrlSubscription": ("NotifiesUrl", "https", "NotifyUrl"),
    }
    found = {key: r for key, r in resources.items() if r["Type"] == "AWS::SNS::Subscription"}
    assert set(found) == set(expected)
    for key, (condition, protocol, parameter) in expected.items():
        properties = found[key]["Properties"]
        assert (found[key]["Condition"], properties["Protocol"]) == (condition, protocol)
        assert properties["Endpoint"] == {"Ref": parameter}
        assert source["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("NotifyEmail", ["", "on-call@example.com", "a.b+c@x.y"], ["on-call", "a@b c", "@x", "a@"]),
        ("NotifyUrl", ["", "https://example.com/hook?a=b"], ["http://example.com", "https://", "ftp://x"]),
        ("FallbackTopic", ["", FALLBACK, "arn:aws-cn:sns:cn-north-1:123456789012:t"], [FALLBACK + ".fifo", "fallback"]),
    ],
)
def test_subscription_parameters_are_validated(source, parameter, good, bad):
    pattern = source["Parameters"][parameter]["AllowedPattern"]
    assert all(re.fullmatch(pattern, value) for value in good)
    assert not any(re.fullmatch(pattern, value) for value in bad)
