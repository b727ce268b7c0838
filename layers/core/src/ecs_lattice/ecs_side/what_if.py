"""ECS as it would be after a deployment that has not happened: for the plan of a task definition that is not registered."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecs_lattice import ports
from ecs_lattice.facts import (
    Deployment,
    EcsService,
    LatticeEntry,
    ServiceRevision,
    Subnets,
    Task,
    TaskDefinition,
)
from ecs_lattice.model import AddressFamily, ServiceId

NOT_REGISTERED = "planned"
"""Stands for the number of the revision: no revision has it."""

PLANNED_ADDRESSES: dict[AddressFamily, str] = {"IPV4": "192.0.2.{}", "IPV6": "2001:db8::{}"}
"""The addresses of tasks that there are not yet: of no network (RFC 5737, RFC 3849)."""

type Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """:class:`ecs_lattice.ports.Ecs` in which ``planned`` has a completed deployment of ``planned_task_definition``, with
    ``tags`` instead of its own unless that is None. Everything else is read from ``ecs``; nothing can be written."""

    ecs: ports.Ecs
    planned: ServiceId
    planned_task_definition: TaskDefinition
    tags: Tags | None = None

    def service(self, service: ServiceId) -> EcsService | None:
        found = self.ecs.service(service)
        if service != self.planned or found is None or found.is_deleted:
            return found
        primary = found.primary
        completed = Deployment(
            id="planned",
            status="PRIMARY",
            rollout="COMPLETED",
            task_definition=self.planned_task_definition.arn,
            created_at=primary.created_at if primary else found.created_at,
            desired=found.desired,
            running=found.desired,
            entries=primary.entries if primary else (),
            subnets=primary.subnets if primary else found.subnets,
            security_groups=primary.security_groups if primary else found.security_groups,
        )
        return dataclasses.replace(
            found,
            deployments=(completed,),
            running=found.desired,
            tags=found.tags if self.tags is None else self.tags,
        )

    def task_definition(self, arn: str) -> TaskDefinition:
        return (
            self.planned_task_definition if arn == self.planned_task_definition.arn else self.ecs.task_definition(arn)
        )

    def newest_successful_revision(self, service: ServiceId) -> ServiceRevision | None:
        return self.ecs.newest_successful_revision(service)

    def ongoing_revisions(self, service: ServiceId) -> tuple[str, ...]:
        return self.ecs.ongoing_revisions(service)

    def revisions(self, arns: Sequence[str]) -> tuple[ServiceRevision, ...]:
        return self.ecs.revisions(arns)

    def tasks(self, service: ServiceId) -> tuple[Task, ...]:
        """As many as run now, under the task definition that is planned, with other addresses: a deployment replaces them."""
        tasks = self.ecs.tasks(service)
        if service != self.planned:
            return tasks
        arn, running = self.planned_task_definition.arn, [task for task in tasks if not task.is_stopped]
        return tuple(
            dataclasses.replace(
                task,
                task_definition=arn,
                deployment_id="planned",
                address=task.address and PLANNED_ADDRESSES[task.family].format(number),
            )
            for number, task in enumerate(running, 1)
        )

    def subnets(self, subnet_ids: Sequence[str]) -> Subnets:
        return self.ecs.subnets(subnet_ids)

    def services(self, services: Sequence[ServiceId]) -> tuple[EcsService, ...]:
        return self.ecs.services(services)

    def service_ids(self, cluster: str) -> Iterator[ServiceId]:
        return self.ecs.service_ids(cluster)

    def clusters(self) -> Iterator[str]:
        return self.ecs.clusters()

    def attach(self, service: ServiceId, entries: Sequence[LatticeEntry], grace_period: int | None) -> str:
        raise AssertionError(f"a plan changes nothing: {service}, {entries}, {grace_period}")
