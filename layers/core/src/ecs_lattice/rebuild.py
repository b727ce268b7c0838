"""Rebuilds a lost registry from what carries the stack's owner tag (decision 5)."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice.claims import Claim
from ecs_lattice.messages.requests import ReconcileRequest
from ecs_lattice.model import Placement, Route, ServiceId
from ecs_lattice.ports import Now, Registry, RequestQueue
from ecs_lattice.stack_state import MARKER, is_complete


@dataclass(frozen=True, slots=True)
class OwnedGroup:
    """A target group with our tag, the ECS service that it was created for, and the Lattice services whose rules use it."""

    arn: str
    cluster: str
    service: str
    lattice_services: tuple[str, ...]
    placement: Placement


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
        enqueued = self.adopt()
        self.registry.put_document("stack", MARKER, json.dumps({"sweptAt": self.now()}))
        self.registry.delete_document("stack", "rebuilding")
        return enqueued

    def adopt(self) -> int:
        """Write unknown Lattice services as they are, and unknown target groups as vanished claims; how many requests that
        enqueued.
        """
        known = {record.name for record in self.registry.lattice_records() if record.service_arn}
        for name, arn in self.owned.services():
            if name not in known:
                self.registry.put_lattice(dataclasses.replace(self.registry.lattice(name), service_arn=arn))
        return sum(self._claim(group, name) for group in self.owned.groups() for name in group.lattice_services)

    def _claim(self, group: OwnedGroup, lattice_service: str) -> int:
        """Write a vanished claim for a group whose ECS service has no claim there."""
        _, partition, _, region, account, *_ = group.arn.split(":")
        service = ServiceId(f"arn:{partition}:ecs:{region}:{account}:service/{group.cluster}/{group.service}")
        if any(record.claim.service == service for record in self.registry.claims_on(lattice_service)):
            return 0
        name = f"lost-{hashlib.sha256(group.arn.encode()).hexdigest()[:10]}"
        route = Route(name, lattice_service, port_name=name)
        claim = Claim(service, 0.0, route, group.placement, "vanished", self.now(), own_group=group.arn, named=True)
        self.registry.put_claim(claim)
        self.requests.enqueue([ReconcileRequest("ecsService", service.arn, "resync: rebuilt from tags", self.now())])
        return 1
