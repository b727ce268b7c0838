"""Amazon SQS, SNS, EventBridge, Lambda, CloudFormation and STS (Service Authorization Reference of each)."""

import functools
import re
from collections.abc import Iterator, Mapping

from local_aws.iam.needs import Need, Params, Rule, arn, as_arn, on


def _queue(action: str, params: Params) -> list[Need]:
    name = params.get("QueueName") or params["QueueUrl"].rstrip("/").rpartition("/")[2]
    return on(f"sqs:{action}", arn("sqs", name))


_QUEUE_ACTIONS = (
    "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "PurgeQueue",
    "ReceiveMessage", "SendMessage", "SetQueueAttributes",
)  # fmt: skip
SQS: Mapping[str, Rule] = {
    **{name: functools.partial(_queue, name) for name in _QUEUE_ACTIONS},
    # Amazon SQS Developer Guide, "Amazon SQS API permissions": a batch is authorized as the single action.
    **{f"{name}Batch": functools.partial(_queue, name)
       for name in ("ChangeMessageVisibility", "DeleteMessage", "SendMessage")},
}  # fmt: skip


def _publish(params: Params) -> list[Need]:
    """A message to a phone number has no resource."""
    return on("sns:Publish", params.get("TopicArn") or params.get("TargetArn") or "*")


SNS: Mapping[str, Rule] = {"Publish": _publish, "PublishBatch": _publish}


def _put_events(params: Params) -> Iterator[Need]:
    for entry in params["Entries"]:
        bus = as_arn("events", entry.get("EventBusName") or "default", "event-bus/")
        context: dict[str, str] = {}
        for key, member in (("events:source", "Source"), ("events:detail-type", "DetailType")):
            if entry.get(member):
                context[key] = entry[member]
        yield Need("events:PutEvents", bus, context)


EVENTS: Mapping[str, Rule] = {"PutEvents": _put_events}


def _function(action: str, params: Params) -> list[Need]:
    return on(f"lambda:{action}", as_arn("lambda", params["FunctionName"], "function:"))


LAMBDA: Mapping[str, Rule] = {
    "GetFunction": functools.partial(_function, "GetFunction"),
    "GetFunctionConfiguration": functools.partial(_function, "GetFunctionConfiguration"),
    "Invoke": functools.partial(_function, "InvokeFunction"),
}


def _stack(action: str, params: Params) -> list[Need]:
    """A stack's ARN ends with an id; for a stack that a request names by name, any. Another ARN is no stack's."""
    name = params["StackName"]
    if not name.startswith("arn:"):
        return on(f"cloudformation:{action}", arn("cloudformation", f"stack/{name}/*"))
    return on(f"cloudformation:{action}", name if _STACK_ARN.fullmatch(name) else "*")


_STACK_ARN = re.compile(r"arn:[a-z-]+:cloudformation:[a-z0-9-]+:\d{12}:stack/[^/]+/[^/]+")


def _stacks(params: Params) -> list[Need]:
    """Without a name it lists all stacks, for which the resource is ``*`` (AWS CloudFormation API Reference, DescribeStacks)."""
    return _stack("DescribeStacks", params) if params.get("StackName") else on("cloudformation:DescribeStacks", "*")


CLOUDFORMATION: Mapping[str, Rule] = {
    "DescribeStackResource": functools.partial(_stack, "DescribeStackResource"),
    "DescribeStacks": _stacks,
}


def _assume(params: Params) -> list[Need]:
    given = {"sts:externalid": params.get("ExternalId"), "sts:rolesessionname": params.get("RoleSessionName")}
    return on("sts:AssumeRole", params["RoleArn"], context={key: value for key, value in given.items() if value})


# GetCallerIdentity is always allowed (AWS STS API Reference).
STS: Mapping[str, Rule] = {"AssumeRole": _assume, "GetCallerIdentity": lambda _: ()}

__all__ = ["CLOUDFORMATION", "EVENTS", "LAMBDA", "SNS", "SQS", "STS"]
