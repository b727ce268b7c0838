"""A copy of the registry: reads what it does not hold yet, and keeps what is written."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ecs_lattice import ports
from ecs_lattice.claims import Answer, Claim, ClaimRecord, LatticeRecord
from ecs_lattice.ingress.model import AllowedPorts, AuthorizedRule, IngressRequirement
from ecs_lattice.model import ServiceId


@dataclass(slots=True)
class SimulatedRegistry:
    """:class:`ecs_lattice.ports.Registry`. What a reconcile never asks for, whole tables, is as in ``registry``."""

    registry: ports.Registry
    _documents: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _claims: dict[str, dict[str, ClaimRecord]] = field(default_factory=dict)
    _lattice: dict[str, LatticeRecord] = field(default_factory=dict)
    _requirements: dict[str, dict[str, IngressRequirement]] = field(default_factory=dict)
    _authorized: dict[str, dict[AllowedPorts, AuthorizedRule]] = field(default_factory=dict)
    _members: dict[str, frozenset[str]] = field(default_factory=dict)

    # Claims

    def claims_on(self, lattice_service: str) -> tuple[ClaimRecord, ...]:
        return tuple(record for _, record in sorted(self._on(lattice_service).items()))

    def claims_of(self, service: ServiceId) -> tuple[ClaimRecord, ...]:
        for record in self.registry.claims_of(service):
            self._on(record.lattice_service)
        known = (record for _, records in sorted(self._claims.items()) for _, record in sorted(records.items()))
        return tuple(record for record in known if record.claim.service == service)

    def claims(self) -> Iterator[ClaimRecord]:
        return self.registry.claims()

    def put_claim(self, claim: Claim) -> ClaimRecord:
        records = self._on(claim.route.lattice_service)
        before = records.get(claim.key)
        if before is None:
            records[claim.key] = ClaimRecord(claim, declared_generation=1)
        elif before.claim != claim:
            generation = before.declared_generation + 1
            records[claim.key] = dataclasses.replace(before, claim=claim, declared_generation=generation)
        return records[claim.key]

    def acknowledge(self, record: ClaimRecord) -> None:
        self._change(record, acknowledged_generation=record.answer_generation)

    def put_answer(self, record: ClaimRecord, answer: Answer) -> ClaimRecord:
        if answer == record.answer and not record.is_unapplied:
            return record
        answered = record.answer_generation + (answer != record.answer)
        return self._change(
            record, answer=answer, answer_generation=answered, applied_generation=record.declared_generation
        )

    def delete_claim(self, record: ClaimRecord) -> bool:
        return self._on(record.lattice_service).pop(record.key, None) is not None

    def _change(self, record: ClaimRecord, **changes: Any) -> ClaimRecord:
        """The stored record with ``changes``; ``record`` as it is where it has been deleted."""
        records = self._on(record.lattice_service)
        if record.key not in records:
            return record
        records[record.key] = dataclasses.replace(records[record.key], **changes)
        return records[record.key]

    def _on(self, name: str) -> dict[str, ClaimRecord]:
        if name not in self._claims:
            self._claims[name] = {record.key: record for record in self.registry.claims_on(name)}
        return self._claims[name]

    # Lattice services

    def lattice(self, name: str) -> LatticeRecord:
        if name not in self._lattice:
            self._lattice[name] = self.registry.lattice(name)
        return self._lattice[name]

    def lattice_records(self) -> Iterator[LatticeRecord]:
        return self.registry.lattice_records()

    def put_lattice(self, record: LatticeRecord) -> None:
        self._lattice[record.name] = record

    def delete_lattice(self, name: str) -> None:
        self._lattice[name] = LatticeRecord(name)

    # Documents

    def document(self, kind: str, key: str) -> str | None:
        if (kind, key) not in self._documents:
            self._documents[kind, key] = self.registry.document(kind, key)
        return self._documents[kind, key]

    def documents_of(self, kind: str, keys: Iterable[str]) -> dict[str, str]:
        return {key: text for key in sorted(set(keys)) if (text := self.document(kind, key)) is not None}

    def documents(self, kind: str) -> Iterator[tuple[str, str]]:
        return self.registry.documents(kind)

    def put_document(self, kind: str, key: str, text: str, *, expires_at: float | None = None) -> None:  # noqa: ARG002  the simulation is over before
        self._documents[kind, key] = text

    def replace_document(
        self, kind: str, key: str, before: str | None, text: str, *, expires_at: float | None = None
    ) -> bool:
        if self.document(kind, key) != before:
            return False
        self.put_document(kind, key, text, expires_at=expires_at)
        return True

    def delete_document(self, kind: str, key: str) -> None:
        self._documents[kind, key] = None

    # Security groups

    def requirements_on(self, group_id: str) -> tuple[IngressRequirement, ...]:
        return tuple(self._required(group_id).values())

    def requirements(self) -> Iterator[IngressRequirement]:
        return self.registry.requirements()

    def put_requirement(self, requirement: IngressRequirement) -> None:
        of_group = self._required(requirement.group_id)
        of_group.pop(requirement.consumer, None)
        if requirement.ports:
            of_group[requirement.consumer] = requirement

    def authorized_on(self, group_id: str) -> tuple[AuthorizedRule, ...]:
        return tuple(self._added(group_id).values())

    def authorized(self) -> Iterator[AuthorizedRule]:
        return self.registry.authorized()

    def put_authorized(self, group_id: str, ports: Iterable[AllowedPorts]) -> None:
        self._added(group_id).update({allowed: AuthorizedRule(group_id, allowed) for allowed in ports})

    def delete_authorized(self, rule: AuthorizedRule) -> None:
        self._added(rule.group_id).pop(rule.ports, None)

    def _required(self, group_id: str) -> dict[str, IngressRequirement]:
        if group_id not in self._requirements:
            self._requirements[group_id] = {each.consumer: each for each in self.registry.requirements_on(group_id)}
        return self._requirements[group_id]

    def _added(self, group_id: str) -> dict[AllowedPorts, AuthorizedRule]:
        if group_id not in self._authorized:
            self._authorized[group_id] = {rule.ports: rule for rule in self.registry.authorized_on(group_id)}
        return self._authorized[group_id]

    # Sets

    def acquire(self, name: str, member: str, limit: int) -> bool:
        members = self.members(name)
        if member not in members and len(members) >= limit:
            return False
        self._members[name] = members | {member}
        return True

    def release(self, name: str, member: str) -> None:
        self._members[name] = self.members(name) - {member}

    def members(self, name: str) -> frozenset[str]:
        if name not in self._members:
            self._members[name] = self.registry.members(name)
        return self._members[name]
