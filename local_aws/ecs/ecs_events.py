"""ECS's EventBridge events about services and tasks in their documented shapes, and the messages of services.

Shapes: ECS Developer Guide, "Amazon ECS service deployment state change events", "service action events" and "task
state change events".
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_aws.ecs import describe_task
from local_aws.ecs.model import Deployment, Document, Service, ServiceTask
from local_aws.ecs.write_guard import WriteGuard
from local_aws.services import clock

SOURCE = "aws.ecs"
_MESSAGES_KEPT = 100
"""DescribeServices shows the 100 newest (botocore, Service.events)."""


class EcsEvents:
    """Publishes events once the scheduler's lock is released."""

    def __init__(self, guard: WriteGuard) -> None:
        self._guard = guard

    def message(self, service: Service, text: str) -> None:
        """Add a message to the top of the service's list of events."""
        entry = {"id": str(uuid.uuid4()), "createdAt": clock().now(), "message": f"(service {service.name}) {text}"}
        service.events.insert(0, entry)
        del service.events[_MESSAGES_KEPT:]

    def deployment(self, service: Service, deployment: Deployment, name: str, *, kind: str = "INFO") -> None:
        """``ECS Deployment State Change``: SERVICE_DEPLOYMENT_IN_PROGRESS, _COMPLETED or _FAILED.

        The detail names neither cluster nor service; the event's only resource is the service's ARN.
        """
        detail = {
            "eventType": kind,
            "eventName": name,
            "deploymentId": deployment.id,
            "updatedAt": clock().iso(deployment.updated_at),
            "reason": deployment.rollout_reason,
        }
        self._guard.say(SOURCE, "ECS Deployment State Change", [service.arn], detail)

    def action(self, service: Service, name: str, *, kind: str = "INFO", **more: Any) -> None:
        """``ECS Service Action``, such as SERVICE_STEADY_STATE."""
        detail = {
            "eventType": kind,
            "eventName": name,
            "clusterArn": service.cluster.arn,
            "createdAt": _milliseconds(clock().now()),
            **more,
        }
        self._guard.say(SOURCE, "ECS Service Action", [service.arn], detail)

    def task(self, task: ServiceTask) -> None:
        """``ECS Task State Change``: the task as it is now, with neither tags nor health."""
        shown = describe_task.task(task)
        del shown["healthStatus"]
        if task.interface is not None:
            shown["attachments"] = [describe_task.attachment(task, "eni")]
        self._guard.say(SOURCE, "ECS Task State Change", [task.task_arn], {**plain(shown), "updatedAt": _now()})


def plain(value: Any) -> Any:
    """A document as JSON: times are strings."""
    match value:
        case datetime():
            return _milliseconds(value)
        case Mapping():
            return {name: plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def _now() -> str:
    return _milliseconds(clock().now())


def _milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


__all__ = ["Document", "EcsEvents", "plain"]
