"""What the template promises of every resource, whichever it has: each promise names those of a template that break it.

A promise asks the whole of a kind, never a list of names, so that what is added later is held to it as well.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from tests.template.translation import listed, target

type Template = Mapping[str, Any]
type Promise = Callable[[Template], Iterator[str]]

PROMISES: dict[str, Promise] = {}
DAYS_14 = 1209600  # the longest that SQS keeps a message (Amazon SQS Developer Guide, quotas)

# Kinds that the promises below speak of, or of which there is nothing to promise. Another kind has to be thought about.
KINDS = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::VpcLattice::AccessLogSubscription",
    "AWS::VpcLattice::AuthPolicy",
    "Custom::RetainedResources",
    "AWS::VpcLattice::ServiceNetwork",
    "AWS::VpcLattice::ServiceNetworkVpcAssociation",
}
# What traffic or the next installation needs, beside every table: it has to outlive the stack.
SERVING = {kind for kind in KINDS if kind.startswith("AWS::VpcLattice::")}
# The Lambda functions whose failed runs are not worth a dead letter, and the alarm that fires when they stop.
WATCHED_BY_AN_ALARM = {"TargetHealthFunction": "ProbeSilentAlarm"}
# Whoever asks waits for the answer and sees the error: nothing to put aside, and no alarm for what somebody mistyped.
ANSWERS_WHO_ASKS = {"QueryFunction"}


def promise(check: Promise) -> Promise:
    """Count ``check`` among the promises, by its name."""
    PROMISES[check.__name__] = check
    return check


def broken(template: Template) -> dict[str, list[str]]:
    """The promises that ``template`` breaks, and where."""
    found = {name: sorted(check(template)) for name, check in PROMISES.items()}
    return {name: where for name, where in found.items() if where}


def kind(template: Template, name: str) -> dict[str, dict[str, Any]]:
    """Properties of the resources of a kind, by logical id."""
    return {key: r.get("Properties", {}) for key, r in template["Resources"].items() if r["Type"] == name}


def reading(template: Template) -> dict[str, set[str]]:
    """The queues that each function reads."""
    found: dict[str, set[str]] = {}
    for mapping in kind(template, "AWS::Lambda::EventSourceMapping").values():
        found.setdefault(target(mapping["FunctionName"]), set()).add(target(mapping["EventSourceArn"]))
    return found


@promise
def every_kind_of_resource_has_been_thought_about(template: Template) -> Iterator[str]:
    yield from (key for key, r in template["Resources"].items() if r["Type"] not in KINDS)


@promise
def every_function_logs_json_into_a_group_of_its_own(template: Template) -> Iterator[str]:
    groups = kind(template, "AWS::Logs::LogGroup")
    taken = set()
    for key, function in kind(template, "AWS::Lambda::Function").items():
        logging = function.get("LoggingConfig", {})
        group = target(logging["LogGroup"]) if "LogGroup" in logging else None
        if logging.get("LogFormat") != "JSON" or group not in groups or group in taken:
            yield key
        taken.add(group)


@promise
def every_log_group_forgets_after_a_time(template: Template) -> Iterator[str]:
    groups = kind(template, "AWS::Logs::LogGroup")
    yield from (key for key, group in groups.items() if not group.get("RetentionInDays"))


@promise
def every_queue_that_is_read_puts_aside_what_fails(template: Template) -> Iterator[str]:
    queues = kind(template, "AWS::SQS::Queue")
    read = set().union(*reading(template).values())
    for key in read:
        redrive = queues[key].get("RedrivePolicy")
        dead_letters = target(redrive["deadLetterTargetArn"]) if redrive else None
        if dead_letters not in queues or dead_letters in read or redrive["maxReceiveCount"] < 5:  # noqa: PLR2004  Lambda's own advice
            yield key
        elif bool(queues[dead_letters].get("FifoQueue")) != bool(queues[key].get("FifoQueue")):
            yield key  # SQS refuses it


@promise
def every_queue_that_nobody_reads_keeps_its_messages_for_fourteen_days(template: Template) -> Iterator[str]:
    read = set().union(*reading(template).values())
    for key, queue in kind(template, "AWS::SQS::Queue").items():
        if key not in read and queue.get("MessageRetentionPeriod") != DAYS_14:
            yield key


@promise
def every_target_of_a_rule_puts_aside_what_it_cannot_deliver(template: Template) -> Iterator[str]:
    queues = kind(template, "AWS::SQS::Queue")
    for key, rule in kind(template, "AWS::Events::Rule").items():
        for rule_target in rule["Targets"]:
            dead_letters = target(rule_target["DeadLetterConfig"]["Arn"]) if "DeadLetterConfig" in rule_target else None
            if dead_letters is None and target(rule_target["Arn"]) in WATCHED_BY_AN_ALARM:
                continue
            # EventBridge accepts no FIFO queue as a dead-letter queue (Amazon EventBridge User Guide, dead-letter queues).
            if dead_letters not in queues or queues[dead_letters].get("FifoQueue"):
                yield key


@promise
def every_queue_lets_in_exactly_the_rules_that_send_there(template: Template) -> Iterator[str]:
    rules = kind(template, "AWS::Events::Rule")
    sending: dict[str, set[str]] = {}
    for key, rule in rules.items():
        for rule_target in rule["Targets"]:
            arns = [
                rule_target["Arn"],
                *([rule_target["DeadLetterConfig"]["Arn"]] if "DeadLetterConfig" in rule_target else []),
            ]
            for queue in {target(arn) for arn in arns} & set(kind(template, "AWS::SQS::Queue")):
                sending.setdefault(queue, set()).add(key)
    granted: dict[str, set[str]] = {}
    for policy in kind(template, "AWS::SQS::QueuePolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Principal"] == {"Service": "events.amazonaws.com"}:
                arns = listed(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
                granted.setdefault(target(statement["Resource"]), set()).update(map(target, arns))
    yield from (
        queue for queue in {*sending, *granted} if sending.get(queue, set()) != granted.get(queue, set())
    )  # fmt: skip


@promise
def every_function_that_reads_no_queue_puts_aside_what_failed(template: Template) -> Iterator[str]:
    configured = {target(c["FunctionName"]): c for c in kind(template, "AWS::Lambda::EventInvokeConfig").values()}
    alarms = kind(template, "AWS::CloudWatch::Alarm")
    for key in set(kind(template, "AWS::Lambda::Function")) - set(reading(template)) - ANSWERS_WHO_ASKS:
        config = configured.get(key, {})
        on_failure = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if key in WATCHED_BY_AN_ALARM:
            is_watched = alarms.get(WATCHED_BY_AN_ALARM[key], {}).get("TreatMissingData") == "breaching"
            if not is_watched or config.get("MaximumRetryAttempts") != 0:
                yield key
        elif on_failure is None or not _may_send(template, key, target(on_failure)):
            yield key


def _may_send(template: Template, function: str, queue: str) -> bool:
    role = template["Resources"][target(template["Resources"][function]["Properties"]["Role"])]
    return any(
        "sqs:SendMessage" in listed(statement["Action"])
        and queue in {target(r) for r in listed(statement["Resource"]) if isinstance(r, dict) and "Fn::GetAtt" in r}
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    )


@promise
def every_endpoint_that_may_fail_puts_aside_what_it_did_not_take(template: Template) -> Iterator[str]:
    for key, subscription in kind(template, "AWS::SNS::Subscription").items():
        if subscription["Protocol"] not in {"email", "email-json"} and "RedrivePolicy" not in subscription:
            yield key


@promise
def a_message_stays_invisible_for_six_times_as_long_as_its_function_may_take(template: Template) -> Iterator[str]:
    functions, queues = kind(template, "AWS::Lambda::Function"), kind(template, "AWS::SQS::Queue")
    for function, read in reading(template).items():
        for queue in read:
            if queues[queue].get("VisibilityTimeout") != 6 * functions[function].get("Timeout", 3):
                yield queue


@promise
def what_is_stored_is_encrypted(template: Template) -> Iterator[str]:
    for key, queue in kind(template, "AWS::SQS::Queue").items():
        if queue.get("SqsManagedSseEnabled") is not True and "KmsMasterKeyId" not in queue:
            yield key
    for key, table in kind(template, "AWS::DynamoDB::Table").items():
        if table.get("SSESpecification", {}).get("SSEEnabled") is not True:
            yield key
    for key, topic in kind(template, "AWS::SNS::Topic").items():
        if not topic.get("KmsMasterKeyId"):
            yield key


@promise
def every_queue_and_topic_refuses_unencrypted_transport(template: Template) -> Iterator[str]:
    """By the one policy that it has: SQS and SNS keep the last of several (CloudFormation overwrites)."""
    kinds = (("AWS::SQS::Queue", "Queues", "sqs:*"), ("AWS::SNS::Topic", "Topics", "sns:Publish"))
    for resource, members, action in kinds:
        policies = [
            (p[members], p["PolicyDocument"]["Statement"]) for p in kind(template, f"{resource}Policy").values()
        ]
        for key in kind(template, resource):
            own = [statements for named, statements in policies if key in map(target, named)]
            if len(own) != 1 or not any(_denies_plain_http(statement, key, action) for statement in own[0]):
                yield key


def _denies_plain_http(statement: Mapping[str, Any], key: str, action: str) -> bool:
    resource = statement["Resource"]
    return (
        (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", action)
        and (resource == "*" or target(resource) == key)
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    )


@promise
def every_function_runs_on_the_chosen_architecture_and_arm64_is_the_default(template: Template) -> Iterator[str]:
    if template["Parameters"]["Architecture"]["Default"] != "arm64":
        yield "Architecture"
    offered = set(template["Parameters"]["Architecture"]["AllowedValues"])
    for key, function in kind(template, "AWS::Lambda::Function").items():
        if function.get("Architectures") != [{"Ref": "Architecture"}]:
            yield key
    for key, layer in kind(template, "AWS::Lambda::LayerVersion").items():
        if set(layer.get("CompatibleArchitectures", [])) != offered:
            yield key


@promise
def every_function_and_every_queue_has_its_alarms(template: Template) -> Iterator[str]:
    read = set().union(*reading(template).values())
    functions = set(kind(template, "AWS::Lambda::Function")) - ANSWERS_WHO_ASKS
    wanted = {(key, metric) for key in functions for metric in ("Errors", "Throttles")}
    for key in kind(template, "AWS::SQS::Queue"):
        wanted.add((key, "ApproximateAgeOfOldestMessage" if key in read else "ApproximateNumberOfMessagesVisible"))
    watched = {
        (target(dimension["Value"]), alarm["MetricName"])
        for alarm in kind(template, "AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Dimensions"]
        if isinstance(dimension["Value"], dict) and {"Ref", "Fn::GetAtt"} & set(dimension["Value"])
    }
    yield from (f"{key} {metric}" for key, metric in wanted - watched)


@promise
def what_holds_state_says_what_becomes_of_it(template: Template) -> Iterator[str]:
    """Kinds that hold state by CloudFormation's own list, which cfn-lint carries."""
    stateful = set(load_resource(AdditionalSpecs, "StatefulResources.json")["ResourceTypes"])
    for key, resource in template["Resources"].items():
        if resource["Type"] in stateful | SERVING and not {"DeletionPolicy", "UpdateReplacePolicy"} <= set(resource):
            yield key


@promise
def what_serves_or_remembers_outlives_the_stack(template: Template) -> Iterator[str]:
    for key, resource in template["Resources"].items():
        keeps = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        held = resource["Type"] in {*SERVING, "AWS::DynamoDB::Table"} or _is_taken_by(resource, "ecs.amazonaws.com")
        if held and keeps != ("RetainExceptOnCreate", "Retain"):
            yield key


def _is_taken_by(resource: Mapping[str, Any], service: str) -> bool:
    """Whether it is a role of which ``service`` makes use: it may be in use longer than there is a stack."""
    document = resource.get("Properties", {}).get("AssumeRolePolicyDocument", {"Statement": []})
    return any(service in listed(statement["Principal"]["Service"]) for statement in document["Statement"])


# Actions that change nothing. Traces have no resource form (Service Authorization Reference, AWS X-Ray).
_READS = re.compile(r"[a-z0-9-]+:(Describe|List|Get|BatchGet|Query|Scan)[A-Za-z]*")
_WITHOUT_RESOURCE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


@promise
def nothing_is_written_on_any_resource_or_by_any_action(template: Template) -> Iterator[str]:
    for key, role in kind(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = listed(statement.get("Action", "*"))
                writes = [
                    action for action in actions if not _READS.fullmatch(action) and action not in _WITHOUT_RESOURCE
                ]
                in_clusters = "ecs:cluster" in statement.get("Condition", {}).get("ArnLike", {})
                if any("*" in action for action in actions) or (
                    writes and "*" in listed(statement.get("Resource", "*")) and not in_clusters
                ):
                    yield f"{key} {statement.get('Sid')}"


@promise
def nobody_is_let_in_without_a_condition(template: Template) -> Iterator[str]:
    policies = kind(template, "AWS::SQS::QueuePolicy") | kind(template, "AWS::SNS::TopicPolicy")
    for key, policy in policies.items():
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            if "*" in repr(statement["Principal"]) or "aws:SourceArn" not in repr(statement.get("Condition")):
                yield key
    for key, permission in kind(template, "AWS::Lambda::Permission").items():
        if "SourceArn" not in permission:
            yield key
