"""How the stack itself is: dead letters, errors of its functions, its version and state, and who is notified."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ecs_lattice.version import VERSION
from ecs_lattice_cli.aws_errors import explained
from ecs_lattice_cli.doctor.findings import NOT_OK, OK, Finding, is_missing, skipped
from ecs_lattice_cli.errors import CommandError

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Stack

type Data = Mapping[str, Any]

_HOUR = 3600
_FUNCTION = "FunctionName"


def dead_letters(stack: "Stack", queues: Mapping[str, str]) -> Iterator[Finding]:
    """Messages by queue; ``queues`` is the output of each by its name. One finding where all are empty."""
    counts: dict[str, int] = {}
    for name, output in queues.items():
        try:
            counts[name] = _messages(stack, stack.output(output))
        except CommandError as error:
            yield skipped("dead letters", error)
    for name, count in counts.items():
        if count:
            yield Finding("dead letters", NOT_OK, f"{name}: {count}", f"ecs-lattice dead-letters show {name}")
    if counts and not any(counts.values()):
        yield Finding("dead letters", OK, f"none in {', '.join(counts)}")


def _messages(stack: "Stack", url: str) -> int:
    name = "ApproximateNumberOfMessages"
    with explained():
        return int(stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def errors(stack: "Stack", now: float) -> Iterator[Finding]:
    """Errors of the functions in the last hour: AWS/Lambda, Errors (AWS Lambda Developer Guide, metrics)."""
    names = {output.removesuffix("Name"): name for output, name in stack.outputs.items() if output.endswith(_FUNCTION)}
    asked = [
        {"Id": f"f{number}", "MetricStat": {"Metric": _errors_of(name), "Period": 60, "Stat": "Sum"}}
        for number, name in enumerate(names.values())
    ]
    with explained():
        pages = stack.client("cloudwatch").get_paginator("get_metric_data").paginate(
            StartTime=now - _HOUR, EndTime=now, MetricDataQueries=asked
        )  # fmt: skip
        sums: Counter[str] = Counter()
        for page in pages:
            for result in page["MetricDataResults"]:
                sums[result["Id"]] += round(sum(result["Values"]))
    failing = [(name, sums[f"f{number}"]) for number, name in enumerate(names.values()) if sums[f"f{number}"]]
    for name, count in failing:
        yield Finding(
            "errors", NOT_OK, f"{name}: {count} in the last hour", f"aws logs tail /aws/lambda/{name} --since 1h"
        )
    if not failing:
        yield Finding("errors", OK, f"none of {len(names)} functions in the last hour")


def _errors_of(function: str) -> Data:
    return {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": [{"Name": _FUNCTION, "Value": function}]}


def version(status: Data) -> Iterator[Finding]:
    """The version of the functions against that of the command. They may differ: the older one does not know everything."""
    of_stack = status["stack"]["version"]
    if of_stack == VERSION:
        yield Finding("version", OK, f"stack and command are {VERSION}")
        return
    yield Finding(
        "version", OK, f"the stack is {of_stack}, the command is {VERSION}: they may differ, and what only one of them knows is missing",
    )  # fmt: skip


def state(status: Data) -> Iterator[Finding]:
    """Whether the stack does what it is for."""
    stack = status["stack"]
    if stack["isUninstalling"]:
        fact = "it is being uninstalled: ECS services are released and routes deleted"
        yield Finding("state", NOT_OK, fact, "ecs-lattice uninstall --wait")
    if stack["isRebuilding"]:
        fact = "the registry is being rebuilt: nothing is deleted before all ECS services have been read"
        yield Finding("state", NOT_OK, fact, "ecs-lattice resync, then ecs-lattice doctor")
    if not stack["isUninstalling"] and not stack["isRebuilding"]:
        yield Finding("state", OK, "it is in service")


def subscriptions(stack: "Stack") -> Iterator[Finding]:
    """Who gets the notifications. A subscription whose ARN is not an ARN is not confirmed (Amazon SNS API)."""
    topic = stack.output("NotifyTopicArn")
    try:
        with explained():
            pages = stack.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            found = [each for page in pages for each in page["Subscriptions"]]
    except CommandError as error:
        if not is_missing(error, "NotFound", "NotFoundException"):
            raise
        yield Finding("notifications", NOT_OK, f"topic {topic} does not exist: nobody is notified", "sam deploy")
        return
    waiting = [each for each in found if not each["SubscriptionArn"].startswith("arn:")]
    for each in waiting:
        told = f"{each['Protocol']} {each['Endpoint']} is not confirmed: it gets no notification"
        yield Finding(
            "notifications", NOT_OK, told, "confirm it by the link in AWS's message; sent again by aws sns subscribe"
        )
    confirmed = Counter(each["Protocol"] for each in found if each not in waiting)
    if confirmed:
        yield Finding("notifications", OK, ", ".join(f"{count} {kind}" for kind, count in sorted(confirmed.items())))
    elif not waiting:
        yield Finding(
            "notifications", NOT_OK, "nobody is subscribed: nobody is notified of unhealthy and rejected routes",
            "sam deploy --parameter-overrides NotifyEmail=<address>",
        )  # fmt: skip
