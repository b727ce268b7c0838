"""Which ECS services the events queue's messages name. An event decides nothing else.

Shapes: see :mod:`~ecs_lattice.messages.recognise`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_lattice.errors import UnknownEventError
from ecs_lattice.messages import recognise
from ecs_lattice.messages.recognise import ECS_EVENTS, MessageType
from ecs_lattice.messages.requests import Kind, ReconcileRequest
from ecs_lattice.model import ServiceId

_SERVICE_CALLS = {"CreateService", "UpdateService", "DeleteService"}
_TAG_CALLS = {"TagResource", "UntagResource"}


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """The requests for what an event names, and whether it is about a task, which matters only where this application
    registers the targets."""

    requests: tuple[ReconcileRequest, ...] = ()
    is_task_event: bool = False


def parse_event(message: Mapping[str, Any], now: float) -> ParsedEvent:
    """What a message of the events queue says: an EventBridge event, or a delayed request that a reconciler sent.

    Raises UnknownEventError, with a reason for the dead-letter queue, for anything else.
    """
    kind = recognise.message_type(message)
    parse = _PARSERS.get(kind) if kind else None
    if parse is None:
        raise recognise.unknown(ECS_EVENTS, message)
    try:
        return parse(message, now)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise recognise.malformed(message, error) from error


def parse_request(body: str, kind: Kind) -> ReconcileRequest:
    """The request in a message of a reconciler's queue. UnknownEventError for anything else, also for another kind."""
    try:
        request = _request(json.loads(body), 0.0).requests[0]
    except (ValueError, TypeError, KeyError) as error:
        raise UnknownEventError(f"Expected a reconcile request for {kind}: {body[:200]!r}.") from error
    if request.kind != kind:
        raise UnknownEventError(f"Expected a reconcile request for {kind}: {body[:200]!r}.")
    return request


def _request(message: Mapping[str, Any], now: float) -> ParsedEvent:
    kind, key = message["kind"], message["key"]
    if kind not in ("ecsService", "latticeService") or not isinstance(key, str) or not key:
        raise ValueError(f"kind {kind!r}, key {key!r}")
    since, attempts = float(message.get("requested_at") or now), int(message.get("attempts", 0))
    return ParsedEvent((ReconcileRequest(kind, key, str(message.get("cause", "")), since, attempts),))


def _service_event(message: Mapping[str, Any], now: float) -> ParsedEvent:
    cause = f"{message['detail-type']}: {message['detail']['eventName']}"
    return ParsedEvent(_requests([message["resources"][0]], cause, now))


def _task_event(message: Mapping[str, Any], now: float) -> ParsedEvent:
    """About a service's task; the task of no service has another group."""
    detail = message["detail"]
    cause = f"{message['detail-type']}: {detail['lastStatus']}"
    kind, _, service = str(detail.get("group", "")).partition(":")
    arns = [_service_arn(str(detail["clusterArn"]), service)] if kind == "service" else []
    return ParsedEvent(_requests(arns, cause, now), is_task_event=True)


def _api_call(message: Mapping[str, Any], now: float) -> ParsedEvent:
    return ParsedEvent(_requests(_services_of_call(message), f"CloudTrail: {message['detail']['eventName']}", now))


_PARSERS: dict[MessageType, Callable[[Mapping[str, Any], float], ParsedEvent]] = {
    recognise.ECS_SERVICE_REQUEST: _request,
    recognise.LATTICE_SERVICE_REQUEST: _request,
    recognise.DEPLOYMENT_STATE: _service_event,
    recognise.SERVICE_ACTION: _service_event,
    recognise.TARGET_UNHEALTHY: _service_event,
    recognise.TASK_STATE: _task_event,
    recognise.API_CALL: _api_call,
}


def _requests(arns: list[str], cause: str, now: float) -> tuple[ReconcileRequest, ...]:
    """Requests for the long ARNs among ``arns``. A short ARN names no cluster; the resync finds its service."""
    services = [ServiceId(arn) for arn in arns]
    return tuple(ReconcileRequest("ecsService", service.arn, cause, now) for service in services if service.is_long)


def _services_of_call(message: Mapping[str, Any]) -> list[str]:
    detail = message["detail"]
    if detail.get("errorCode"):
        return []
    name, parameters = detail["eventName"], detail.get("requestParameters") or {}
    if name in _TAG_CALLS:
        arn = str(parameters["resourceArn"])
        return [arn] if ":service/" in arn else []
    if name not in _SERVICE_CALLS:
        return []
    created = ((detail.get("responseElements") or {}).get("service") or {}).get("serviceArn")
    return [created or _service_from(parameters, message)]


def _service_from(parameters: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """The ARN from ``serviceName`` (CreateService) or ``service``: a name or an ARN. ``cluster`` may be missing."""
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
    """The partition by the name of the Region (AWS General Reference, ARNs): the record itself has no ARN."""
    region = str(message["region"])
    return next((p for start, p in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if region.startswith(start)), "aws")
