"""ECS and VPC Lattice: register a deployment's tasks with its target groups, deregister them, read their health.

ECS registers and deregisters tasks by itself and replaces those that fail VPC Lattice's health checks (ECS Developer
Guide, "Create a service that uses VPC Lattice").
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.exceptions import ServiceException

from local_aws import lattice
from local_aws.ecs.model import ServiceTask
from local_aws.iam import service_principals
from local_aws.iam.requests import needs_of
from local_aws.lattice.errors import AnswerLostError

Role = service_principals.ServicePrincipal
Target = tuple[str, str, int]
"""Target group ARN, address, port."""


class Registrar:
    """The targets that ECS has registered; it never touches targets that others have registered."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._roles: dict[Target, Role] = {}
        """The role with which each target was registered."""

    def register(self, task: ServiceTask) -> list[str]:
        """Register a RUNNING task with each target group of its deployment; the error messages.

        The next call retries what failed, as ECS does while a target group is unavailable (assumption).
        """
        problems, left = [], []
        for configuration in task.unregistered:
            target = self._target(task, configuration)
            role = _role(task, configuration)
            problem = self._refusal(role, target)
            if problem is None:
                task.registered.add(target)
                self._roles[target] = role
            else:
                left.append(configuration)
                problems.append(problem)
        task.unregistered = left
        return problems

    def deregister(self, task: ServiceTask) -> None:
        """Deregister this task's targets that are not draining yet; call again if VPC Lattice refused."""
        task.unregistered = []
        for (group, ip, port), status in self.statuses([task]).items():
            target = (group, ip, port)
            if status == "DRAINING" or self._denied(self._roles[target], "DeregisterTargets", target):
                continue
            try:
                self._backend.deregister_targets(group, [{"id": ip, "port": port}])
            except (ServiceException, AnswerLostError):
                continue

    def is_listed(self, task: ServiceTask) -> bool:
        """Whether a target of this task is still listed, draining."""
        return any(target in self.statuses([task]) for target in task.registered)

    def statuses(self, tasks: Iterable[ServiceTask]) -> dict[Target, str]:
        """The statuses of the targets of these tasks in VPC Lattice, without targets that it does not list."""
        wanted = {target for task in tasks for target in task.registered}
        found: dict[Target, str] = {}
        for group in {target[0] for target in wanted}:
            for item in self._listed(group):
                target = (group, item["id"], item["port"])
                if target in wanted:
                    found[target] = item["status"]
        return found

    def exists(self, group: str) -> bool:
        """Whether there is a target group with this ARN."""
        try:
            self._backend.list_targets(group)
        except ServiceException:
            return False
        return True

    @property
    def _backend(self) -> Any:
        return lattice.backend(self._account, self._region)

    def _listed(self, group: str) -> list[Mapping[str, Any]]:
        try:
            return list(self._backend.list_targets(group))
        except ServiceException:
            return []

    def _denied(self, role: Role, operation: str, target: Target) -> str | None:
        """ECS uses the infrastructure role in the service's configuration (ECS Developer Guide)."""
        group, ip, port = target
        params = {"targetGroupIdentifier": group, "targets": [{"id": ip, "port": port}]}
        return service_principals.refusal(role, needs_of("vpc-lattice", operation, params))

    def _refusal(self, role: Role, target: Target) -> str | None:
        group, ip, port = target
        denied = self._denied(role, "RegisterTargets", target)
        if denied is not None:
            return f"AccessDeniedException: {denied}"
        try:
            answer = self._backend.register_targets(group, [{"id": ip, "port": port}])
        except AnswerLostError:
            return None  # the call succeeded
        except ServiceException as error:
            return f"{error.code}: {error.message}"
        refused = answer.get("unsuccessful")
        return f"{refused[0].get('failureCode')}: {refused[0].get('failureMessage')}" if refused else None

    def _target(self, task: ServiceTask, configuration: Mapping[str, Any]) -> Target:
        """Address and port of a port name: the container port (awsvpc) or the host port (bridge, host).

        Assumption: no documentation states which port is registered.
        """
        binding = next(bound for bound in task.bindings if bound.name == configuration["portName"])
        if task.ip is None:
            raise ValueError(f"{task.task_arn} has no address")
        return (configuration["targetGroupArn"], task.ip, binding.host_port)


def _role(task: ServiceTask, configuration: Mapping[str, Any]) -> Role:
    service = task.service.arn
    return Role(configuration["roleArn"], service_principals.ECS, "ecs-service-scheduler", service)


__all__ = ["Registrar", "Target"]
