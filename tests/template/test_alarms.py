"""The stack's own alarms, the dashboard and the topic: what watches what, and who is notified."""

import json
import re
from typing import Any

import pytest

from ecs_lattice.health import metric_names
from tests.template import promises

OWNER = "the-owner"
PREFIX = metric_names.alarm_prefix(OWNER) + "stack/"
# The conditions with the parameters' defaults, and with what an operator may set.
DEFAULTS = {"OwnerIsStackName": True, "HasFallbackTopic": False}
FALLBACK = "arn:aws:sns:us-east-1:123456789012:fallback"


def resolved(value: Any, conditions: dict[str, bool] = DEFAULTS) -> Any:
    """``value`` as CloudFormation would make it; a resource is ``<its logical id>``, an attribute ``<id.attribute>``."""
    if isinstance(value, list):
        return [resolved(item, conditions) for item in value]
    if not isinstance(value, dict):
        return value
    ((function, argument),) = value.items() if len(value) == 1 else ((None, None),)
    known = {"AWS::StackName": OWNER, "FallbackTopic": FALLBACK}
    if function == "Ref":
        return known.get(argument, f"<{argument}>")
    if function == "Fn::GetAtt":
        return f"<{argument if isinstance(argument, str) else '.'.join(argument)}>"
    if function == "Fn::If":
        return resolved(argument[1 if conditions[argument[0]] else 2], conditions)
    if function == "Fn::Join":
        return argument[0].join(map(str, resolved(argument[1], conditions)))
    if function == "Fn::Sub":
        text, values = argument if isinstance(argument, list) else (argument, {})
        values = resolved(values, conditions)
        text = re.sub(r"\$\{([A-Za-z0-9:.]+)\}", lambda m: str(values.get(m[1], f"<{m[1]}>")), text)
        return text.replace("${!", "${")
    return {key: resolved(item, conditions) for key, item in value.items()}


@pytest.fixture(scope="module")
def alarms(of) -> dict[str, dict[str, Any]]:
    return {key: resolved(alarm) for key, alarm in of.type("AWS::CloudWatch::Alarm").items()}


@pytest.fixture(scope="module")
def dashboard(of) -> list[dict[str, Any]]:
    """The widgets."""
    (found,) = of.type("AWS::CloudWatch::Dashboard").values()
    return json.loads(resolved(found["DashboardBody"]))["widgets"]


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


def metrics(dashboard: list[dict[str, Any]]) -> list[list[Any]]:
    return [metric for widget in dashboard if widget["type"] == "metric" for metric in widget["properties"]["metrics"]]


def test_the_widgets_lie_side_by_side_on_the_grid_of_24_columns(dashboard):
    taken: set[tuple[int, int]] = set()
    for widget in dashboard:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget["properties"]["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len(taken) % 24 == 0, "there is a gap"


def test_the_dashboard_shows_all_alarms_of_the_stack(dashboard, alarms):
    (status,) = [widget["properties"] for widget in dashboard if widget["type"] == "alarm"]
    assert sorted(status["alarms"]) == sorted(f"<{key}.Arn>" for key in alarms)
    assert len(status["alarms"]) <= 100  # CloudWatch API, alarm status widget


def test_the_dashboard_finds_the_routes_by_the_dimensions_that_are_published(dashboard):
    searched = {}
    for (search,) in [metric for metric in metrics(dashboard) if isinstance(metric[0], dict)]:
        found = re.fullmatch(r"SEARCH\('\{(.*)\} MetricName=\"(\w+)\"', 'Maximum', 60\)", search["expression"])
        searched[found[2]] = found[1].split(",")
        assert "PROP('Dim.LatticeService')" in search["label"]
        assert re.fullmatch(r"[a-z]\w*", search["id"])
    assert set(searched) == {metric_names.IMPAIRED}
    dimensions = [metric_names.NAMESPACE, metric_names.LATTICE_SERVICE, metric_names.ECS_SERVICE, metric_names.ROUTE]
    assert all(schema == dimensions for schema in searched.values())


def test_every_metric_of_ours_has_an_alarm(dashboard, alarms):
    """CloudWatch bills them; what nobody watches stands in the log lines, from which the dashboard takes it."""
    ours = {metric[1] for metric in metrics(dashboard) if metric[0] == metric_names.NAMESPACE}
    watched = {one["MetricName"] for one in alarms.values() if one.get("Namespace") == metric_names.NAMESPACE}
    assert ours == watched == {metric_names.HEARTBEAT}  # and Impaired, which the alarms of the routes watch


def test_the_dashboard_takes_the_targets_by_status_from_the_log(dashboard):
    queries = " ".join(widget["properties"]["query"] for widget in dashboard if widget["type"] == "log")
    assert all(re.search(rf"\b{name}\b", queries) for name in metric_names.BY_STATUS)


def test_the_dashboard_shows_every_function_and_every_queue(dashboard, of):
    shown: dict[str, set[str]] = {}
    for metric in metrics(dashboard):
        if str(metric[0]).startswith("AWS/"):
            shown.setdefault(metric[1], set()).add(metric[3])
    functions = {f"<{key}>" for key in of.type("AWS::Lambda::Function")}
    queues = of.type("AWS::SQS::Queue")
    assert shown == {
        "Errors": functions,
        "Throttles": functions,
        "Duration": functions,
        "ApproximateNumberOfMessagesVisible": {
            f"<{k}.QueueName>" for k, q in queues.items() if "RedrivePolicy" not in q
        },
        "ApproximateAgeOfOldestMessage": {f"<{k}.QueueName>" for k, q in queues.items() if "RedrivePolicy" in q},
    }


def test_every_widget_has_a_title_and_the_region_of_the_stack(dashboard):
    titles = [widget["properties"]["title"] for widget in dashboard]
    assert len(set(titles)) == len(titles)
    assert {w["properties"]["region"] for w in dashboard if w["type"] != "alarm"} == {"<AWS::Region>"}
    for widget in dashboard:
        if widget["type"] == "metric":
            assert widget["properties"]["stat"] in {"Maximum", "Sum", "p99"}


def test_the_log_widget_reads_groups_of_this_stack(dashboard, of):
    for log in [widget["properties"] for widget in dashboard if widget["type"] == "log"]:
        groups = set(re.findall(r"SOURCE '<(\w+)>'", log["query"]))
        assert groups
        assert groups <= set(of.type("AWS::Logs::LogGroup"))
