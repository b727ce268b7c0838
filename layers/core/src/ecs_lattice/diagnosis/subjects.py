"""What an incident can be about: a route, or a part of this stack itself."""

from dataclasses import dataclass
from typing import Literal

from ecs_lattice.health import metric_names
from ecs_lattice.model import ServiceId

StackPart = Literal["probe", "errors", "throttles", "deadLetters", "queueAge", "other"]


@dataclass(frozen=True, slots=True)
class RouteSubject:
    """A route of an ECS service on a Lattice service. ``route`` is empty when the whole declaration is meant."""

    lattice_service: str
    service: ServiceId
    route: str

    def __str__(self) -> str:
        return f"Route {self.route} of Lattice service {self.lattice_service}"

    @property
    def short(self) -> str:
        """For subjects of messages: ``orders/default (shop/orders)``."""
        return f"{self.lattice_service}/{self.route} ({self.service})" if self.route else str(self.service)

    @property
    def keywords(self) -> tuple[str, ...]:
        return self.lattice_service, str(self.service), self.route


@dataclass(frozen=True, slots=True)
class StackSubject:
    """A part of this stack: ``name`` is that of the function or queue, empty where there is none."""

    part: StackPart
    name: str = ""


type Subject = RouteSubject | StackSubject

# What an alarm of the stack itself watches, by namespace and metric (CloudWatch metrics of AWS Lambda and Amazon SQS).
_PARTS: dict[tuple[str, str], StackPart] = {
    (metric_names.NAMESPACE, metric_names.HEARTBEAT): "probe",
    ("AWS/Lambda", "Errors"): "errors",
    ("AWS/Lambda", "Throttles"): "throttles",
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): "deadLetters",
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): "queueAge",
}


def of_alarm(arn: str, namespace: str, metric: str, dimensions: dict[str, str]) -> Subject:
    """What the alarm with this ARN is about, by the metric that it watches (decision 22): names can be cut,
    dimensions are whole."""
    if set(dimensions) == {metric_names.LATTICE_SERVICE, metric_names.ECS_SERVICE, metric_names.ROUTE}:
        _, partition, _, region, account, *_ = arn.split(":")
        service = ServiceId(f"arn:{partition}:ecs:{region}:{account}:service/{dimensions[metric_names.ECS_SERVICE]}")
        return RouteSubject(dimensions[metric_names.LATTICE_SERVICE], service, dimensions[metric_names.ROUTE])
    part = _PARTS.get((namespace, metric), "other")
    return StackSubject(part, dimensions.get("FunctionName") or dimensions.get("QueueName") or "")
