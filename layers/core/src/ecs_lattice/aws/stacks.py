"""CloudFormation over a boto3 client: :class:`ecs_lattice.custom_resource.verification.Stacks`."""

from typing import Any

from ecs_lattice.aws.clients import translating
from ecs_lattice.custom_resource.verification import StackResource
from ecs_lattice.errors import InvalidError, NotFoundError


class BotoStacks:
    """The stacks of this account and Region."""

    def __init__(self, cloudformation: Any) -> None:
        self._client = translating(cloudformation)

    def resource(self, stack_id: str, logical_id: str) -> StackResource | None:
        try:
            answer = self._client.describe_stack_resource(StackName=stack_id, LogicalResourceId=logical_id)
        except (InvalidError, NotFoundError):
            # CloudFormation has one error, ValidationError, for stacks and resources that do not exist and for ids that are none.
            return None
        detail = answer["StackResourceDetail"]
        return StackResource(
            stack_id=detail.get("StackId", ""),
            logical_id=detail["LogicalResourceId"],
            type=detail["ResourceType"],
            status=detail["ResourceStatus"],
            physical_id=detail.get("PhysicalResourceId", ""),
        )
