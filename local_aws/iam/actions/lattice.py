"""Amazon VPC Lattice (Service Authorization Reference): derived from the resource types of an action in the reference.

A creation is authorized on the new resource, with ``*`` for its unknown id.
"""

from collections.abc import Callable, Iterator, Mapping

from local_aws.iam import reference
from local_aws.iam.needs import Need, Params, as_arn, tags_in_request
from local_aws.iam.variables import Value

_ACTIONS = {"BatchUpdateRule": "UpdateRule"}
"""Operations that are authorized as another one."""


def _named(path: str, member: str) -> Callable[[Params, str], str]:
    return lambda params, _: as_arn("vpc-lattice", params[member], f"{path}/")


def _service(params: Params, _: str) -> str:
    return as_arn("vpc-lattice", params["serviceIdentifier"], "service/")


def _listener(params: Params, new: str) -> str:
    identifier = new or params["listenerIdentifier"]
    return identifier if identifier.startswith("arn:") else f"{_service(params, '')}/listener/{identifier}"


def _rule(params: Params, new: str) -> str:
    identifier = new or params["ruleIdentifier"]
    return identifier if identifier.startswith("arn:") else f"{_listener(params, '')}/rule/{identifier}"


_PATHS = {
    "Service": "service",
    "ServiceNetwork": "servicenetwork",
    "ServiceNetworkServiceAssociation": "servicenetworkserviceassociation",
    "ServiceNetworkVpcAssociation": "servicenetworkvpcassociation",
    "TargetGroup": "targetgroup",
    "AccessLogSubscription": "accesslogsubscription",
}
_ARNS: Mapping[str, Callable[[Params, str], str]] = {
    **{kind: _named(path, f"{kind[0].lower()}{kind[1:]}Identifier") for kind, path in _PATHS.items()},
    "Listener": _listener,
    "Rule": _rule,
}
_BY_ID = {"svc-": "service/", "sn-": "servicenetwork/"}
"""The prefixes of a resourceIdentifier that is not an ARN."""


def needs(operation: str, params: Params) -> Iterator[Need]:
    """The permissions that an operation needs. KeyError if its resource type is not known here."""
    action = f"vpc-lattice:{_ACTIONS.get(operation, operation)}"
    context = {**tags_in_request(params.get("tags")), **_keys(params)}
    for resource in _resources(operation, action, params):
        yield Need(action, resource, context)


def _resources(operation: str, action: str, params: Params) -> Iterator[str]:
    kinds = reference.resource_types(action)
    if not kinds:
        yield "*"
    elif "resourceArn" in params:
        yield params["resourceArn"]
    elif "resourceIdentifier" in params:
        yield _by_id(params["resourceIdentifier"])
        if operation == "CreateAccessLogSubscription":
            yield _new("AccessLogSubscription", params)
    elif operation == "BatchUpdateRule":
        for rule in params["rules"]:
            yield _rule({**params, **rule}, "")
    else:
        made = operation.removeprefix("Create") if operation.startswith("Create") else None
        for kind in kinds:
            yield _new(kind, params) if kind == made else _ARNS[kind](params, "")


def _new(kind: str, params: Params) -> str:
    """The resource that is about to be created."""
    return as_arn("vpc-lattice", "*", f"{_PATHS[kind]}/") if kind in _PATHS else _ARNS[kind](params, "*")


def _by_id(identifier: str) -> str:
    if identifier.startswith("arn:"):
        return identifier
    prefix = next(path for start, path in _BY_ID.items() if identifier.startswith(start))
    return as_arn("vpc-lattice", identifier, prefix)


def _keys(params: Params) -> dict[str, Value]:
    """The service's own condition keys, where the request has them."""
    config = params.get("config")
    found: dict[str, Value | None] = {
        "vpc-lattice:authtype": params.get("authType"),
        "vpc-lattice:protocol": params.get("protocol"),
        "vpc-lattice:vpcid": (config or {}).get("vpcIdentifier") or params.get("vpcIdentifier"),
        "vpc-lattice:securitygroupids": tuple(params.get("securityGroupIds") or ()) or None,
        "vpc-lattice:targetgrouparns": tuple(_groups(params.get("action") or params.get("defaultAction"))) or None,
    }
    if "serviceNetworkIdentifier" in params:
        found["vpc-lattice:servicenetworkarn"] = _ARNS["ServiceNetwork"](params, "")
        if "serviceIdentifier" in params:
            found["vpc-lattice:servicearn"] = _service(params, "")
    return {key: value for key, value in found.items() if value}


def _groups(action: Params | None) -> Iterator[str]:
    for group in ((action or {}).get("forward") or {}).get("targetGroups") or ():
        yield as_arn("vpc-lattice", group["targetGroupIdentifier"], "targetgroup/")


__all__ = ["needs"]
