"""Read one Lattice service: by the ARNs that the registry remembers, in a number of calls that its own size bounds.

An error while reading ends the reconcile: what could not be read is unknown, and unknown is not empty.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from ecs_lattice import ownership
from ecs_lattice.claims import LatticeRecord
from ecs_lattice.graph import Association, Group, Listener, Network, Observed, Service, id_of, weights
from ecs_lattice.lattice_side.ports import Lattice
from ecs_lattice.lattice_side.seen import ClaimFacts
from ecs_lattice.settings import Settings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read, and what is remembered after it: with the ARNs that were found, without those that are gone."""

    observed: Observed
    remembered: LatticeRecord


@dataclass(slots=True)
class SnapshotReader:
    """Reads one Lattice service once. ``discover``: look for an unknown service by list, as a complete plan needs."""

    lattice: Lattice
    settings: Settings
    claims: tuple[ClaimFacts, ...]
    remembered: LatticeRecord
    discover: bool = False
    _networks: tuple[Network, ...] | None = field(default=None)

    def read(self) -> Snapshot:
        service = self._service()
        is_own = service is None or dict(service.tags).get(ownership.OWNER) == self.settings.owner
        if not is_own or (service is not None and service.status != "ACTIVE"):
            return Snapshot(Observed(service=service), self.remembered)
        listeners = self.lattice.listeners(service.arn) if service else ()
        groups = self._groups(listeners)
        declared = sorted({network for claim in self.claims for network in claim.networks})
        networks = tuple((network, self._network(network)) for network in declared)
        wanted = {arn for _, arns in networks for arn in arns}
        associations = self._associations(service, wanted) if service else ()
        auth = {claim.route.auth for claim in self.claims} | {service.auth if service else None}
        needs_policy = "AWS_IAM" in auth or self.settings.minimum_auth == "iam"
        policy = self.lattice.auth_policy(service.arn) if service and needs_policy else None
        return Snapshot(Observed(service, listeners, groups, associations, networks, policy), self.remembered)

    def _remember(self, **changes: Any) -> None:
        self.remembered = dataclasses.replace(self.remembered, **changes)

    def _service(self) -> Service | None:
        arn = self.remembered.service_arn
        if arn is None and self.discover:
            arn = self.lattice.find_service(self.remembered.name)
        found = self.lattice.service(arn) if arn else None
        if found is None:
            if self.remembered.service_arn:
                self._remember(service_arn=None, generation=self.remembered.generation + 1)
            return None
        tags = self.lattice.tags(found.arn)
        if tags.get(ownership.OWNER) == self.settings.owner and self.remembered.service_arn is None:
            self._remember(service_arn=found.arn)  # discovered: if it were forgotten, nothing would ever clean it up
        return dataclasses.replace(found, tags=tuple(sorted(tags.items())))

    def _groups(self, listeners: tuple[Listener, ...]) -> tuple[Group, ...]:
        """The groups that actions or claims name, or that are remembered."""
        members = [
            (group, weight, is_live)
            for listener in listeners
            for action, is_live in ((listener.default, True), *((rule.action, rule.is_live) for rule in listener.rules))
            for group, weight in weights(action).items()
        ]
        receiving = {group for group, weight, is_live in members if weight and is_live}
        remembered = {id_of(arn) for _, arn in self.remembered.groups}
        own = {claim.group_ref for claim in self.claims if claim.claim.own_group}
        found = [
            self._group(group, receiving, is_remembered=group in remembered)
            for group in sorted({group for group, _, _ in members} | remembered | own)
        ]
        return tuple(group for group in found if group is not None)

    def _group(self, group_id: str, receiving: set[str], *, is_remembered: bool) -> Group | None:
        """The group; with its tags where it is new or unclaimed, with its targets where they decide something."""
        group, known = self.lattice.group(group_id), self.remembered.groups
        if group is None:
            if is_remembered:
                others = tuple(item for item in known if id_of(item[1]) != group_id)
                self._remember(groups=others, generation=self.remembered.generation + 1)
            return None
        is_claimed = any(claim.group_name == group.name and not claim.claim.own_group for claim in self.claims)
        if not (is_remembered and is_claimed):
            group = dataclasses.replace(group, tags=tuple(sorted(self.lattice.tags(group.arn).items())))
            if dict(group.tags or ()).get(ownership.OWNER) == self.settings.owner:
                self._remember(groups=tuple(sorted((dict(known) | {group.name: group.arn}).items())))
        if group_id not in receiving or not is_claimed:
            group = dataclasses.replace(group, targets=self.lattice.targets(group_id))
        return group

    def _network(self, declared: str) -> tuple[str, ...]:
        """The ARNs that a network's name, id or ARN may mean; none: unknown, several: ambiguous."""
        if known := dict(self.remembered.networks).get(declared):
            return (known,)
        if declared.startswith(("arn:", "sn-")):
            network = self.lattice.network(declared)
            found = [network.arn] if network else []
        else:
            self._networks = self.lattice.networks() if self._networks is None else self._networks
            found = sorted(network.arn for network in self._networks if network.name == declared)
        if len(found) == 1:
            self._remember(networks=tuple(sorted([*self.remembered.networks, (declared, found[0])])))
        return tuple(found)

    def _associations(self, service: Service, wanted: set[str]) -> tuple[Association, ...]:
        """All of them; whether one is this stack's is read only where no claim wants it."""
        return tuple(
            association if association.network_arn in wanted else self._with_owner(association)
            for association in self.lattice.associations(service.arn)
        )

    def _with_owner(self, association: Association) -> Association:
        if association.status not in {"ACTIVE", "DELETE_FAILED"}:
            return association
        owner = self.lattice.tags(association.arn).get(ownership.OWNER)
        return dataclasses.replace(association, ours=owner == self.settings.owner)
