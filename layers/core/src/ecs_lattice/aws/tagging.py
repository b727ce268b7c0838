"""What carries our tag, for rebuilding a lost registry. Eventually consistent; never used in a reconcile."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ecs_lattice.aws.errors import translated
from ecs_lattice.ownership import OWNER

if TYPE_CHECKING:
    from types_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from types_boto3_vpc_lattice import VPCLatticeClient


def owned_services(tagging: "ResourceGroupsTaggingAPIClient", lattice: "VPCLatticeClient", owner: str) -> Iterator[str]:
    """The names of the Lattice services whose ``ecs-lattice:owner`` is ``owner``."""
    with translated("GetResources"):
        pages = tagging.get_paginator("get_resources").paginate(
            ResourceTypeFilters=["vpc-lattice:service"], TagFilters=[{"Key": OWNER, "Values": [owner]}]
        )
        arns = [mapping["ResourceARN"] for page in pages for mapping in page["ResourceTagMappingList"]]
    for arn in arns:
        with translated("GetService"):
            yield lattice.get_service(serviceIdentifier=arn)["name"]
