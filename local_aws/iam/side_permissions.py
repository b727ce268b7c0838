"""Side permissions: what AWS requires of a caller in addition to the action that it calls. One table; every row names its source."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from local_aws.eventbus import ACCOUNT
from local_aws.iam.needs import Need, Params, arn, tags_in_request

Beside = Callable[[str, Params, Sequence[Need]], Iterable[Need]]
"""From the operation, its parameters and its own needs to the additional ones."""
LATTICE_ROLE = "AWSServiceRoleForVpcLattice"
LATTICE_SERVICE = "vpc-lattice.amazonaws.com"


@dataclass(frozen=True, slots=True)
class SidePermission:
    """What some operations of a service need in addition to their own actions."""

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
    """Depends on the kind of target: address, instance (``i-``), function or load balancer (ARNs)."""
    ids = [str(target.get("id", "")) for target in params.get("targets") or ()]
    functions = [target for target in ids if ":lambda:" in target]
    balancers = [target for target in ids if ":elasticloadbalancing:" in target]
    if len(functions) + len(balancers) < len(ids):
        yield _need("ec2:DescribeVpcs")
        yield _need("ec2:DescribeSubnets")
    if any(target.startswith("i-") for target in ids):
        yield _need("ec2:DescribeInstances")
    for function in functions:
        yield _need("lambda:GetFunction", function)
        yield _need("lambda:AddPermission", function)
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
    """On the new resource: of the resources that the creation is authorized on, the one without an id."""
    if params.get("tags"):
        (made,) = (need for need in own if need.resource.endswith("/*"))
        yield Need("vpc-lattice:TagResource", made.resource, tags_in_request(params["tags"]), side=True)


def _service_linked_role(_operation: str, _params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{LATTICE_SERVICE}/{LATTICE_ROLE}"
    yield _need("iam:CreateServiceLinkedRole", role, {"iam:awsservicename": LATTICE_SERVICE})


def _ec2_tags(operation: str, params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    for specification in params.get("TagSpecifications") or ():
        if specification.get("Tags"):
            context = {**tags_in_request(specification["Tags"]), "ec2:createaction": operation}
            yield Need("ec2:CreateTags", arn("ec2", f"{specification['ResourceType']}/*"), context, side=True)


def _alarm_tags(_operation: str, params: Params, own: Sequence[Need]) -> Iterator[Need]:
    if params.get("Tags"):
        yield Need("cloudwatch:TagResource", own[0].resource, tags_in_request(params["Tags"]), side=True)


def _ecs_tags(_operation: str, params: Params, own: Sequence[Need]) -> Iterator[Need]:
    if params.get("tags"):
        context = {**own[0].context, **tags_in_request(params["tags"])}
        yield Need("ecs:TagResource", own[0].resource, context, side=True)


def _pass_role(_operation: str, params: Params, _own: Sequence[Need]) -> Iterator[Need]:
    """Once per role that ECS is given for VPC Lattice and for load balancers."""
    lattice, balancers = params.get("vpcLatticeConfigurations") or (), params.get("loadBalancers") or ()
    roles = {configuration.get("roleArn") for configuration in lattice}
    roles |= {(balancer.get("advancedConfiguration") or {}).get("roleArn") for balancer in balancers}
    for role in sorted(role for role in roles if role):
        yield _need("iam:PassRole", role, {"iam:passedtoservice": "ecs.amazonaws.com"})


_LATTICE_GUIDE = "VPC Lattice User Guide, identity-based policies, additional permissions of API actions"
_LATTICE_MAKES = (
    "CreateAccessLogSubscription", "CreateListener", "CreateRule", "CreateService", "CreateServiceNetwork",
    "CreateServiceNetworkServiceAssociation", "CreateServiceNetworkVpcAssociation", "CreateTargetGroup",
)  # fmt: skip
FIRST = SidePermission(
    "vpc-lattice", _LATTICE_MAKES, _service_linked_role, "VPC Lattice User Guide, using service-linked roles"
)
"""Only where the account has no such role yet: the first VPC Lattice resource creates it."""
TABLE: tuple[SidePermission, ...] = (
    SidePermission("vpc-lattice", ("CreateTargetGroup",), _target_group, _LATTICE_GUIDE),
    SidePermission("vpc-lattice", ("RegisterTargets",), _register_targets, _LATTICE_GUIDE),
    SidePermission("vpc-lattice", ("CreateServiceNetworkVpcAssociation",), _vpc_association, _LATTICE_GUIDE),
    SidePermission("vpc-lattice", ("CreateAccessLogSubscription",), _log_delivery, _LATTICE_GUIDE),
    SidePermission(
        "vpc-lattice", _LATTICE_MAKES, _tag_new, "Service Authorization Reference, Amazon VPC Lattice, API operations"
    ),
    SidePermission(
        "ec2",
        ("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "CreateSecurityGroup"),
        _ec2_tags,
        "Amazon EC2 User Guide, grant permission to tag resources during creation",
    ),
    SidePermission(
        "cloudwatch", ("PutMetricAlarm",), _alarm_tags, "Amazon CloudWatch API Reference, PutMetricAlarm, Tags"
    ),
    SidePermission("ecs", ("CreateService",), _ecs_tags, "Amazon ECS Developer Guide, tag resources on creation"),
    SidePermission(
        "ecs", ("CreateService", "UpdateService"), _pass_role, "Amazon ECS Developer Guide, infrastructure IAM role"
    ),
)


def beside(service: str, operation: str, params: Params, own: Sequence[Need], *, first: bool) -> Iterator[Need]:
    """What the operation needs in addition to ``own``. ``first``: the account has no service-linked role of VPC Lattice."""
    for permission in (*TABLE, *((FIRST,) if first else ())):
        if permission.service == service and operation in permission.operations:
            yield from permission.needs(operation, params, own)


__all__ = ["FIRST", "LATTICE_ROLE", "LATTICE_SERVICE", "TABLE", "SidePermission", "beside"]
