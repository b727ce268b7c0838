"""The tag of an ECS service that pauses its routes, which `pause` sets and `resume` removes."""

from typing import Any

from ecs_lattice_cli import services
from ecs_lattice_cli.app import App
from ecs_lattice_cli.aws_errors import explained


def service_and_tag(app: App, written: str) -> tuple[str, str]:
    """The ARN of the ECS service that is ``written``, and the name of the tag under the stack's own prefix."""
    answer = app.stack.invoke("QueryFunctionName", {"mode": "status"})
    arn = services.resolve(written, [each["arn"] for each in answer["ecsServices"]], app.stack.name)
    return arn, f"{answer['stack']['labelPrefix']}.pause"


def set_tag(app: App, arn: str, tag: str) -> None:
    """Set the tag to true."""
    with explained():
        app.stack.client("ecs").tag_resource(resourceArn=arn, tags=[{"key": tag, "value": "true"}])


def remove_tag(app: App, arn: str, tag: str) -> None:
    """Remove the tag; one that is not there counts as removed."""
    with explained():
        app.stack.client("ecs").untag_resource(resourceArn=arn, tagKeys=[tag])


def enqueue(app: App, arn: str) -> dict[str, Any]:
    """Have the stack look at the service now: without a trail it would notice the tag within 15 minutes."""
    answer: dict[str, Any] = app.stack.invoke("EcsServiceFunctionName", {"ecsService": arn, "mode": "apply"})
    return {"ecsService": answer["enqueued"]["key"]}
