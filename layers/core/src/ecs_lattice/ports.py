"""What the core needs of the world, in its own words. One adapter each in :mod:`ecs_lattice.aws`; errors are
:class:`~ecs_lattice.errors.AwsError`s. (The Lattice port stands in :mod:`ecs_lattice.lattice_side.ports`.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a function loads the values that it works with, not all that the world could be asked for
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ecs_lattice.claims import Answer, Claim, ClaimRecord, LatticeRecord
    from ecs_lattice.facts import EcsService, LatticeEntry, ServiceRevision, Subnets, Task, TaskDefinition
    from ecs_lattice.ingress.model import IngressRequirement
    from ecs_lattice.messages.requests import ReconcileRequest
    from ecs_lattice.model import ServiceId

type Now = Callable[[], float]


class Ecs(Protocol):
    """ECS and the subnets of its services."""

    def service(self, service: ServiceId) -> EcsService | None:
        """The service with its tags; None when ECS does not know it (any more)."""

    def services(self, services: Sequence[ServiceId]) -> tuple[EcsService, ...]:
        """Those of ``services`` that ECS knows, by tens a call."""

    def service_ids(self, cluster: str) -> Iterator[ServiceId]:
        """All services of a cluster (name or ARN)."""

    def clusters(self) -> Iterator[str]:
        """The ARNs of all clusters."""

    def task_definition(self, arn: str) -> TaskDefinition:
        """A revision. Immutable: may be cached."""

    def newest_successful_revision(self, service: ServiceId) -> ServiceRevision | None:
        """What the newest SUCCESSFUL service deployment of the last 90 days deployed."""

    def tasks(self, service: ServiceId) -> tuple[Task, ...]:
        """The service's tasks whose desired status is RUNNING or that are stopping."""

    def subnets(self, subnet_ids: Sequence[str]) -> Subnets:
        """VPC and address family (IPV6 only when no subnet has an IPv4 block)."""

    def attach(self, service: ServiceId, entries: Sequence[LatticeEntry], grace_period: int | None) -> str:
        """UpdateService with the whole list (and the grace period, where not None); the new deployment's id."""


class Registry(Protocol):
    """The memory of both reconcilers. Reads are consistent."""

    def claims_on(self, lattice_service: str) -> tuple[ClaimRecord, ...]:
        """All claims on a Lattice service: one Query."""

    def claims_of(self, service: ServiceId) -> tuple[ClaimRecord, ...]:
        """All claims of an ECS service, on whichever Lattice service."""

    def put_claim(self, claim: Claim) -> ClaimRecord:
        """Write what the ECS side declares; the declared generation rises when it differs from what stands."""

    def acknowledge(self, record: ClaimRecord) -> None:
        """The ECS side has worked with ``record``'s answer."""

    def put_answer(self, record: ClaimRecord, answer: Answer) -> ClaimRecord:
        """The Lattice side's answer to ``record``'s claim as it was read: sets the applied generation to that of
        ``record`` and raises the answer generation when the answer differs from what stands. Nothing happens when
        the item is gone."""

    def delete_claim(self, record: ClaimRecord) -> bool:
        """Delete the item if the claim is still the one in ``record`` (same declared generation); whether it was."""

    def lattice(self, name: str) -> LatticeRecord:
        """What is remembered of a Lattice service; an empty record if nothing is."""

    def put_lattice(self, record: LatticeRecord) -> None: ...

    def delete_lattice(self, name: str) -> None:
        """Forget a Lattice service."""

    def lattice_records(self) -> Iterator[LatticeRecord]:
        """All of them; for the resync, never in a reconcile."""

    def document(self, kind: str, key: str) -> str | None:
        """A JSON document of one side only (``ecs`` by ARN, ``taskdef`` by ARN, ``stack`` by name)."""

    def documents_of(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """Those of the documents ``keys`` that exist, a hundred a call."""

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None: ...

    def delete_document(self, kind: str, key: str) -> None: ...

    def claims(self) -> Iterator[ClaimRecord]:
        """All claims of the stack: one Scan; for what looks at everything, never in a reconcile."""

    def requirements_on(self, group_id: str) -> tuple[IngressRequirement, ...]:
        """Who needs a security group open for what: one Query."""

    def requirements(self) -> Iterator[IngressRequirement]:
        """All of them; for the resync, never in a reconcile."""

    def put_requirement(self, requirement: IngressRequirement) -> None:
        """Write what one needer needs of one group; without openings it needs nothing any more and the item goes."""

    def documents(self, kind: str) -> Iterator[tuple[str, str]]:
        """All (key, text) of a kind; for the resync and for people, never in a reconcile."""

    def acquire(self, name: str, member: str, limit: int) -> bool:
        """Take a place among at most ``limit`` members of a set; True when ``member`` has one now (or had)."""

    def release(self, name: str, member: str) -> None:
        """Give the place back."""

    def members(self, name: str) -> frozenset[str]:
        """Who has a place."""


class RequestQueue(Protocol):
    """The queues. A bell is never deduplicated."""

    def enqueue(self, requests: Iterable[ReconcileRequest]) -> None:
        """At once, to the FIFO queue of each bell's kind."""

    def enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        """One delayed bell (0-900 s) to the events queue."""
