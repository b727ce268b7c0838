"""What CreateService and UpdateService reject, with ECS's messages where they are public.

Messages marked ``assumption`` are this package's; the error classes are those of botocore's model.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.ecs.exceptions import EcsClientException, InvalidParameterException
from moto.ecs.models import TaskDefinition

from local_aws.ecs.model import containers
from local_aws.ecs.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TAG = re.compile(r"[\w\s.:/=+\-@]*")
_MOST_TAGS = 50


def service_name(name: str) -> None:
    """Up to 255 letters, digits, underscores and hyphens (botocore, CreateServiceRequest.serviceName)."""
    if not _NAME.fullmatch(name or ""):
        raise InvalidParameterException(f"Invalid service name: {name}")


def tags(given: Sequence[Mapping[str, str]]) -> None:
    """Validate keys, values and number of tags (botocore, Tag). The message is an assumption."""
    keys = [tag.get("key", "") for tag in given]
    for tag in given:
        key, value = tag.get("key", ""), tag.get("value", "")
        allowed = _TAG.fullmatch(key) and _TAG.fullmatch(value) and 0 < len(key) <= 128 and len(value) <= 256
        if not allowed or key.lower().startswith("aws:"):
            raise InvalidParameterException(
                f"Tag {key!r}={value!r} is not allowed: a key has 1-128 characters and no aws: prefix, a value up to "
                "256; both have letters, numbers, spaces and _ . : / = + - @ only"
            )
    if len(keys) > _MOST_TAGS or len(set(keys)) < len(keys):
        raise InvalidParameterException(f"A resource has at most {_MOST_TAGS} tags, each key once")


def workload(
    request: Mapping[str, Any], definition: TaskDefinition, settings: Settings, group_exists: Callable[[str], bool]
) -> None:
    """Validate a service that ECS schedules: network, deployment configuration, target groups."""
    _network(request, definition)
    _percentages(request.get("deploymentConfiguration") or {})
    _lattice(request, definition, settings, group_exists)


def _network(request: Mapping[str, Any], definition: TaskDefinition) -> None:
    awsvpc = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if definition.network_mode == "awsvpc" and not awsvpc:
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        raise InvalidParameterException(message)
    if definition.network_mode != "awsvpc" and awsvpc:
        message = "Network Configuration is not valid for the given networkMode of this task definition."
        raise InvalidParameterException(message)
    if awsvpc and not awsvpc.get("subnets"):
        raise InvalidParameterException("subnets can not be empty.")


def _percentages(configuration: Mapping[str, Any]) -> None:
    minimum, maximum = configuration.get("minimumHealthyPercent", 100), configuration.get("maximumPercent", 200)
    if minimum == maximum == 100:
        raise InvalidParameterException(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
        )
    if minimum < 0 or maximum < minimum:
        raise InvalidParameterException(
            f"Invalid deploymentConfiguration: minimumHealthyPercent {minimum}, maximumPercent {maximum}; the minimum "
            "must be 0 or more and not above the maximum"
        )


def _lattice(
    request: Mapping[str, Any], definition: TaskDefinition, settings: Settings, group_exists: Callable[[str], bool]
) -> None:
    configurations = request.get("vpcLatticeConfigurations") or ()
    if not configurations:
        return
    if (request.get("deploymentController") or {}).get("type", "ECS") != "ECS":
        # ECS Developer Guide, "Use Amazon VPC Lattice": the CODE_DEPLOY controller is not supported.
        # EXTERNAL is rejected too, with a message of our own: assumption.
        raise InvalidParameterException("VPC Lattice configurations need the ECS deployment controller.")
    if len(configurations) > settings.max_vpc_lattice_configurations:
        # five in the console's text (ECS Developer Guide); the error of the API: assumption
        limit = settings.max_vpc_lattice_configurations
        raise InvalidParameterException(f"vpcLatticeConfigurations can have at most {limit} items.")
    names = port_names(definition)
    for item in configurations:
        if item["portName"] not in names:
            # ECS rejects a task definition without the port that a load balancer names (hashicorp/terraform #4227);
            # that it does so for VPC Lattice: assumption
            raise InvalidParameterException(
                f"The portName '{item['portName']}' of vpcLatticeConfigurations is not defined in the task definition "
                f"{definition.family}:{definition.revision}; it has {', '.join(sorted(names)) or 'no named port'}."
            )
        if not group_exists(item["targetGroupArn"]):
            # assumption: checked when the service is written, as for load balancers' target groups
            raise InvalidParameterException(f"The target group {item['targetGroupArn']} does not exist.")


def port_names(definition: TaskDefinition) -> set[str]:
    """The names that ``vpcLatticeConfigurations`` may use."""
    return {
        mapping["name"]
        for container in containers(definition)
        for mapping in container.get("portMappings") or ()
        if mapping.get("name")
    }


def active(definition: TaskDefinition) -> TaskDefinition:
    """The revision, if it may still be deployed."""
    if definition.status != "ACTIVE":
        raise EcsClientException("TaskDefinition is inactive")
    return definition


__all__ = ["active", "port_names", "service_name", "tags", "workload"]
