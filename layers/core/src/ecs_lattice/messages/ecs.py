"""Which ECS services and which objects of VPC Lattice the events queue's messages name. An event decides nothing else.

Shapes: see :mod:`~ecs_lattice.messages.recognise`.
"""

import json
import re
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
_LATTICE_ID = re.compile(r"\b(?:svc|tg|snsa)-[0-9a-f]{17}\b")
"""The ids by which the registry knows a Lattice service: its own, its target groups' and its network associations'. Those
of listeners and rules come with the service's, as parameters or in one ARN (VPC Lattice API)."""


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """The requests for what an event names, and whether it is about a task, which matters only where this application
    registers the targets; ``lattice_ids`` of objects that a call to VPC Lattice named, and that ``call``."""

    requests: tuple[ReconcileRequest, ...] = ()
    is_task_event: bool = False
    lattice_ids: frozenset[str] = frozenset()
    call: str = ""


def parse_event(message: Mapping[str, Any], now: float) -> ParsedEvent:
    """What a message of the events queue says: an EventBridge event, or a delayed request that a reconciler sent.

    Raises UnknownEventError, with a reason for the dead-letter queue, for anything else.
    """
    kind = recognise.message_type(message)
    if kind not in _REQUESTS and kind not in _EVENTS and kind is not recognise.LATTICE_CALL:
        raise recognise.unknown(ECS_EVENTS, message)
    try:
        if kind in _REQUESTS:
            return ParsedEvent((_request(message, now),))
        if kind is recognise.LATTICE_CALL:
            return _lattice_call(message["detail"])
        cause, arns = _EVENTS[kind](message)
        # A short ARN names no cluster; the resync finds its service.
        long = [service.arn for service in map(ServiceId, arns) if service.is_long]
        requests = tuple(ReconcileRequest("ecsService", arn, cause, now) for arn in long)
        return ParsedEvent(requests, is_task_event=kind is recognise.TASK_STATE)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise recognise.malformed(message, error) from error


def parse_request(body: str, kind: Kind) -> ReconcileRequest:
    """The request in a message of a reconciler's queue. UnknownEventError for anything else, also for another kind."""
    try:
        request = _request(json.loads(body), 0.0)
    except (ValueError, TypeError, KeyError) as error:
        raise UnknownEventError(f"Expected a reconcile request for {kind}: {body[:200]!r}.") from error
    if request.kind != kind:
        raise UnknownEventError(f"Expected a reconcile request for {kind}: {body[:200]!r}.")
    return request


def _request(message: Mapping[str, Any], now: float) -> ReconcileRequest:
    kind, key = message["kind"], message["key"]
    if kind not in ("ecsService", "latticeService") or not isinstance(key, str) or not key:
        raise ValueError(f"kind {kind!r}, key {key!r}")
    since, attempts = float(message.get("requested_at") or now), int(message.get("attempts", 0))
    claims_of, retry = str(message.get("claims_of", "")), message.get("retry") is True
    return ReconcileRequest(kind, key, str(message.get("cause", "")), since, attempts, claims_of, retry)


def _service_event(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    detail, found = message["detail"], ServiceId(message["resources"][0])
    return f"{message['detail-type']}: {detail['eventName']}", [found.in_cluster(str(detail.get("clusterArn", ""))).arn]


def _tag_change(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Shape: EventBridge User Guide, tag change events. That ECS services send them is unconfirmed; where they do not,
    the CloudTrail record and the resync find the same change."""
    return message["detail-type"], [arn for arn in message["resources"] if ":service/" in arn]


def _lattice_call(detail: Mapping[str, Any]) -> ParsedEvent:
    """What a call to VPC Lattice was about, unless it failed. Its parameters have the names of the API (unconfirmed), so
    ids are looked for in whatever identifies or names a resource."""
    parameters = detail.get("requestParameters") or {}
    named = [str(value) for name, value in parameters.items() if name.endswith(("Identifier", "Arn"))]
    ids = frozenset() if detail.get("errorCode") else frozenset(_LATTICE_ID.findall(" ".join(named)))
    return ParsedEvent(lattice_ids=ids, call=f"CloudTrail: {detail['eventName']}")


def _task_event(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    """About a service's task; the task of no service has another group."""
    detail = message["detail"]
    kind, _, service = str(detail.get("group", "")).partition(":")
    arns = [_service_arn(str(detail["clusterArn"]), service)] if kind == "service" else []
    return f"{message['detail-type']}: {detail['lastStatus']}", arns


def _api_call(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The services that a call has changed: none for a call that failed, or that is about something else."""
    detail = message["detail"]
    name, parameters = detail["eventName"], detail.get("requestParameters") or {}
    arns: list[str] = []
    if detail.get("errorCode"):
        pass
    elif name in _TAG_CALLS:
        arns = [arn for arn in [str(parameters["resourceArn"])] if ":service/" in arn]
    elif name in _SERVICE_CALLS:
        created = (detail.get("responseElements") or {}).get("service") or {}
        long = ServiceId(str(created.get("serviceArn", ""))).in_cluster(str(created.get("clusterArn", "")))
        arns = [long.arn if long.is_long else _service_from(parameters, message)]
    return f"CloudTrail: {name}", arns


_REQUESTS = (recognise.ECS_SERVICE_REQUEST, recognise.LATTICE_SERVICE_REQUEST)
_EVENTS: dict[MessageType | None, Callable[[Mapping[str, Any]], tuple[str, list[str]]]] = {
    recognise.DEPLOYMENT_STATE: _service_event,
    recognise.SERVICE_ACTION: _service_event,
    recognise.TARGET_UNHEALTHY: _service_event,
    recognise.TASK_STATE: _task_event,
    recognise.API_CALL: _api_call,
    recognise.TAG_CHANGE: _tag_change,
}
"""What reads the cause and the ARNs of the services from an event."""


def _service_from(parameters: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """The ARN from ``serviceName`` (CreateService) or ``service``: a name or an ARN. ``cluster`` may be missing."""
    service = str(parameters.get("service") or parameters["serviceName"])
    if ServiceId(service).is_long:
        return service
    cluster = str(parameters.get("cluster") or "default")
    if not cluster.startswith("arn:"):
        partition = _partition(message)
        cluster = f"arn:{partition}:ecs:{message['region']}:{message['account']}:cluster/{cluster}"
    return _service_arn(cluster, service.rpartition("/")[2])


def _service_arn(cluster_arn: str, name: str) -> str:
    head, _, cluster = cluster_arn.partition(":cluster/")
    return f"{head}:service/{cluster}/{name}"


def _partition(message: Mapping[str, Any]) -> str:
    """The partition by the name of the Region (AWS General Reference, ARNs): the record itself has no ARN."""
    region = str(message["region"])
    return next((p for start, p in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if region.startswith(start)), "aws")
