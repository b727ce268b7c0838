"""From an event to bells: which ECS services it names. The event decides nothing else.

Shapes: Amazon ECS Developer Guide, "Amazon ECS events"; CloudTrail records of ECS calls as EventBridge delivers them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import ServiceId

_SERVICE_EVENTS = {"ECS Deployment State Change", "ECS Service Action"}
TARGET_UNHEALTHY = "VPC_LATTICE_TARGET_UNHEALTHY"
"""The ECS Service Action that also the alarm function hears."""
_SERVICE_CALLS = {"CreateService", "UpdateService", "DeleteService"}
_TAG_CALLS = {"TagResource", "UntagResource"}


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """What an event says: the bells to ring, and whether it is only of interest in controller mode (a task event)."""

    requests: tuple[ReconcileRequest, ...] = ()
    is_task_event: bool = False


def parse_event(message: Mapping[str, Any], now: float) -> ParsedEvent:
    """What the body of a message in the events queue says.

    ``message`` is an EventBridge event, or a delayed bell that a reconciler sent itself. Raises UnknownEventError, with
    a sentence for the dead-letter queue, for anything else.
    """
    detail_type = message.get("detail-type")
    try:
        if "kind" in message and "key" in message:
            return ParsedEvent((_delayed_request(message, now),))
        if detail_type in _SERVICE_EVENTS:
            return ParsedEvent(
                _requests([message["resources"][0]], str(detail_type), message["detail"]["eventName"], now)
            )
        if detail_type == "ECS Task State Change":
            return ParsedEvent(
                _requests([_service_of_task(message)], str(detail_type), message["detail"]["lastStatus"], now), True
            )
        if detail_type == "AWS API Call via CloudTrail" and message["detail"]["eventSource"] == "ecs.amazonaws.com":
            return ParsedEvent(_requests(_services_of_call(message), "CloudTrail", message["detail"]["eventName"], now))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        kind = f"An event of type {detail_type!r}" if "detail-type" in message else "A bell"
        raise UnknownEventError(f"{kind} that lacks or garbles a member: {error!r}.") from error
    raise UnknownEventError(
        f"An event of type {detail_type!r} from {message.get('source')!r}. Known are: "
        f"{', '.join(sorted(_SERVICE_EVENTS))}, ECS Task State Change, AWS API Call via CloudTrail (ecs.amazonaws.com)."
    )


def _delayed_request(message: Mapping[str, Any], now: float) -> ReconcileRequest:
    if message["kind"] not in ("ecsService", "latticeService") or not isinstance(message["key"], str):
        raise UnknownEventError(f"A bell of kind {message['kind']!r}; known are ecsService and latticeService.")
    return ReconcileRequest(
        kind=message["kind"],
        key=message["key"],
        cause=str(message.get("cause", "")),
        requested_at=float(message.get("requested_at") or now),
        attempts=int(message.get("attempts", 0)),
    )


def _requests(arns: list[str | None], source: str, name: str, now: float) -> tuple[ReconcileRequest, ...]:
    """Bells for the long ARNs among ``arns``: a short one names no cluster, the resync finds its service."""
    services = [ServiceId(arn) for arn in arns if arn]
    return tuple(
        ReconcileRequest("ecsService", service.arn, cause=f"{source}: {name}", requested_at=now)
        for service in services
        if service.is_long
    )


def _service_of_task(message: Mapping[str, Any]) -> str | None:
    """The ARN of the service whose task it is; None for a task that no service started."""
    detail = message["detail"]
    group = str(detail.get("group", ""))
    if not group.startswith("service:"):
        return None
    return _service_arn(str(detail["clusterArn"]), group.removeprefix("service:"))


def _services_of_call(message: Mapping[str, Any]) -> list[str | None]:
    detail = message["detail"]
    if detail.get("errorCode"):
        return []
    name, parameters = detail["eventName"], detail.get("requestParameters") or {}
    if name in _TAG_CALLS:
        arn = str(parameters["resourceArn"])
        return [arn if ":service/" in arn else None]
    if name not in _SERVICE_CALLS:
        return []
    answered = ((detail.get("responseElements") or {}).get("service") or {}).get("serviceArn")
    return [answered or _service_from(parameters, message)]


def _service_from(parameters: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """CreateService says ``serviceName``, the others ``service``; each a name or an ARN, the cluster may be missing."""
    service = str(parameters.get("service") or parameters["serviceName"])
    if service.startswith("arn:"):
        return service
    cluster = str(parameters.get("cluster") or "default")
    if not cluster.startswith("arn:"):
        partition = _partition(message)
        cluster = f"arn:{partition}:ecs:{message['region']}:{message['account']}:cluster/{cluster}"
    return _service_arn(cluster, service)


def _service_arn(cluster_arn: str, name: str) -> str:
    head, _, cluster = cluster_arn.partition(":cluster/")
    return f"{head}:service/{cluster}/{name}"


def _partition(message: Mapping[str, Any]) -> str:
    """The partition by the region's name (AWS General Reference, ARNs): the call itself carries no ARN."""
    region = str(message["region"])
    return next((p for start, p in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if region.startswith(start)), "aws")
