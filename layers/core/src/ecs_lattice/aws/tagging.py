"""What carries our tag, for rebuilding a lost registry. Eventually consistent; never used in a reconcile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_lattice import ownership
from ecs_lattice.aws.errors import translated
from ecs_lattice.errors import NotFoundError
from ecs_lattice.model import Placement
from ecs_lattice.resync import OwnedGroup

if TYPE_CHECKING:
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_vpc_lattice import VPCLatticeClient


@dataclass(frozen=True, slots=True)
class BotoOwned:
    """:class:`ecs_lattice.resync.Owned` over the Resource Groups Tagging API, for the objects of stack ``owner``."""

    tagging: "ResourceGroupsTaggingAPIClient"
    lattice: "VPCLatticeClient"
    owner: str

    def groups(self) -> Iterator[OwnedGroup]:
        names: dict[str, str] = {}
        for arn, tags in self._resources("vpc-lattice:targetgroup"):
            try:
                with translated("GetTargetGroup"):
                    group = self.lattice.get_target_group(targetGroupIdentifier=arn)
            except NotFoundError:
                continue  # deleted, and still listed: the index of tags lags
            config = group["config"]
            for service_arn in group["serviceArns"]:
                names[service_arn] = names.get(service_arn) or self._name(service_arn)
            yield OwnedGroup(
                arn=arn,
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
                continue  # deleted, and still listed: the index of tags lags

    def _resources(self, kind: str) -> Iterator[tuple[str, dict[str, str]]]:
        with translated("GetResources"):
            pages = self.tagging.get_paginator("get_resources").paginate(
                ResourceTypeFilters=[kind], TagFilters=[{"Key": ownership.OWNER, "Values": [self.owner]}]
            )
            found = [mapping for page in pages for mapping in page["ResourceTagMappingList"]]
        for mapping in found:
            yield mapping["ResourceARN"], {tag["Key"]: tag["Value"] for tag in mapping["Tags"]}

    def _name(self, service_arn: str) -> str:
        with translated("GetService"):
            return self.lattice.get_service(serviceIdentifier=service_arn)["name"]
