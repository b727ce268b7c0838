"""Rebuilds a lost registry from what carries the stack's owner tag (decision 5)."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice import naming
from ecs_lattice.claims import Claim, LatticeRecord
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import Placement, Route, ServiceId
from ecs_lattice.ports import Now, Registry, RequestQueue
from ecs_lattice.stack_state import MARKER, is_complete


@dataclass(frozen=True, slots=True)
class OwnedGroup:
    """A target group with our tag, the ECS service that it was created for, and the Lattice services whose rules use it."""

    arn: str
    name: str
    cluster: str
    service: str
    lattice_services: tuple[str, ...]
    placement: Placement


@dataclass(frozen=True, slots=True)
class Adopted:
    """``groups``: the ARNs of all target groups with our tag. ``enqueued``: how many requests it took."""

    groups: tuple[str, ...]
    enqueued: int


class Owned(Protocol):
    """The VPC Lattice objects with our tag."""

    def groups(self) -> Iterator[OwnedGroup]:
        """All target groups."""

    def services(self) -> Iterator[tuple[str, str]]:
        """All services: name and ARN."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Writes into the registry what exists and is not known."""

    registry: Registry
    requests: RequestQueue
    owned: Owned
    now: Now

    def run(self) -> int:
        """Rebuild a table without its marker, which is new or was lost; how many requests that enqueued.

        After its first complete sweep nothing: that sweep enqueues every service, so that each declaration is claimed
        again. After the second, every target group of ours that nobody claims gets a vanished claim, with which it is
        removed like any other route, and the marker is set.
        """
        if is_complete(self.registry):
            return 0
        if self.registry.document("stack", "rebuilding") is None:
            self.registry.put_document("stack", "rebuilding", json.dumps({"at": self.now()}))
            return 0
        enqueued = self.adopt().enqueued
        self.registry.put_document("stack", MARKER, json.dumps({"sweptAt": self.now()}))
        self.registry.delete_document("stack", "rebuilding")
        return enqueued

    def adopt(self) -> Adopted:
        """Write unknown Lattice services as they are, and unknown target groups as vanished claims."""
        # What exists is read before what is known of it: whatever was made meanwhile is known already.
        groups = tuple(self.owned.groups())
        records = tuple(self.registry.lattice_records())
        self._adopt_services(records)
        remembered = {arn for record in records for _, arn in record.groups}
        enqueued = sum(self._claim(group, name) for group in groups for name in group.lattice_services)
        unused = [group for group in groups if not group.lattice_services and group.arn not in remembered]
        enqueued += sum(map(self._claim_unused, unused))
        return Adopted(tuple(group.arn for group in groups), enqueued)

    def _adopt_services(self, records: tuple[LatticeRecord, ...]) -> None:
        known = {record.name for record in records if record.service_arn}
        for name, arn in self.owned.services():
            if name not in known:
                self.registry.put_lattice(dataclasses.replace(self.registry.lattice(name), service_arn=arn))

    def _is_claimed(self, group: OwnedGroup) -> bool:
        """Whether a claim of its ECS service explains a group that no rule names: it may be in the making."""
        return any(
            group.arn in {record.claim.own_group, record.answer.group_arn}
            or group.name
            == naming.target_group_name(
                record.claim.service, record.lattice_service, record.claim.route, record.claim.placement
            )
            for record in self.registry.claims_of(_service(group))
        )

    def _claim_unused(self, group: OwnedGroup) -> int:
        """Write a vanished claim for a group that no rule names and no claim explains. Which Lattice service it was made for is
        lost: it is removed under its own name, which no service of ours has."""
        if self._is_claimed(group):
            return 0
        record = self.registry.lattice(group.name)
        self.registry.put_lattice(dataclasses.replace(record, groups=((group.name, group.arn),)))
        return self._claim(group, group.name)

    def _claim(self, group: OwnedGroup, lattice_service: str) -> int:
        """Write a vanished claim for a group whose ECS service has no claim there."""
        service = _service(group)
        if any(record.claim.service == service for record in self.registry.claims_on(lattice_service)):
            return 0
        name = f"lost-{hashlib.sha256(group.arn.encode()).hexdigest()[:10]}"
        route = Route(name, lattice_service, port_name=name)
        claim = Claim(service, 0.0, route, group.placement, "vanished", self.now(), own_group=group.arn, named=True)
        self.registry.put_claim(claim)
        self.requests.enqueue([ReconcileRequest("ecsService", service.arn, "resync: rebuilt from tags", self.now())])
        return 1


def _service(group: OwnedGroup) -> ServiceId:
    _, partition, _, region, account, *_ = group.arn.split(":")
    return ServiceId(f"arn:{partition}:ecs:{region}:{account}:service/{group.cluster}/{group.service}")
