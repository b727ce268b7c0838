"""EventBridge: patterns, targets, what they are sent, and where goes what they do not take."""

import json

import pytest
from moto.events.models import EventPattern

from local_aws.delivery import inputs, permissions
from local_aws.services import events


def put(aws, detail, **more):
    entry = {"Source": "shop", "DetailType": "Order", "Detail": json.dumps(detail), **more}
    return aws.client("events").put_events(Entries=[entry])["Entries"][0]


def test_an_event_reaches_the_queue_of_a_rule_that_matches(aws, table, eventually):
    event = put(aws, {"kind": "order", "id": "1", "lines": [1, 2], "state": "new"})["EventId"]
    item = eventually(lambda: table.get_item(Key={"pk": "order 1"}).get("Item"))
    assert json.loads(item["order"])["lines"] == [1, 2]
    assert event in [one["id"] for one in events().history]


def test_what_aws_services_publish_takes_the_same_way(aws, table, eventually):
    events().publish("shop", "Order", [], {"kind": "ordinary", "id": "inner", "lines": {}, "urgent": True})
    eventually(lambda: table.get_item(Key={"pk": "order inner"}).get("Item"))


def test_what_does_not_match_reaches_nobody(aws, table, eventually):
    put(aws, {"kind": "order", "id": "done", "lines": [], "state": "done"})
    put(aws, {"kind": "order", "id": "failed", "lines": [], "state": "new", "error": "x"})
    put(aws, {"kind": "bill", "id": "bill", "lines": [], "state": "new"})
    put(aws, {"kind": "order", "id": "after all", "lines": [], "state": "new"})  # events are delivered in order
    eventually(lambda: table.get_item(Key={"pk": "order after all"}).get("Item"))
    assert [k for k in ("done", "failed", "bill") if "Item" in table.get_item(Key={"pk": f"order {k}"})] == []


def test_a_queue_whose_policy_does_not_allow_it_makes_a_dead_letter_with_its_reason(aws, eventually):
    put(aws, {"kind": "order", "id": "refused", "lines": [], "state": "new"})
    sqs = aws.client("sqs")

    def letter():
        received = sqs.receive_message(
            QueueUrl=aws.outputs["Failures"], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return next((m for m in received.get("Messages", ()) if '"refused"' in m["Body"]), None)

    found = eventually(letter)
    attributes = {name: value["StringValue"] for name, value in found["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    assert "sqs:SendMessage" in attributes["ERROR_MESSAGE"]
    assert attributes["RULE_ARN"].startswith("arn:aws:events:us-east-1:123456789012:rule/")
    assert json.loads(found["Body"])["detail"]["id"] == "refused"


def test_a_disabled_rule_rests(aws, table, eventually):
    events = aws.client("events")
    rule = next(r["Name"] for r in events.list_rules()["Rules"] if "-Orders-" in r["Name"])
    events.disable_rule(Name=rule)
    put(aws, {"kind": "order", "id": "while off", "lines": [], "state": "new"})
    probe(aws, table, eventually, "rule was off")
    events.enable_rule(Name=rule)
    put(aws, {"kind": "order", "id": "while on", "lines": [], "state": "new"})
    eventually(lambda: table.get_item(Key={"pk": "order while on"}).get("Item"))
    assert "Item" not in table.get_item(Key={"pk": "order while off"})


def probe(aws, table, eventually, key):
    """Let an event through another rule, so that what came before it has been delivered."""
    events, name = aws.client("events"), key.replace(" ", "-")
    worker = aws.client("lambda").get_function(FunctionName=aws.outputs["Worker"])["Configuration"]["FunctionArn"]
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    aws.client("lambda").add_permission(
        FunctionName=worker,
        StatementId=name,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=arn,
    )
    events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": worker, "InputPath": "$.detail"}])
    events.put_events(Entries=[{"Source": name, "DetailType": "x", "Detail": json.dumps({"do": "record", "key": key})}])
    eventually(lambda: table.get_item(Key={"pk": key}).get("Item"))


def test_a_function_is_a_target_and_gets_the_part_at_the_path(aws, table, eventually):
    probe(aws, table, eventually, "function as target")
    (run,) = eventually(lambda: [i for i in aws.journal.invocations if i.trigger.get("rule") == "function-as-target"])
    assert run.source == "eventbridge"
    assert run.trigger["detailType"] == "x"


def test_a_fifo_queue_gets_the_group_at_the_path(aws, eventually):
    sqs, events = aws.client("sqs"), aws.client("events")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="grouped.fifo", Attributes=attributes)["QueueUrl"]
    queue = "arn:aws:sqs:us-east-1:123456789012:grouped.fifo"
    policy = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": queue}
        ]
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_rule(Name="grouping", EventPattern='{"source": ["grouping"]}')
    target = {"Id": "q", "Arn": queue, "SqsParameters": {"MessageGroupId": "$.detail.who"}}
    events.put_targets(Rule="grouping", Targets=[target])
    events.put_events(Entries=[{"Source": "grouping", "DetailType": "x", "Detail": '{"who": "anna"}'}])

    def received():
        return sqs.receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages")

    message = eventually(received)[0]
    assert message["Attributes"]["MessageGroupId"] == "anna"
    assert json.loads(message["Body"])["source"] == "grouping"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": "aws.ecs", "DetailType": "x", "Detail": "{}"}, "NotAuthorizedForSourceException"),
        ({"Source": "x", "DetailType": "x", "Detail": "{no"}, "MalformedDetail"),
        ({"Source": "x", "DetailType": "x", "Detail": "[]"}, "MalformedDetail"),
        ({"Source": "x", "Detail": "{}"}, "InvalidArgument"),
    ],
)
def test_an_entry_that_eventbridge_refuses_is_refused_alone(aws, entry, code):
    good = {"Source": "x", "DetailType": "x", "Detail": "{}"}
    answer = aws.client("events").put_events(Entries=[entry, good])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == code
    assert "EventId" in answer["Entries"][1]


EVENT = {
    "source": "aws.ecs",
    "detail-type": "ECS Task State Change",
    "resources": ["arn:aws:ecs:us-east-1:123456789012:task/c/1"],
    "detail": {
        "group": "service:orders",
        "desiredStatus": "RUNNING",
        "lastStatus": "RUNNING",
        "count": 3,
        "attachments": [{"type": "eni", "status": "ATTACHED"}, {"type": "sdi", "status": "PENDING"}],
    },
}


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"source": ["aws.ecs", "aws.ec2"]}, True),
        ({"source": ["aws.ec2"]}, False),
        ({"detail": {"group": [{"prefix": "service:"}]}}, True),
        ({"detail": {"group": [{"prefix": "family:"}]}}, False),
        ({"detail": {"group": [{"suffix": "orders"}]}}, True),
        ({"detail": {"group": [{"wildcard": "service:*s"}]}}, True),
        ({"detail": {"group": [{"wildcard": "*:web"}]}}, False),
        ({"detail": {"group": [{"anything-but": ["service:orders"]}]}}, False),
        ({"detail": {"group": [{"anything-but": {"prefix": "family:"}}]}}, True),
        ({"detail": {"stopCode": [{"exists": False}]}}, True),
        ({"detail": {"group": [{"exists": False}]}}, False),
        ({"detail": {"count": [{"numeric": [">", 2, "<=", 3]}]}}, True),
        ({"detail": {"$or": [{"lastStatus": ["STOPPED"]}, {"desiredStatus": ["RUNNING"]}]}}, True),
        ({"detail": {"$or": [{"lastStatus": ["STOPPED"]}, {"desiredStatus": ["STOPPED"]}]}}, False),
        ({"resources": [{"prefix": "arn:aws:ecs:"}]}, True),
        ({"detail": {"attachments": {"status": ["PENDING"]}}}, True),
        ({"detail": {"attachments": {"status": ["DELETED"]}}}, False),
    ],
)
def test_patterns_match_as_eventbridge_matches(pattern, matches):
    from local_aws.delivery import rules

    rules.install()
    assert EventPattern.load(json.dumps(pattern)).matches_event(EVENT) is matches


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"Input": '{"mode": "sweep"}'}, '{"mode": "sweep"}'),
        ({"InputPath": "$.detail.count"}, "3"),
        ({"InputPath": "$.detail.attachments[1].type"}, '"sdi"'),
        ({"InputPath": "$['detail-type']"}, '"ECS Task State Change"'),
        ({"InputPath": "$.nothing"}, "null"),
        (transformer := {"InputTransformer": {"InputPathsMap": {"g": "$.detail.group", "n": "$.detail.count"}, "InputTemplate": '{"a": <g>, "b": "is <g>", "c": <n>}'}}, '{"a": "service:orders", "b": "is service:orders", "c": 3}'),
        ({"InputTransformer": {"InputTemplate": '"by <aws.events.rule-name>"'}}, '"by r"'),
        ({"InputTransformer": {"InputPathsMap": {"a": "$.detail.attachments[0]"}, "InputTemplate": '{"x": "<a>", "y": <unknown>}'}}, '{"x": "{\\"type\\":\\"eni\\",\\"status\\":\\"ATTACHED\\"}", "y": <unknown>}'),
    ],
)  # fmt: skip
def test_a_target_is_sent_what_it_asks_for(target, text):
    assert inputs.text_for(target, EVENT, "arn:r", "r") == text


def test_without_a_wish_a_target_is_sent_the_event_in_compact_json():
    assert inputs.text_for({}, {"a": [1, 2]}, "arn:r", "r") == '{"a":[1,2]}'


ALLOW = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "q",
}


RULE = "arn:aws:events:us-east-1:123456789012:rule/here"


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([ALLOW], True),
        ([], False),
        ([{**ALLOW, "Action": "sqs:ReceiveMessage"}], False),
        ([{**ALLOW, "Action": ["sqs:*"]}], True),
        ([{**ALLOW, "Principal": "*"}], True),
        ([{**ALLOW, "Principal": {"Service": "sns.amazonaws.com"}}], False),
        ([{**ALLOW, "Resource": "other"}], False),
        ([{**ALLOW, "Condition": {"ArnEquals": {"aws:SourceArn": RULE}}}], True),
        ([{**ALLOW, "Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:*:*:rule/*"}}}], True),
        ([{**ALLOW, "Condition": {"ArnEquals": {"aws:SourceArn": f"{RULE}-else"}}}], False),
        ([ALLOW, {**ALLOW, "Effect": "Deny"}], False),
        ([ALLOW, {**ALLOW, "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}], True),
    ],
)
def test_a_resource_policy_decides_who_may_send(statements, allowed):
    policy = json.dumps({"Statement": statements})
    assert permissions.allows(policy, "events.amazonaws.com", "sqs:SendMessage", "q", RULE) is allowed


def test_a_condition_that_nobody_knows_is_said():
    policy = {"Statement": [{**ALLOW, "Condition": {"BinaryEquals": {"aws:SourceArn": "QUFB"}}}]}
    with pytest.raises(ValueError, match="BinaryEquals"):
        permissions.allows(policy, "events.amazonaws.com", "sqs:SendMessage", "q", RULE)
