"""What is in the account and Region already: VPCs, service networks and ECS clusters, and which is in which."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_lattice_cli.aws_errors import explained
from ecs_lattice_cli.errors import CommandError

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Stack

type Data = Mapping[str, Any]

_GONE = {"CREATE_FAILED", "DELETE_IN_PROGRESS"}  # of an association (VPC Lattice API)
_CLUSTERS_A_CALL = 100  # DescribeClusters
_SERVICES_A_CALL = 10  # DescribeServices
_LOOKED_INTO = 20
"""So many clusters are looked into for their VPCs, at ten services of each: two calls for each of them."""


@dataclass(frozen=True, slots=True)
class Network:
    """A service network. ``account`` owns it; one of another account is shared with this one."""

    name: str
    id: str
    arn: str
    account: str


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC. ``network`` is the ARN of the service network that it is associated with, and ``network_name`` its name; empty: none.
    ``clusters`` are the ECS clusters that are known to run tasks in it."""

    id: str
    name: str
    cidrs: tuple[str, ...]
    account: str
    network: str = ""
    network_name: str = ""
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """An active ECS cluster, with how many ECS services and running tasks it has."""

    name: str
    arn: str
    services: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Account:
    """``unread`` says why it is not known where ECS services run; empty: it is."""

    id: str
    vpcs: tuple[Vpc, ...]
    networks: tuple[Network, ...]
    clusters: tuple[Cluster, ...]
    unread: str = ""


def read(stack: "Stack") -> Account:
    """The account in the Region of ``stack``. CommandError where it may not be read."""
    with explained():
        account = stack.client("sts").get_caller_identity()["Account"]
        clusters = sorted(_clusters(stack.client("ecs")), key=lambda each: each.name)
        networks = sorted(_networks(stack.client("vpc-lattice")), key=lambda each: (each.account != account, each.name))
        found = list(_pages(stack.client("ec2"), "describe_vpcs", "Vpcs"))
    by_vpc, unread = _clusters_by_vpc(stack, clusters)
    vpcs = [_vpc(stack, each, tuple(by_vpc.get(each["VpcId"], ()))) for each in found]
    vpcs.sort(key=lambda each: (not each.clusters, each.name or each.id))
    return Account(account, tuple(vpcs), tuple(networks), tuple(clusters), unread)


def _pages(client: Any, operation: str, member: str, **more: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**more):
        yield from page[member]


def _networks(lattice: Any) -> Iterator[Network]:
    """Own ones, and those that other accounts share with this one (VPC Lattice API, ListServiceNetworks)."""
    for each in _pages(lattice, "list_service_networks", "items"):
        yield Network(each["name"], each["id"], each["arn"], each["arn"].split(":")[4])


def _clusters(ecs: Any) -> Iterator[Cluster]:
    arns = list(_pages(ecs, "list_clusters", "clusterArns"))
    for start in range(0, len(arns), _CLUSTERS_A_CALL):
        for each in ecs.describe_clusters(clusters=arns[start : start + _CLUSTERS_A_CALL])["clusters"]:
            if each["status"] != "INACTIVE":
                yield Cluster(
                    each["clusterName"], each["clusterArn"], each["activeServicesCount"], each["runningTasksCount"]
                )


def _vpc(stack: "Stack", found: Data, clusters: tuple[str, ...]) -> Vpc:
    """With its service network: a VPC has at most one (VPC Lattice quotas)."""
    name = next((tag["Value"] for tag in found.get("Tags", ()) if tag["Key"] == "Name"), "")
    cidrs = [each["CidrBlock"] for each in found.get("CidrBlockAssociationSet", ())] or [found["CidrBlock"]]
    with explained():
        lattice = stack.client("vpc-lattice")
        pages = _pages(lattice, "list_service_network_vpc_associations", "items", vpcIdentifier=found["VpcId"])
        network: Data = next((each for each in pages if each["status"] not in _GONE), {})
    return Vpc(
        found["VpcId"], name, tuple(cidrs), found["OwnerId"],
        network.get("serviceNetworkArn", ""), network.get("serviceNetworkName", ""), clusters,
    )  # fmt: skip


def _clusters_by_vpc(stack: "Stack", clusters: list[Cluster]) -> tuple[dict[str, list[str]], str]:
    """VPC to the names of clusters with an ECS service of network mode awsvpc in it; and why that is not known."""
    found: dict[str, list[str]] = {}
    try:
        with explained():
            subnets = _pages(stack.client("ec2"), "describe_subnets", "Subnets")
            by_subnet = {each["SubnetId"]: each["VpcId"] for each in subnets}
            for cluster in [each for each in clusters if each.services][:_LOOKED_INTO]:
                vpcs = {by_subnet[each] for each in _subnets(stack.client("ecs"), cluster) if each in by_subnet}
                for vpc in vpcs:
                    found.setdefault(vpc, []).append(cluster.name)
    except CommandError as error:
        return {}, error.message
    return found, ""


def _subnets(ecs: Any, cluster: Cluster) -> set[str]:
    arns = ecs.list_services(cluster=cluster.name, maxResults=_SERVICES_A_CALL)["serviceArns"]
    services = ecs.describe_services(cluster=cluster.name, services=arns)["services"] if arns else []
    return {
        subnet
        for each in services
        for subnet in each.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).get("subnets", ())
    }


__all__ = ["Account", "Cluster", "Network", "Vpc", "read"]
