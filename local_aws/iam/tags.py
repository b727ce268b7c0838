"""The current tags of a resource by its ARN, for aws:ResourceTag."""

from collections.abc import Callable, Mapping
from typing import Any

from moto.backends import get_backend

from local_aws.eventbus import ACCOUNT, REGION

Tags = Mapping[str, str]


def tags_of(arn: str) -> Tags:
    """Its tags; empty if it does not exist, has none, or its service is not supported here."""
    parts = arn.split(":", 5)
    read = _READERS.get(parts[2]) if len(parts) == 6 and "*" not in parts[5] else None
    if read is None:
        return {}
    try:
        return read(arn, parts[5])
    except Exception:  # each service has its own error for a missing resource
        return {}


def _backend(service: str) -> Any:
    return get_backend(service)[ACCOUNT][REGION]  # type: ignore[call-overload]


def _lattice(arn: str, _: str) -> Tags:
    return dict(_backend("vpc-lattice")._tagged(arn).tags)


def _ec2(_: str, resource: str) -> Tags:
    return dict(_backend("ec2").tags.get(resource.rpartition("/")[2]) or {})


def _ecs(arn: str, _: str) -> Tags:
    return _pairs(_backend("ecs").list_tags_for_resource(arn))


def _sqs(_: str, resource: str) -> Tags:
    return dict(_backend("sqs").queues[resource].tags)


def _sns(arn: str, _: str) -> Tags:
    return dict(_backend("sns").list_tags_for_resource(arn))


def _dynamodb(_: str, resource: str) -> Tags:
    return _pairs(_backend("dynamodb").tables[resource.split("/")[1]].tags)


def _by_arn(service: str) -> Callable[[str, str], Tags]:
    return lambda arn, _: dict(_backend(service).list_tags_for_resource(arn))


def _lambda(arn: str, _: str) -> Tags:
    return dict(_backend("lambda").list_tags(arn))


def _iam(_: str, resource: str) -> Tags:
    backend: Any = get_backend("iam")[ACCOUNT]["aws"]
    return _pairs(backend.get_role(resource.rpartition("/")[2]).tags)


def _pairs(tags: Any) -> Tags:
    if isinstance(tags, Mapping):
        return {key: value["Value"] if isinstance(value, Mapping) else value for key, value in tags.items()}
    found = ({name.lower(): value for name, value in tag.items()} for tag in tags or ())
    return {tag["key"]: tag.get("value") or "" for tag in found}


_READERS: Mapping[str, Callable[[str, str], Tags]] = {
    "cloudwatch": _by_arn("cloudwatch"),
    "dynamodb": _dynamodb,
    "ec2": _ec2,
    "ecs": _ecs,
    "iam": _iam,
    "lambda": _lambda,
    "logs": _by_arn("logs"),
    "sns": _sns,
    "sqs": _sqs,
    "vpc-lattice": _lattice,
}

__all__ = ["Tags", "tags_of"]
