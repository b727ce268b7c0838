"""Side permissions: what AWS asks of a caller beside the action that it calls. One table, each line with its source."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from local_aws.eventbus import ACCOUNT
from local_aws.iam.needs import Need, Params, arn, tags_in_request

Beside = Callable[[str, Params, Sequence[Need]], Iterable[Need]]
"""Operation, parameters and what the operation itself needs; what is needed beside it."""
LATTICE_ROLE = "AWSServiceRoleForVpcLattice"
LATTICE_SERVICE = "vpc-lattice.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Side:
    """What some operations of a service need beside their own actions."""

    service: str
    """The prefix of its actions."""
    operations: tuple[str, ...]
    needs: Beside
    source: str


def _need(action: str, resource: str = "*", context: Mapping[str, str] | None = None) -> Need:
    return Need(action, resource, context or {}, side=True)


def _target_group(_operation: str, params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    if (params.get("config") or {}).get("vpcIdentifier"):  # a group of functions has none
        yield _need("ec2:DescribeVpcs")


def _register_targets(_operation: str, params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    """By what the targets are: addresses, instances (``i-``), functions or load balancers (ARNs)."""
    ids = [str(target.get("id", "")) for target in params.get("targets") or ()]
    functions = [each for each in ids if ":lambda:" in each]
    balancers = [each for each in ids if ":elasticloadbalancing:" in each]
    if len(functions) + len(balancers) < len(ids):
        yield _need("ec2:DescribeVpcs")
        yield _need("ec2:DescribeSubnets")
    if any(each.startswith("i-") for each in ids):
        yield _need("ec2:DescribeInstances")
    for each in functions:
        yield _need("lambda:GetFunction", each)
        yield _need("lambda:AddPermission", each)
    if balancers:
        yield _need("elasticloadbalancing:DescribeLoadBalancers")


def _vpc_association(_operation: str, params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    yield _need("ec2:DescribeVpcs")
    if params.get("securityGroupIds"):
        yield _need("ec2:DescribeSecurityGroups")


def _log_delivery(_operation: str, _params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    yield _need("logs:CreateLogDelivery")
    yield _need("logs:GetLogDelivery")


def _tag_new(_operation: str, params: Params, own: Sequence[Need]) -> Iterator[Need]:
    """On the thing that is made: of what the create is authorised on, the one without an id."""
    if params.get("tags"):
        (made,) = (need for need in own if need.resource.endswith("/*"))
        yield Need("vpc-lattice:TagResource", made.resource, tags_in_request(params["tags"]), side=True)


def _service_linked_role(_operation: str, _params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{LATTICE_SERVICE}/{LATTICE_ROLE}"
    yield _need("iam:CreateServiceLinkedRole", role, {"iam:awsservicename": LATTICE_SERVICE})


def _ec2_tags(operation: str, params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    for each in params.get("TagSpecifications") or ():
        if each.get("Tags"):
            context = {**tags_in_request(each["Tags"]), "ec2:createaction": operation}
            yield Need("ec2:CreateTags", arn("ec2", f"{each['ResourceType']}/*"), context, side=True)


def _alarm_tags(_operation: str, params: Params, own: Sequence[Need]) -> Iterator[Need]:
    if params.get("Tags"):
        yield Need("cloudwatch:TagResource", own[0].resource, tags_in_request(params["Tags"]), side=True)


def _ecs_tags(_operation: str, params: Params, own: Sequence[Need]) -> Iterator[Need]:
    if params.get("tags"):
        context = {**own[0].context, **tags_in_request(params["tags"])}
        yield Need("ecs:TagResource", own[0].resource, context, side=True)


def _pass_role(_operation: str, params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    """Once for every role that ECS is handed for its work at VPC Lattice and load balancers."""
    roles = {each.get("roleArn") for each in params.get("vpcLatticeConfigurations") or ()}
    roles |= {(each.get("advancedConfiguration") or {}).get("roleArn") for each in params.get("loadBalancers") or ()}
    for role in sorted(role for role in roles if role):
        yield _need("iam:PassRole", role, {"iam:passedtoservice": "ecs.amazonaws.com"})


_LATTICE_GUIDE = "VPC Lattice User Guide, identity-based policies, additional permissions of API actions"
_LATTICE_MAKES = (
    "CreateAccessLogSubscription", "CreateListener", "CreateRule", "CreateService", "CreateServiceNetwork",
    "CreateServiceNetworkServiceAssociation", "CreateServiceNetworkVpcAssociation", "CreateTargetGroup",
)  # fmt: skip
FIRST = Side("vpc-lattice", _LATTICE_MAKES, _service_linked_role, "VPC Lattice User Guide, using service-linked roles")
"""Only where the account has no such role yet: the first resource of VPC Lattice makes it."""
TABLE: tuple[Side, ...] = (
    Side("vpc-lattice", ("CreateTargetGroup",), _target_group, _LATTICE_GUIDE),
    Side("vpc-lattice", ("RegisterTargets",), _register_targets, _LATTICE_GUIDE),
    Side("vpc-lattice", ("CreateServiceNetworkVpcAssociation",), _vpc_association, _LATTICE_GUIDE),
    Side("vpc-lattice", ("CreateAccessLogSubscription",), _log_delivery, _LATTICE_GUIDE),
    Side(
        "vpc-lattice", _LATTICE_MAKES, _tag_new, "Service Authorization Reference, Amazon VPC Lattice, API operations"
    ),
    Side(
        "ec2",
        ("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "CreateSecurityGroup"),
        _ec2_tags,
        "Amazon EC2 User Guide, grant permission to tag resources during creation",
    ),
    Side("cloudwatch", ("PutMetricAlarm",), _alarm_tags, "Amazon CloudWatch API Reference, PutMetricAlarm, Tags"),
    Side("ecs", ("CreateService",), _ecs_tags, "Amazon ECS Developer Guide, tag resources on creation"),
    Side("ecs", ("CreateService", "UpdateService"), _pass_role, "Amazon ECS Developer Guide, infrastructure IAM role"),
)


def beside(service: str, operation: str, params: Params, own: Sequence[Need], *, first: bool) -> Iterator[Need]:
    """What the operation needs beside ``own``. ``first``: the account has no service-linked role of VPC Lattice."""
    for side in (*TABLE, *((FIRST,) if first else ())):
        if side.service == service and operation in side.operations:
            yield from side.needs(operation, params, own)


__all__ = ["FIRST", "LATTICE_ROLE", "LATTICE_SERVICE", "TABLE", "Side", "beside"]
