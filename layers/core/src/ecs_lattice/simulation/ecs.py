"""A copy of ECS in which the deployments that the stack starts have completed, with healthy tasks."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ecs_lattice import ports
from ecs_lattice.ecs_side.lattice_targets import Target
from ecs_lattice.facts import Deployment, EcsService, LatticeEntry, ServiceRevision, Subnets, Task, TaskDefinition
from ecs_lattice.model import ServiceId
from ecs_lattice.simulation.lattice import SimulatedLattice

STARTED = "ecs-svc/planned"
"""What the ids of deployments that the simulation starts begin with."""


@dataclass(slots=True)
class SimulatedEcs:
    """:class:`ecs_lattice.ports.Ecs`. What starts a deployment also registers its tasks in the copy of VPC Lattice."""

    ecs: ports.Ecs
    lattice: SimulatedLattice
    now: ports.Now
    _services: dict[ServiceId, EcsService | None] = field(default_factory=dict)
    _tasks: dict[ServiceId, tuple[Task, ...]] = field(default_factory=dict)
    _started: int = 0

    def service(self, service: ServiceId) -> EcsService | None:
        if service not in self._services:
            self._services[service] = self.ecs.service(service)
        return self._services[service]

    def services(self, services: Sequence[ServiceId]) -> tuple[EcsService, ...]:
        return tuple(found for each in services if (found := self.service(each)))

    def service_ids(self, cluster: str) -> Iterator[ServiceId]:
        return self.ecs.service_ids(cluster)

    def clusters(self) -> Iterator[str]:
        return self.ecs.clusters()

    def task_definition(self, arn: str) -> TaskDefinition:
        return self.ecs.task_definition(arn)

    def newest_successful_revision(self, service: ServiceId) -> ServiceRevision | None:
        return self.ecs.newest_successful_revision(service)

    def revisions(self, arns: Sequence[str]) -> tuple[ServiceRevision, ...]:
        return self.ecs.revisions(arns)

    def ongoing_revisions(self, service: ServiceId) -> tuple[str, ...]:
        return self.ecs.ongoing_revisions(service)

    def tasks(self, service: ServiceId) -> tuple[Task, ...]:
        if service not in self._tasks:
            self._tasks[service] = self.ecs.tasks(service)
        return self._tasks[service]

    def subnets(self, subnet_ids: Sequence[str]) -> Subnets:
        return self.ecs.subnets(subnet_ids)

    def attach(self, service: ServiceId, entries: Sequence[LatticeEntry], grace_period: int | None) -> str:
        found = self.service(service)
        before = found.primary if found else None
        assert found is not None  # only what is there is attached
        assert before is not None  # only what has a deployment is
        self._started += 1
        deployment = dataclasses.replace(
            before,
            id=f"{STARTED}{self._started}",
            rollout="COMPLETED",
            created_at=self.now(),
            desired=found.desired,
            running=found.desired,
            pending=0,
            entries=tuple(entries),
        )
        grace = found.grace_period if grace_period is None else grace_period
        self._services[service] = dataclasses.replace(
            found, deployments=(deployment,), running=found.desired, grace_period=grace
        )
        self._register(service, before, deployment)
        return deployment.id

    def _register(self, service: ServiceId, before: Deployment, deployment: Deployment) -> None:
        """Take the tasks out of the groups of the deployment ``before``, and into those of the new one."""
        running = [task for task in self.tasks(service) if task.address and not task.is_stopped]
        for arn in before.groups:  # a listed group has no targets but those that ECS registers
            self.lattice.remove(arn, [Target(target.id, target.port) for target in self.lattice.targets(arn)])
        mapped = {port.name: port.container_port for port in self.task_definition(deployment.task_definition).ports}
        for entry in deployment.entries:
            port = mapped.get(entry.port_name)
            if port is not None:
                self.lattice.add(entry.group_arn, [Target(task.address or "", port) for task in running])
        self._tasks[service] = tuple(
            dataclasses.replace(task, deployment_id=deployment.id) if task in running else task
            for task in self.tasks(service)
        )
