"""Resource types of CloudFormation that moto lacks or supports in part, created with the APIs of the local AWS.

A provider calls the service like any client, so its resources are those that a user would create: validated against the
service's model and served by the same simulation. Ref and attributes are those of the CloudFormation Template Reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel

from local_aws.eventbus import REGION
from local_aws.services import current

Properties = Mapping[str, Any]


class ResourceError(ValueError):
    """A resource could not be created; the text names it and the reason."""


@dataclass(frozen=True, slots=True)
class Made:
    """A created resource: Ref, attributes for GetAtt, and whether it is ready."""

    ref: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_ready: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class Provider:
    """How one resource type is created and deleted. ``create`` gets the properties and a generated name."""

    type: str
    create: Callable[[Properties, str], Made]
    delete: Callable[[Made, Properties], None]
    attributes: frozenset[str] = frozenset()
    name_property: str = ""
    update: Callable[[Made, Properties, str], Made] | None = None
    """Updates in place; by default an update deletes the old resource and creates a new one."""
    update_from: Callable[[Made, Properties, Properties, str], Made] | None = None
    """The same with the previous properties; it decides itself whether to replace."""


def client(service: str) -> Any:
    """A client of the running server, or of moto in this process, for providers."""
    make: Any = boto3.client  # its types know services by literal names only
    return make(
        service,
        region_name=REGION,
        endpoint_url=current().endpoint_url,
        aws_access_key_id="cloudformation",
        aws_secret_access_key="local",  # noqa: S106  signs requests that nobody checks
        config=Config(retries={"mode": "standard", "max_attempts": 3}),
    )


def model_of(provider: Provider) -> type[CloudFormationModel]:
    """The class for ``provider.type`` in moto's CloudFormation."""

    class Model(CloudFormationModel):
        def __init__(self, made: Made, properties: Properties) -> None:
            self.made = made
            self.properties = properties

        @property
        def physical_resource_id(self) -> str:
            return self.made.ref

        def is_created(self) -> bool:
            return self.made.is_ready()

        def get_cfn_attribute(self, attribute_name: str) -> Any:
            if attribute_name not in self.made.attributes:
                raise UnformattedGetAttTemplateException
            return self.made.attributes[attribute_name]

        def delete(self, account_id: str, region_name: str) -> None:
            # moto interprets a TypeError or AttributeError of this method as its absence.
            try:
                provider.delete(self.made, self.properties)
            except (TypeError, AttributeError) as error:
                raise ResourceError(f"{provider.type} {self.made.ref} could not be deleted: {error}") from error

        @staticmethod
        def cloudformation_name_type() -> str:
            return provider.name_property

        @staticmethod
        def cloudformation_type() -> str:
            return provider.type

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr in provider.attributes

        @classmethod
        def create_from_cloudformation_json(
            cls,
            resource_name: str,
            cloudformation_json: Any,
            account_id: str,  # noqa: ARG003  moto calls it so
            region_name: str,  # noqa: ARG003  moto calls it so
            **kwargs: Any,
        ) -> "Model":
            properties = cloudformation_json.get("Properties", {})
            try:
                return cls(provider.create(properties, resource_name), properties)
            except ClientError as error:
                name = kwargs.get("LogicalId", resource_name)
                raise ResourceError(f"{name} ({provider.type}): {error}") from error

        @classmethod
        def update_from_cloudformation_json(
            cls,
            original_resource: "Model",
            new_resource_name: str,
            cloudformation_json: Any,
            account_id: str,  # noqa: ARG003  moto calls it so
            region_name: str,  # noqa: ARG003  moto calls it so
        ) -> "Model":
            properties = cloudformation_json.get("Properties", {})
            before = original_resource.properties
            if provider.update_from is not None:
                return cls(
                    provider.update_from(original_resource.made, before, properties, new_resource_name), properties
                )
            if provider.update is not None:
                return cls(provider.update(original_resource.made, properties, new_resource_name), properties)
            provider.delete(original_resource.made, before)
            return cls(provider.create(properties, new_resource_name), properties)

    return Model
