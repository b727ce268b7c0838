"""What the core needs of AWS, in the core's own terms. Each protocol has an adapter in :mod:`ecs_lattice.aws`; adapters raise
:class:`~ecs_lattice.errors.AwsError`s. Protocols that a single package needs are in that package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # a function loads only the values that it works with
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ecs_lattice.claims import Answer, Claim, ClaimRecord, LatticeRecord
    from ecs_lattice.facts import EcsService, LatticeEntry, ServiceRevision, Subnets, Task, TaskDefinition
    from ecs_lattice.ingress.model import AllowedPorts, AuthorizedRule, IngressRequirement
    from ecs_lattice.messages.requests import ReconcileRequest
    from ecs_lattice.model import ServiceId

type Now = Callable[[], float]
"""The time in epoch seconds."""
type Sleep = Callable[[float], None]
"""Waits for so many seconds."""


class Ecs(Protocol):
    """ECS and the subnets of its services."""

    def service(self, service: ServiceId) -> EcsService | None:
        """The service with its tags; None when ECS does not know it."""

    def services(self, services: Sequence[ServiceId]) -> tuple[EcsService, ...]:
        """Those of ``services`` that ECS knows, ten per call."""

    def service_ids(self, cluster: str) -> Iterator[ServiceId]:
        """All services of a cluster (name or ARN)."""

    def clusters(self) -> Iterator[str]:
        """The ARNs of all clusters."""

    def task_definition(self, arn: str) -> TaskDefinition:
        """A revision. Immutable: may be cached."""

    def newest_successful_revision(self, service: ServiceId) -> ServiceRevision | None:
        """What the newest SUCCESSFUL service deployment of the last 90 days deployed."""

    def ongoing_revisions(self, service: ServiceId) -> tuple[str, ...]:
        """The ARNs of the service revisions that ongoing service deployments deploy; nothing lists one that has just begun."""

    def revisions(self, arns: Sequence[str]) -> tuple[ServiceRevision, ...]:
        """Those of these service revisions that ECS knows, twenty per call."""

    def tasks(self, service: ServiceId) -> tuple[Task, ...]:
        """The service's tasks whose desired status is RUNNING, and those that are stopping."""

    def subnets(self, subnet_ids: Sequence[str]) -> Subnets:
        """Their VPC and address family (IPV6 only when no subnet has an IPv4 block)."""

    def attach(self, service: ServiceId, entries: Sequence[LatticeEntry], grace_period: int | None) -> str:
        """UpdateService with the whole list (and the grace period, unless None); the id of the new deployment."""


class Documents(Protocol):
    """The registry's JSON documents of one writer each, by kind and key: ``ecs`` by ARN, ``stack`` by name, ..."""

    def document(self, kind: str, key: str) -> str | None: ...

    def documents_of(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        """Those of the documents ``keys`` that exist, a hundred per call."""

    def documents(self, kind: str) -> Iterator[tuple[str, str]]:
        """All (key, text) of a kind; for the resync, never in a reconcile."""

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None: ...

    def replace_document(
        self, kind: str, key: str, before: str | None, text: str, *, expires_at: float | None = None
    ) -> bool:
        """Write the document if it still is ``before`` (None: does not exist); whether it was written."""

    def delete_document(self, kind: str, key: str) -> None: ...


class Requirements(Protocol):
    """Security groups in the registry: which ports of which group each consumer needs open, and which rules the stack
    has added."""

    def requirements_on(self, group_id: str) -> tuple[IngressRequirement, ...]:
        """Those on one security group: one Query."""

    def requirements(self) -> Iterator[IngressRequirement]:
        """All of them; for the resync, never in a reconcile."""

    def put_requirement(self, requirement: IngressRequirement) -> None:
        """Write a consumer's requirement on one group; without openings it is deleted."""

    def authorized_on(self, group_id: str) -> tuple[AuthorizedRule, ...]:
        """The rules that this stack has added to one security group: one Query."""

    def authorized(self) -> Iterator[AuthorizedRule]:
        """All of them; for the resync, never in a reconcile."""

    def put_authorized(self, group_id: str, ports: Iterable[AllowedPorts]) -> None:
        """Write that this stack adds, or has added, rules for these ports."""

    def delete_authorized(self, rule: AuthorizedRule) -> None:
        """Delete the item, unless it has been written again since it was read."""


class Registry(Documents, Requirements, Protocol):
    """What both reconcilers remember. Reads are consistent."""

    def claims_on(self, lattice_service: str) -> tuple[ClaimRecord, ...]:
        """All claims on a Lattice service: one Query."""

    def claims_of(self, service: ServiceId) -> tuple[ClaimRecord, ...]:
        """All claims of an ECS service, on whichever Lattice service."""

    def claims(self) -> Iterator[ClaimRecord]:
        """All claims of the stack: one Scan; never in a reconcile."""

    def put_claim(self, claim: Claim) -> ClaimRecord:
        """Write what the ECS side declares; raises the declared generation when it differs from the stored claim."""

    def acknowledge(self, record: ClaimRecord) -> None:
        """Note that the ECS side has processed ``record``'s answer."""

    def put_answer(self, record: ClaimRecord, answer: Answer) -> ClaimRecord:
        """Write the Lattice side's answer to ``record``'s claim as it was read: sets the applied generation to that of
        ``record``, and raises the answer generation when the answer differs from the stored one. Does nothing when the
        item has been deleted.
        """

    def delete_claim(self, record: ClaimRecord) -> bool:
        """Delete the item if the claim is still that of ``record`` (same declared generation); whether it was."""

    def lattice(self, name: str) -> LatticeRecord:
        """What is remembered of a Lattice service; an empty record if nothing is."""

    def lattice_records(self) -> Iterator[LatticeRecord]:
        """All of them; for the resync, never in a reconcile."""

    def put_lattice(self, record: LatticeRecord) -> None: ...

    def delete_lattice(self, name: str) -> None: ...

    def acquire(self, name: str, member: str, limit: int) -> bool:
        """Take a slot among at most ``limit`` members of a set; whether ``member`` holds one now."""

    def release(self, name: str, member: str) -> None:
        """Give the slot back."""

    def members(self, name: str) -> frozenset[str]:
        """Who holds a slot."""


class RequestQueue(Protocol):
    """The queues of the reconcilers. A request is never deduplicated across calls."""

    def enqueue(self, requests: Iterable[ReconcileRequest]) -> None:
        """To the FIFO queue of each request's kind."""

    def enqueue_later(self, request: ReconcileRequest, seconds: int) -> None:
        """With a delay (0-900 s), by the events queue."""


class Visibility(Protocol):
    """When a message of one queue becomes visible again."""

    def retry_in(self, receipt_handle: str, seconds: int) -> None: ...


class DeadLetters(Protocol):
    """Where a consumer moves a message that no retry can fix."""

    def put(self, body: str, reason: str, now: float) -> None: ...
