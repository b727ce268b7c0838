"""What the account has to have: a trail, networks with VPCs, prefix lists, the role's policy, and quotas that are not used up."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ecs_lattice_cli.aws_errors import explained
from ecs_lattice_cli.doctor.findings import NOT_OK, OK, SKIPPED, Finding, is_missing, skipped
from ecs_lattice_cli.errors import CommandError

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Stack

type Data = Mapping[str, Any]

ROLE_POLICY = "AmazonECSInfrastructureRolePolicyForVpcLattice"
_GONE = {"CREATE_FAILED", "DELETE_IN_PROGRESS"}  # of an association (VPC Lattice API)


def trail(stack: "Stack") -> Iterator[Finding]:
    """A trail that logs management events that write, in this Region. Those of other Regions that cover all are listed, too."""
    with explained():
        cloudtrail = stack.client("cloudtrail")
        trails = cloudtrail.describe_trails()["trailList"]
    unknown: list[CommandError] = []
    for each in trails:
        try:
            with explained():
                does_log = _logs_writes(cloudtrail, each["TrailARN"])
        except CommandError as error:
            unknown.append(error)
            continue
        if does_log:
            yield Finding("trail", OK, f"{each['Name']} logs management events")
            return
    if unknown:
        yield skipped("trail", unknown[0])
        return
    why = (
        f"none of {len(trails)} trails logs management events that write" if trails else "there is no CloudTrail trail"
    )
    yield Finding(
        "trail", NOT_OK, f"{why}: deleted ECS services and changed tags are noticed by the resync, up to 15 minutes later",
        'docs/operations.md, "Before the first label": create a trail, or aws cloudtrail start-logging --name <trail>',
    )  # fmt: skip


def _logs_writes(cloudtrail: Any, arn: str) -> bool:
    """Whether a trail is on and has management events that write (CloudTrail API, EventSelector, AdvancedEventSelector). A trail
    without selectors logs them all (PutEventSelectors: the default)."""
    if not cloudtrail.get_trail_status(Name=arn)["IsLogging"]:
        return False
    found = cloudtrail.get_event_selectors(TrailName=arn)
    basic, advanced = found.get("EventSelectors", []), found.get("AdvancedEventSelectors", [])
    if not basic and not advanced:
        return True
    return any(
        each.get("IncludeManagementEvents", True) and each.get("ReadWriteType", "All") != "ReadOnly" for each in basic
    ) or any(map(_is_of_management_writes, advanced))


def _is_of_management_writes(selector: Data) -> bool:
    fields = {field["Field"]: field for field in selector["FieldSelectors"]}
    only_reads = "true" in fields.get("readOnly", {}).get("Equals", ())
    return "Management" in fields.get("eventCategory", {}).get("Equals", ()) and not only_reads


def networks(stack: "Stack", status: Data) -> Iterator[Finding]:
    """The service networks that routes name and that of the stack, each with whether clients can be in it."""
    with explained():
        lattice = stack.client("vpc-lattice")
        there = [each for page in lattice.get_paginator("list_service_networks").paginate() for each in page["items"]]
    wanted = {name for each in status["latticeServices"] for name in each["networks"]}
    wanted |= {stack.outputs["ServiceNetworkArn"]} if "ServiceNetworkArn" in stack.outputs else set()
    if not there:
        yield Finding(
            "network", NOT_OK, f"there is no service network in Region {stack.region}: no client can reach a route",
            "sam deploy --parameter-overrides CreateNetwork=true, or share one (docs/operations.md)",
        )  # fmt: skip
    elif not wanted:
        yield Finding(
            "network", SKIPPED, f"no route is in one of the {len(there)} service networks yet", "ecs-lattice status"
        )
    else:
        found = {wish: _named(wish, there) for wish in sorted(wanted)}
        yield from (_missing(wish, stack.region) for wish, network in found.items() if network is None)
        own = {network["arn"]: network for network in found.values() if network}
        yield from (_network(lattice, network) for network in own.values())


def _named(wish: str, there: Sequence[Data]) -> Data | None:
    return next((each for each in there if wish in {each["name"], each["id"], each["arn"]}), None)


def _missing(name: str, region: str) -> Finding:
    fact = f"service network {name} is not in Region {region}, or is not shared with this account"
    return Finding("network", NOT_OK, fact, "aws vpc-lattice list-service-networks")


def _network(lattice: Any, network: Data) -> Finding:
    """Whether VPCs are associated, and without any whether endpoints are: clients come by either."""
    name, arn = network["name"], network["arn"]
    try:
        vpcs = _associations(lattice, "vpc", arn)
        active = sorted(each["vpcId"] for each in vpcs if each["status"] == "ACTIVE")
        if active:
            return Finding("network", OK, f"{name} has {', '.join(active)}")
        if vpcs:
            told = ", ".join(f"{each.get('vpcId', '-')} {each['status']}" for each in vpcs)
            return Finding("network", NOT_OK, f"no VPC is associated with {name} yet: {told}", _listing(arn))
        if _associations(lattice, "vpc_endpoint", arn):
            return Finding("network", OK, f"{name} has endpoints and no VPC: clients need the name of an endpoint")
    except CommandError as error:
        return skipped("network", error)
    return Finding("network", NOT_OK, f"no VPC is associated with {name}: no client can reach it", _associate(arn))


def _associations(lattice: Any, kind: str, arn: str) -> list[Data]:
    with explained():
        pages = lattice.get_paginator(f"list_service_network_{kind}_associations").paginate(
            serviceNetworkIdentifier=arn
        )
        found = [each for page in pages for each in page["items"]]
    return [each for each in found if each.get("status", each.get("state")) not in _GONE]


def _listing(arn: str) -> str:
    return f"aws vpc-lattice list-service-network-vpc-associations --service-network-identifier {arn}"


def _associate(arn: str) -> str:
    command = "aws vpc-lattice create-service-network-vpc-association"
    return f"{command} --service-network-identifier {arn} --vpc-identifier <VPC of the clients>"


def prefix_lists(stack: "Stack") -> Iterator[Finding]:
    """VPC Lattice's managed prefix lists, which security groups of tasks are opened for. The one for IPv6 is not in every Region."""
    names = [f"com.amazonaws.{stack.region}.{family}vpc-lattice" for family in ("", "ipv6.")]
    with explained():
        pages = stack.client("ec2").get_paginator("describe_managed_prefix_lists").paginate(
            Filters=[{"Name": "prefix-list-name", "Values": names}]
        )  # fmt: skip
        found = {each["PrefixListName"]: each["PrefixListId"] for page in pages for each in page["PrefixLists"]}
    if names[0] in found:
        yield Finding("prefix lists", OK, ", ".join(f"{name} is {found[name]}" for name in names if name in found))
        return
    yield Finding(
        "prefix lists", NOT_OK, f"{names[0]} does not exist in Region {stack.region}: security groups cannot be opened for VPC Lattice",
        'docs/operations.md, "Regions"',
    )  # fmt: skip


def role(stack: "Stack") -> Iterator[Finding]:
    """The AWS managed policy that the infrastructure role has by the template."""
    arn = stack.output("InfrastructureRoleArn")
    name = arn.rpartition("/")[2]
    policy = f"arn:{arn.split(':')[1]}:iam::aws:policy/{ROLE_POLICY}"
    try:
        with explained():
            pages = stack.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=name)
            attached = {each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]}
    except CommandError as error:
        if not is_missing(error, "NoSuchEntity"):
            raise
        yield Finding(
            "role", NOT_OK, f"infrastructure role {name} does not exist: ECS registers no tasks", "sam deploy"
        )
        return
    if policy in attached:
        yield Finding("role", OK, f"{name} has {ROLE_POLICY}")
        return
    yield Finding(
        "role", NOT_OK, f"{name} lacks {ROLE_POLICY}: ECS cannot register tasks or shift weights",
        f"aws iam attach-role-policy --role-name {name} --policy-arn {policy}",
    )  # fmt: skip
