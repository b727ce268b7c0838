"""The adapter that finds VPC Lattice objects by the owner tag, to rebuild a lost registry. Eventually consistent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ecs_lattice import ownership
from ecs_lattice.aws.clients import translating
from ecs_lattice.errors import NotFoundError
from ecs_lattice.model import Placement
from ecs_lattice.rebuild import OwnedGroup

if TYPE_CHECKING:
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_vpc_lattice import VPCLatticeClient


class BotoOwned:
    """:class:`ecs_lattice.rebuild.Owned` over the Resource Groups Tagging API, for the objects of stack ``owner``."""

    def __init__(self, tagging: "ResourceGroupsTaggingAPIClient", lattice: "VPCLatticeClient", owner: str) -> None:
        self._client = translating(tagging)
        self._lattice = translating(lattice)
        self._owner = owner

    def groups(self) -> Iterator[OwnedGroup]:
        names: dict[str, str] = {}
        for arn, tags in self._resources("vpc-lattice:targetgroup"):
            try:
                group = self._lattice.get_target_group(targetGroupIdentifier=arn)
            except NotFoundError:
                continue  # deleted, but the index of tags still lists it
            config = group["config"]
            for service_arn in group["serviceArns"]:
                names[service_arn] = names.get(service_arn) or self._name(service_arn)
            yield OwnedGroup(
                arn=arn,
                name=group["name"],
                cluster=tags.get(ownership.CLUSTER, ""),
                service=tags.get(ownership.SERVICE, ""),
                lattice_services=tuple(names[service_arn] for service_arn in group["serviceArns"]),
                placement=Placement(config["vpcIdentifier"], config.get("ipAddressType", "IPV4"), config["port"]),
            )

    def services(self) -> Iterator[tuple[str, str]]:
        for arn, _ in self._resources("vpc-lattice:service"):
            try:
                yield self._name(arn), arn
            except NotFoundError:
                continue  # deleted, but the index of tags still lists it

    def _resources(self, kind: str) -> Iterator[tuple[str, dict[str, str]]]:
        pages = self._client.get_paginator("get_resources").paginate(
            ResourceTypeFilters=[kind], TagFilters=[{"Key": ownership.OWNER, "Values": [self._owner]}]
        )
        found = [mapping for page in pages for mapping in page["ResourceTagMappingList"]]
        for mapping in found:
            yield mapping["ResourceARN"], {tag["Key"]: tag["Value"] for tag in mapping["Tags"]}

    def _name(self, service_arn: str) -> str:
        return self._lattice.get_service(serviceIdentifier=service_arn)["name"]
