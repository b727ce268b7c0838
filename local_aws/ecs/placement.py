"""Task placement: a network interface, or a container instance and host ports."""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ecs.models import ContainerInstance, EC2ContainerServiceBackend, TaskDefinition

from local_aws.ecs.addresses import AddressBook, Binding, Interface, NoPlaceError
from local_aws.ecs.model import Service, ServiceTask, containers

_NO_INSTANCE = (
    "no container instance met all of its requirements. Reason: No Container Instances were found in your cluster."
)


@dataclass(frozen=True, slots=True)
class Place:
    """The placement of one task."""

    interface: Interface | None
    instance_ip: str | None
    instance_arn: str | None
    bindings: tuple[Binding, ...]


class Placement:
    """Places tasks and releases their resources."""

    def __init__(self, backend: EC2ContainerServiceBackend) -> None:
        self._backend = backend
        self._addresses = AddressBook(backend.account_id, backend.region_name)

    def find(
        self, service: Service, definition: TaskDefinition, workload: Mapping[str, Any], *, fargate: bool
    ) -> Place:
        """A placement for one more task; NoPlaceError names the missing resource.

        awsvpc tasks need no container instance, even with launch type EC2, so that a service can be tried without one.
        Bridge and host mode need one, because the task has no other address.
        """
        mappings = [
            (container["name"], mapping)
            for container in containers(definition)
            for mapping in container.get("portMappings") or ()
            if "containerPort" in mapping
        ]
        instance = None if fargate else self._instance(service)
        arn = instance.container_instance_arn if instance is not None else None
        if definition.network_mode == "awsvpc":
            interface = self._addresses.attach(
                workload["networkConfiguration"]["awsvpcConfiguration"], f"attachment of {service.arn}"
            )
            ports = [
                Binding(
                    name,
                    mapping["containerPort"],
                    mapping["containerPort"],
                    mapping.get("protocol", "tcp"),
                    mapping.get("name"),
                )
                for name, mapping in mappings
            ]
            return Place(interface, None, arn, tuple(ports))
        if instance is None:
            raise NoPlaceError(_NO_INSTANCE)
        ip = self._ip(instance)
        bindings = self._addresses.bind(ip, mappings, definition.network_mode or "bridge")
        return Place(None, ip, arn, tuple(bindings))

    def give_back(self, task: ServiceTask) -> None:
        """Release the resources of a stopped task."""
        if task.interface is not None:
            self._addresses.detach(task.interface)
        elif task.instance_ip is not None:
            self._addresses.unbind(task.instance_ip, task.bindings)

    def _instance(self, service: Service) -> ContainerInstance | None:
        """The ACTIVE container instance with the fewest tasks of services."""
        instances = self._backend.container_instances.get(service.cluster.name, {})
        load = Counter(
            task.container_instance_arn
            for service in self._backend.services.values()
            for task in getattr(service, "tasks", ())
            if not task.is_gone
        )
        active = [instance for instance in instances.values() if instance.status == "ACTIVE"]
        return min(active, key=lambda instance: load[instance.container_instance_arn], default=None)

    def _ip(self, instance: ContainerInstance) -> str:
        ec2: Any = ec2_backends[self._backend.account_id][self._backend.region_name]
        return ec2.get_instance(instance.ec2_instance_id).private_ip


def runtime_ids(definition: TaskDefinition) -> dict[str, str]:
    """A runtime id for each container of a new task."""
    return {container["name"]: uuid.uuid4().hex for container in containers(definition)}


__all__ = ["Place", "Placement", "runtime_ids"]
