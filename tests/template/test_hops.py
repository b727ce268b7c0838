"""Queues, rules and schedules: nothing that is sent can get lost without a trace."""

from typing import Any

import pytest

UNDELIVERED = "DeadLetterQueue"


def sources(of) -> dict[str, dict[str, Any]]:
    """The event source mappings by the logical id of the queue they read."""
    return {of.target(m["EventSourceArn"]): m for m in of.type("AWS::Lambda::EventSourceMapping").values()}


def test_no_queue_deduplicates_by_content(of):
    queues = of.type("AWS::SQS::Queue")
    assert [key for key, queue in queues.items() if queue.get("ContentBasedDeduplication")] == []
    assert {key for key, queue in queues.items() if queue.get("FifoQueue")} == {
        "EcsServicesQueue",
        "LatticeServicesQueue",
        "EcsServicesDeadLetterQueue",
        "LatticeServicesDeadLetterQueue",
    }


def test_every_queue_that_a_function_reads_has_a_dead_letter_queue_of_its_own_kind_that_keeps_longer(of):
    queues = of.type("AWS::SQS::Queue")
    dead = []
    for key in sources(of):
        redrive = queues[key]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] == 5
        dead_letters = of.target(redrive["deadLetterTargetArn"])
        assert bool(queues[dead_letters].get("FifoQueue")) == bool(queues[key].get("FifoQueue")), key
        assert queues[dead_letters]["MessageRetentionPeriod"] == 1209600 > queues[key]["MessageRetentionPeriod"]
        dead.append(dead_letters)
    assert len(set(dead)) == 4
    assert UNDELIVERED not in dead


def test_visibility_is_six_times_the_time_out_of_the_function_that_reads_the_queue(of):
    functions = of.type("AWS::Lambda::Function")
    for key, mapping in sources(of).items():
        timeout = functions[of.target(mapping["FunctionName"])]["Timeout"]
        assert of.type("AWS::SQS::Queue")[key]["VisibilityTimeout"] == 6 * timeout == 360


def test_every_queue_is_read_with_partial_batch_answers(of):
    assert set(sources(of)) == {"EcsEventsQueue", "EcsServicesQueue", "LatticeServicesQueue", "AlarmsQueue"}
    for mapping in sources(of).values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(
    ("queue", "concurrency"), [("EcsServicesQueue", 10), ("LatticeServicesQueue", 5), ("AlarmsQueue", 2)]
)
def test_reconcilers_and_the_alarm_function_take_one_message_at_a_time(of, queue, concurrency):
    mapping = sources(of)[queue]
    assert mapping["BatchSize"] == 1
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": concurrency}
    assert "MaximumBatchingWindowInSeconds" not in mapping  # not allowed on FIFO queues


def test_events_are_batched_over_five_seconds(of):
    assert sources(of)["EcsEventsQueue"]["MaximumBatchingWindowInSeconds"] == 5


MINUTE = "TargetHealthFunctionEveryMinute"  # the next run makes up for a missed one: no dead letter


def test_every_rule_retries_for_a_while_and_then_sends_the_event_to_the_dead_letter_queue(of):
    for key, rule in of.type("AWS::Events::Rule").items():
        assert rule["Description"], key
        for target in rule["Targets"]:
            dead_letters = target.get("DeadLetterConfig")
            assert of.target(dead_letters["Arn"]) == UNDELIVERED if dead_letters else key == MINUTE, key
            assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 60
            assert "SqsParameters" not in target


def allowing(policy):
    return [statement for statement in policy["PolicyDocument"]["Statement"] if statement["Effect"] == "Allow"]


def test_a_queue_takes_messages_only_from_the_rules_that_point_at_it(of):
    granted = {}
    for policy in of.type("AWS::SQS::QueuePolicy").values():
        if not (allowed := allowing(policy)):
            continue
        (queue,) = policy["Queues"]
        statement, *of_the_topic = allowed
        assert bool(of_the_topic) == (of.target(queue) == UNDELIVERED)
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert of.target(statement["Resource"]) == of.target(queue)
        granted[of.target(queue)] = {of.target(arn) for arn in statement["Condition"]["ArnEquals"]["aws:SourceArn"]}
    rules = of.type("AWS::Events::Rule")
    to_events = {k for k, r in rules.items() if any(of.target(t["Arn"]) == "EcsEventsQueue" for t in r["Targets"])}
    to_alarms = {k for k, r in rules.items() if any(of.target(t["Arn"]) == "AlarmsQueue" for t in r["Targets"])}
    assert granted == {"EcsEventsQueue": to_events, "AlarmsQueue": to_alarms, UNDELIVERED: set(rules) - {MINUTE}}
    assert to_alarms == {"AlarmStateRule", "TargetUnhealthyRule", "RouteStateRule"}


def test_what_the_url_does_not_accept_goes_to_the_dead_letter_queue(of):
    (https,) = [s for s in of.type("AWS::SNS::Subscription").values() if s["Protocol"] == "https"]
    assert of.target(https["RedrivePolicy"]["deadLetterTargetArn"]) == UNDELIVERED
    (policy,) = [p for p in of.type("AWS::SQS::QueuePolicy").values() if of.target(p["Queues"][0]) == UNDELIVERED]
    _, statement = allowing(policy)
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert (statement["Action"], of.target(statement["Resource"])) == ("sqs:SendMessage", UNDELIVERED)
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "NotifyTopic"}}}


def test_a_function_that_is_invoked_asynchronously_sends_what_failed_to_the_dead_letter_queue(of):
    functions = of.type("AWS::Lambda::Function")
    rules = of.type("AWS::Events::Rule").values()
    invoked = {of.target(t["Arn"]) for rule in rules for t in rule["Targets"]} & set(functions)
    assert invoked == {"ResyncFunction", "TargetHealthFunction"}
    configured = {of.target(c["FunctionName"]): c for c in of.type("AWS::Lambda::EventInvokeConfig").values()}
    # CloudFormation invokes custom resources asynchronously.
    assert set(configured) == {*invoked, "LatticeIngressFunction"}
    for function in set(configured) - {"TargetHealthFunction"}:
        assert of.target(configured[function]["DestinationConfig"]["OnFailure"]["Destination"]) == UNDELIVERED


def test_a_failed_probe_is_not_retried_because_the_next_one_comes_within_the_minute(of):
    configured = {of.target(c["FunctionName"]): c for c in of.type("AWS::Lambda::EventInvokeConfig").values()}
    probe = configured["TargetHealthFunction"]
    assert (probe["MaximumRetryAttempts"], probe["MaximumEventAgeInSeconds"]) == (0, 60)
    assert not probe.get("DestinationConfig")
    (target,) = of.type("AWS::Events::Rule")[MINUTE]["Targets"]
    assert "DeadLetterConfig" not in target
    assert of.type("AWS::Lambda::Function")["TargetHealthFunction"]["Timeout"] == 60


def test_the_resync_runs_every_quarter_of_an_hour_and_the_probe_every_minute(of):
    schedules = {
        of.target(r["Targets"][0]["Arn"]): r["ScheduleExpression"]
        for r in of.type("AWS::Events::Rule").values()
        if "ScheduleExpression" in r
    }
    assert schedules == {"ResyncFunction": "rate(15 minutes)", "TargetHealthFunction": "rate(1 minute)"}
    assert of.type("AWS::Lambda::Function")["ResyncFunction"]["Timeout"] < 15 * 60
