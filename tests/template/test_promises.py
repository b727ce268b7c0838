"""The template keeps its promises, and each promise is broken by what ought to break it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.template import promises, translation

type Resources = dict[str, Any]


@pytest.mark.parametrize("name", promises.PROMISES)
def test_the_template_keeps_its_promise(translated, name):
    assert list(promises.PROMISES[name](translated)) == []


@pytest.mark.parametrize("parameters", [{"Architecture": "arm64"}, {"Architecture": "x86_64"}, {"Owner": "platform"}])
def test_it_keeps_them_whatever_the_parameters_are(parameters):
    assert promises.broken(translation.translated_with(parameters)) == {}


def new_function(r: Resources) -> None:
    r["NewFunction"] = copy.deepcopy(r["AlarmFunction"])


def naked_function(r: Resources) -> None:
    r["NewFunction"] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Role": {"Fn::GetAtt": ["AlarmFunctionRole", "Arn"]}},
    }


def new_queue_that_is_read(r: Resources) -> None:
    r["NewQueue"] = {"Type": "AWS::SQS::Queue", "Properties": {"SqsManagedSseEnabled": True}}
    r["NewMapping"] = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": {"Ref": "AlarmFunction"}, "EventSourceArn": {"Fn::GetAtt": ["NewQueue", "Arn"]}},
    }


def new_dead_letter_queue(r: Resources) -> None:
    r["NewQueue"] = {"Type": "AWS::SQS::Queue", "Properties": {}}


def new_rule(r: Resources) -> None:
    r["NewRule"] = {
        "Type": "AWS::Events::Rule",
        "Properties": {"Targets": [{"Id": "it", "Arn": {"Fn::GetAtt": ["AlarmsQueue", "Arn"]}}]},
    }


def properties(r: Resources, key: str) -> dict[str, Any]:
    return r[key]["Properties"]


def set_to(key: str, name: str, value: Any) -> Callable[[Resources], None]:
    return lambda r: properties(r, key).__setitem__(name, value)


def without(key: str, name: str) -> Callable[[Resources], None]:
    return lambda r: properties(r, key).pop(name)


def removed(key: str) -> Callable[[Resources], None]:
    return lambda r: r.pop(key)


def statement(key: str, **changes: Any) -> Callable[[Resources], None]:
    def change(r: Resources) -> None:
        document = properties(r, key)["Policies"][0]["PolicyDocument"]
        document["Statement"].append({"Sid": "New", "Effect": "Allow", **changes})

    return change


# What is done to the template, and the promises that it breaks; no other.
BREAKAGES: dict[str, tuple[Callable[[Resources], None], dict[str, list[str]]]] = {
    "a function in another's log group": (
        new_function,
        {
            "every_function_logs_json_into_a_group_of_its_own": ["NewFunction"],
            "every_function_that_reads_no_queue_puts_aside_what_failed": ["NewFunction"],
            "every_function_and_every_queue_has_its_alarms": ["NewFunction Errors", "NewFunction Throttles"],
        },
    ),
    "a function with nothing": (
        naked_function,
        {
            "every_function_logs_json_into_a_group_of_its_own": ["NewFunction"],
            "every_function_that_reads_no_queue_puts_aside_what_failed": ["NewFunction"],
            "every_function_runs_on_the_chosen_architecture_and_arm64_is_the_default": ["NewFunction"],
            "every_function_and_every_queue_has_its_alarms": ["NewFunction Errors", "NewFunction Throttles"],
        },
    ),
    "a queue that is read and has nothing": (
        new_queue_that_is_read,
        {
            "every_queue_that_is_read_puts_aside_what_fails": ["NewQueue"],
            "every_queue_and_topic_refuses_unencrypted_transport": ["NewQueue"],
            "a_message_stays_invisible_for_six_times_as_long_as_its_function_may_take": ["NewQueue"],
            "every_function_and_every_queue_has_its_alarms": ["NewQueue ApproximateAgeOfOldestMessage"],
            "what_holds_state_says_what_becomes_of_it": ["NewQueue"],
        },
    ),
    "a dead-letter queue without retention": (
        new_dead_letter_queue,
        {
            "every_queue_that_nobody_reads_keeps_its_messages_for_fourteen_days": ["NewQueue"],
            "what_is_stored_is_encrypted": ["NewQueue"],
            "every_queue_and_topic_refuses_unencrypted_transport": ["NewQueue"],
            "every_function_and_every_queue_has_its_alarms": ["NewQueue ApproximateNumberOfMessagesVisible"],
            "what_holds_state_says_what_becomes_of_it": ["NewQueue"],
        },
    ),
    "a rule without a dead-letter queue, which the queue does not let in": (
        new_rule,
        {
            "every_target_of_a_rule_puts_aside_what_it_cannot_deliver": ["NewRule"],
            "every_queue_lets_in_exactly_the_rules_that_send_there": ["AlarmsQueue"],
        },
    ),
    "a rule with a FIFO dead-letter queue": (
        lambda r: properties(r, "ApiCallRule")["Targets"][0].update(
            DeadLetterConfig={"Arn": {"Fn::GetAtt": ["EcsServicesDeadLetterQueue", "Arn"]}}
        ),
        {
            "every_target_of_a_rule_puts_aside_what_it_cannot_deliver": ["ApiCallRule"],
            "every_queue_lets_in_exactly_the_rules_that_send_there": ["DeadLetterQueue", "EcsServicesDeadLetterQueue"],
        },
    ),
    "a bucket": (
        lambda r: r.update(NewBucket={"Type": "AWS::S3::Bucket"}),
        {
            "every_kind_of_resource_has_been_thought_about": ["NewBucket"],
            "what_holds_state_says_what_becomes_of_it": ["NewBucket"],
        },
    ),
    "text logs": (
        lambda r: properties(r, "ResyncFunction")["LoggingConfig"].update(LogFormat="Text"),
        {"every_function_logs_json_into_a_group_of_its_own": ["ResyncFunction"]},
    ),
    "logs for ever": (
        without("AccessLogGroup", "RetentionInDays"),
        {"every_log_group_forgets_after_a_time": ["AccessLogGroup"]},
    ),
    "a longer timeout": (
        set_to("EcsServiceFunction", "Timeout", 61),
        {"a_message_stays_invisible_for_six_times_as_long_as_its_function_may_take": ["EcsServicesQueue"]},
    ),
    "a queue that gives up at once": (
        lambda r: properties(r, "AlarmsQueue")["RedrivePolicy"].update(maxReceiveCount=1),
        {"every_queue_that_is_read_puts_aside_what_fails": ["AlarmsQueue"]},
    ),
    "a dead-letter queue of the other kind": (
        without("EcsServicesDeadLetterQueue", "FifoQueue"),
        {"every_queue_that_is_read_puts_aside_what_fails": ["EcsServicesQueue"]},
    ),
    "resyncs that fail without a trace": (
        removed("ResyncFunctionEventInvokeConfig"),
        {"every_function_that_reads_no_queue_puts_aside_what_failed": ["ResyncFunction"]},
    ),
    "a destination that the role may not send to": (
        lambda r: properties(r, "LatticeIngressFunctionRole")["Policies"][0]["PolicyDocument"].update(Statement=[]),
        {"every_function_that_reads_no_queue_puts_aside_what_failed": ["LatticeIngressFunction"]},
    ),
    "a probe whose end nobody notices": (
        set_to("ProbeSilentAlarm", "TreatMissingData", "missing"),
        {"every_function_that_reads_no_queue_puts_aside_what_failed": ["TargetHealthFunction"]},
    ),
    "an endpoint without a dead-letter queue": (
        without("NotifyUrlSubscription", "RedrivePolicy"),
        {"every_endpoint_that_may_fail_puts_aside_what_it_did_not_take": ["NotifyUrlSubscription"]},
    ),
    "a table in the clear": (
        without("RegistryTable", "SSESpecification"),
        {"what_is_stored_is_encrypted": ["RegistryTable"]},
    ),
    "a topic in the clear": (
        without("NotifyTopic", "KmsMasterKeyId"),
        {"what_is_stored_is_encrypted": ["NotifyTopic"]},
    ),
    "a topic without a policy": (
        removed("NotifyTopicPolicy"),
        {"every_queue_and_topic_refuses_unencrypted_transport": ["NotifyTopic"]},
    ),
    "a queue whose policy lets plain HTTP in": (
        lambda r: properties(r, "AlarmsQueuePolicy")["PolicyDocument"]["Statement"].pop(),
        {"every_queue_and_topic_refuses_unencrypted_transport": ["AlarmsQueue"]},
    ),
    "a queue with two policies, of which SQS keeps the last": (
        lambda r: properties(r, "QueuesPolicy")["Queues"].append({"Ref": "DeadLetterQueue"}),
        {"every_queue_and_topic_refuses_unencrypted_transport": ["DeadLetterQueue"]},
    ),
    "a function on x86_64 alone": (
        set_to("AlarmFunction", "Architectures", ["x86_64"]),
        {"every_function_runs_on_the_chosen_architecture_and_arm64_is_the_default": ["AlarmFunction"]},
    ),
    "an alarm less": (
        removed("EcsEventsAgeAlarm"),
        {"every_function_and_every_queue_has_its_alarms": ["EcsEventsQueue ApproximateAgeOfOldestMessage"]},
    ),
    "a table that goes with the stack": (
        lambda r: r["RegistryTable"].update(DeletionPolicy="Delete"),
        {"what_serves_or_remembers_outlives_the_stack": ["RegistryTable"]},
    ),
    "a role of ECS that goes with the stack": (
        lambda r: r["InfrastructureRole"].pop("DeletionPolicy"),
        {"what_serves_or_remembers_outlives_the_stack": ["InfrastructureRole"]},
    ),
    "an association of which nothing is said": (
        lambda r: [r["Vpc2Association"].pop(policy) for policy in ("DeletionPolicy", "UpdateReplacePolicy")],
        {
            "what_holds_state_says_what_becomes_of_it": ["Vpc2Association"],
            "what_serves_or_remembers_outlives_the_stack": ["Vpc2Association"],
        },
    ),
    "a write on anything": (
        statement("AlarmFunctionRole", Action="ecs:UpdateService", Resource="*"),
        {"nothing_is_written_on_any_resource_or_by_any_action": ["AlarmFunctionRole New"]},
    ),
    "a read and a write on anything": (
        statement("AlarmFunctionRole", Action=["ecs:ListTasks", "ecs:StopTask"], Resource=["*"]),
        {"nothing_is_written_on_any_resource_or_by_any_action": ["AlarmFunctionRole New"]},
    ),
    "all actions of a service": (
        statement("AlarmFunctionRole", Action="sqs:*", Resource={"Fn::GetAtt": ["AlarmsQueue", "Arn"]}),
        {"nothing_is_written_on_any_resource_or_by_any_action": ["AlarmFunctionRole New"]},
    ),
    "all actions but some": (
        statement("AlarmFunctionRole", NotAction="iam:*", Resource="*"),
        {"nothing_is_written_on_any_resource_or_by_any_action": ["AlarmFunctionRole New"]},
    ),
    "a queue open to everybody": (
        lambda r: properties(r, "DeadLetterQueuePolicy")["PolicyDocument"]["Statement"][1].update(Principal="*"),
        {"nobody_is_let_in_without_a_condition": ["DeadLetterQueuePolicy"]},
    ),
    "a function that any rule may invoke": (
        without("ResyncFunctionEveryQuarterHourPermission", "SourceArn"),
        {"nobody_is_let_in_without_a_condition": ["ResyncFunctionEveryQuarterHourPermission"]},
    ),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_what_breaks_a_promise_is_named(translated, name):
    change, expected = BREAKAGES[name]
    template = copy.deepcopy(translated)
    change(template["Resources"])
    assert promises.broken(template) == expected


def test_another_default_architecture_is_named(translated):
    template = copy.deepcopy(translated)
    template["Parameters"]["Architecture"]["Default"] = "x86_64"
    assert promises.broken(template) == {
        "every_function_runs_on_the_chosen_architecture_and_arm64_is_the_default": ["Architecture"]
    }


def test_every_promise_is_broken_by_something():
    named = set().union(*(expected for _, expected in BREAKAGES.values()))
    assert named == set(promises.PROMISES)
