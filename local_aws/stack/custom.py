"""Custom resources of stacks: Custom::* and AWS::CloudFormation::CustomResource, backed by a function.

Sources: CloudFormation User Guide, "Create custom provisioning logic with custom resources"; Template Reference,
AWS::CloudFormation::CustomResource. What a rollback sends is in :mod:`local_aws.stack.operations`.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import moto.cloudformation.parsing as moto_parsing
from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel

from local_aws.services import current
from local_aws.stack.custom_responses import Answer, NotDoneError, strings
from local_aws.stack.resources import ResourceError

TYPE = "AWS::CloudFormation::CustomResource"
_MOST_SECONDS = 3600
"""The default and the maximum of ``ServiceTimeout`` (Template Reference)."""


def is_custom(resource: Mapping[str, Any]) -> bool:
    """Whether a resource of a template is a custom resource."""
    type_ = str(resource.get("Type"))
    return type_ == TYPE or type_.startswith("Custom::")


def uses(template: Mapping[str, Any]) -> bool:
    """Whether a template has such a resource."""
    return any(is_custom(resource) for resource in (template.get("Resources") or {}).values())


class CustomResource(CloudFormationModel):
    """One custom resource by its last response. ``properties`` are those of the last request."""

    def __init__(self, stack_id: str, logical_id: str, type_: str, properties: Mapping[str, Any], name: str) -> None:
        self.stack_id = stack_id
        self.logical_id = logical_id
        self.type = type_
        self.properties: Mapping[str, Any] = strings(properties)
        self.physical_id = name
        self.data: Mapping[str, Any] = {}
        self.superseded: list[tuple[str, Mapping[str, Any]]] = []
        """Ids that an update replaced, with their properties, for deletion in the cleanup."""

    @property
    def physical_resource_id(self) -> str:
        return self.physical_id

    def is_created(self) -> bool:
        return True

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return TYPE

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:  # noqa: ARG003  any name may be in the Data of an answer
        return True

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        if attribute_name not in self.data:
            # aws/aws-cdk #29949
            where = f"{attribute_name} attribute in object {self.stack_id}|{self.logical_id}"
            raise ValidationError(message=f"CustomResource attribute error: Vendor response doesn't contain {where}")
        return self.data[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,  # noqa: ARG003  moto calls it so
        region_name: str,  # noqa: ARG003  moto calls it so
        **kwargs: Any,
    ) -> "CustomResource":
        """Send Create. ``resource_name`` is the id until the function responds with another; a Delete after a failure gets
        it (the format of CloudFormation's generated id is not documented: assumption)."""
        made = cls(
            kwargs["StackId"],
            kwargs["LogicalId"],
            kwargs["ResourceType"],
            cloudformation_json["Properties"],
            resource_name,
        )
        try:
            made._take(made._ask("Create"))
        except NotDoneError as error:
            made.physical_id = error.physical_id or made.physical_id
            raise FailedCreationError(str(error), made) from error
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "CustomResource",
        new_resource_name: str,  # noqa: ARG003  moto calls it so
        cloudformation_json: Any,
        account_id: str,  # noqa: ARG003  moto calls it so
        region_name: str,  # noqa: ARG003  moto calls it so
    ) -> "CustomResource":
        """Send Update, unless nothing has changed. A new id in the response means replacement."""
        resource = original_resource
        wanted: Mapping[str, Any] = strings(cloudformation_json["Properties"])
        if cloudformation_json["Type"] != resource.type:
            raise ResourceError("Update of resource type is not permitted.")  # assumption: the text
        if wanted == resource.properties:
            return resource
        if wanted.get("ServiceToken") != resource.properties.get("ServiceToken"):
            # Template Reference, ServiceToken: updates are not supported; the text is what stacks show
            raise ResourceError("Modifying service token is not allowed.")
        before, resource.properties = resource.properties, wanted
        known = resource.physical_id
        try:
            resource._take(resource._ask("Update", PhysicalResourceId=known, OldResourceProperties=before))
        except NotDoneError as error:
            raise ResourceError(str(error)) from error
        if resource.physical_id != known:
            resource.superseded.append((known, before))
        return resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Send Delete for the id and for the replaced ids."""
        self.clean_up()
        self._delete(self.physical_id, self.properties)

    def clean_up(self) -> None:
        """Send Delete for every replaced id, except for the current one."""
        while self.superseded:
            physical_id, properties = self.superseded.pop()
            if physical_id != self.physical_id:
                self._delete(physical_id, properties)

    def _delete(self, physical_id: str, properties: Mapping[str, Any]) -> None:
        try:
            self._ask("Delete", properties, PhysicalResourceId=physical_id)
        except NotDoneError as error:
            raise ResourceError(str(error)) from error

    def _take(self, answer: Answer) -> None:
        self.physical_id, self.data = answer.physical_id, answer.data

    def _ask(self, kind: str, properties: Mapping[str, Any] | None = None, **more: Any) -> Answer:
        properties = self.properties if properties is None else properties
        token = str(properties.get("ServiceToken") or "")
        if not token:
            raise NotDoneError("Missing required property: ServiceToken")  # assumption: the text
        request = {
            "RequestType": kind,
            "RequestId": str(uuid.uuid4()),
            "StackId": self.stack_id,
            "LogicalResourceId": self.logical_id,
            "ResourceType": self.type,
            "ServiceToken": token,
            "ResourceProperties": properties,
            **more,
        }
        responses = current().responses
        if responses is None:
            raise ResourceError("Custom resources need a server, because functions run there: local_aws.server.running")
        return responses.ask(token, request, _seconds(properties))


class FailedCreationError(ResourceError):
    """The creation of a custom resource failed; the rollback deletes it, because it may exist in part."""

    def __init__(self, reason: str, resource: CustomResource) -> None:
        super().__init__(reason)
        self.resource = resource


def _seconds(properties: Mapping[str, Any]) -> float:
    text = str(properties.get("ServiceTimeout") or _MOST_SECONDS)
    if not text.isdigit() or not 1 <= int(text) <= _MOST_SECONDS:
        raise NotDoneError(f"ServiceTimeout is {text!r}; a whole number from 1 to {_MOST_SECONDS} is needed")
    return float(text)


def install() -> None:
    """Register this class for Custom::*; moto finds the one for the other type itself."""
    parsing: Any = moto_parsing
    parsing.CustomModel = CustomResource


__all__ = ["CustomResource", "FailedCreationError", "install", "is_custom", "uses"]
