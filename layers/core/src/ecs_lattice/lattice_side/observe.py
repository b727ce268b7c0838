"""Read one Lattice service: by the ARNs that the registry remembers, with a number of calls that its own size bounds.

An error while reading ends the reconcile: what could not be read is unknown, and unknown is not empty.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from ecs_lattice import ownership
from ecs_lattice.claims import ClaimRecord, LatticeRecord
from ecs_lattice.graph import Association, Group, Listener, Network, Observed, Service, id_of, weights
from ecs_lattice.lattice_side.ports import Lattice
from ecs_lattice.lattice_side.seen import group_name, networks_of
from ecs_lattice.settings import Settings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read, and what is remembered after it (ARNs found, things forgotten that are no longer there)."""

    observed: Observed
    remembered: LatticeRecord


@dataclass(slots=True)
class SnapshotReader:
    """One reading of one Lattice service. ``search`` looks for an unknown service by list (for a plan that shows all)."""

    lattice: Lattice
    settings: Settings
    records: tuple[ClaimRecord, ...]
    remembered: LatticeRecord
    search: bool = False
    _networks: tuple[Network, ...] | None = field(default=None)

    def read(self) -> Snapshot:
        service = self._service()
        ours = service is None or dict(service.tags).get(ownership.OWNER) == self.settings.owner
        if not ours or (service is not None and service.status != "ACTIVE"):
            return Snapshot(Observed(service=service), self.remembered)
        listeners = self.lattice.listeners(service.arn) if service else ()
        groups = self._groups(listeners)
        networks = tuple((word, self._network(word)) for word in self._network_words())
        associations = self._associations(service, networks) if service else ()
        observed = Observed(service, listeners, groups, associations, networks, self._policy(service))
        return Snapshot(observed, self.remembered)

    def _remember(self, **changes: object) -> None:
        self.remembered = dataclasses.replace(self.remembered, **changes)  # type: ignore[arg-type]

    def _service(self) -> Service | None:
        arn = self.remembered.service_arn
        if arn is None and self.search:
            arn = self.lattice.find_service(self.remembered.name)
        found = self.lattice.service(arn) if arn else None
        if found is None:
            if self.remembered.service_arn:
                self._remember(service_arn=None, generation=self.remembered.generation + 1)
            return None
        tags = self.lattice.tags(found.arn)
        if tags.get(ownership.OWNER) == self.settings.owner and self.remembered.service_arn is None:
            self._remember(service_arn=found.arn)  # found by search: without it nobody would look after it any more
        return dataclasses.replace(found, tags=tuple(sorted(tags.items())))

    def _policy(self, service: Service | None) -> str | None:
        wanted = self.settings.minimum_auth == "iam" or any(r.claim.route.auth == "AWS_IAM" for r in self.records)
        if service is None or not (wanted or service.auth == "AWS_IAM"):
            return None
        return self.lattice.auth_policy(service.arn)

    def _groups(self, listeners: tuple[Listener, ...]) -> tuple[Group, ...]:
        actions = [*(each.default for each in listeners), *(rule.action for each in listeners for rule in each.rules)]
        named = {group for action in actions for group in weights(action)}
        taking = {
            group
            for each in listeners
            for action in (each.default, *(rule.action for rule in each.rules if rule.is_live))
            for group, weight in weights(action).items()
            if weight
        }
        remembered = {id_of(arn) for _, arn in self.remembered.groups}
        own = {id_of(r.claim.own_group) for r in self.records if r.claim.own_group}
        found = [self._group(group, taking) for group in sorted(named | remembered | own)]
        return tuple(group for group in found if group is not None)

    def _group(self, group_id: str, taking: set[str]) -> Group | None:
        group = self.lattice.group(group_id)
        if group is None:
            self._forget_group(group_id)
            return None
        known = any(id_of(arn) == group_id for _, arn in self.remembered.groups)
        wanted = group.name in {group_name(r.claim) for r in self.records if r.claim.own_group is None}
        if not (known and wanted):
            group = dataclasses.replace(group, tags=tuple(sorted(self.lattice.tags(group.arn).items())))
            if dict(group.tags or ()).get(ownership.OWNER) == self.settings.owner:
                self._remember_group(group.name, group.arn)
        if group_id not in taking or not wanted:
            group = dataclasses.replace(group, targets=self.lattice.targets(group_id))
        return group

    def _remember_group(self, name: str, arn: str) -> None:
        others = [each for each in self.remembered.groups if each[0] != name]
        if (name, arn) not in self.remembered.groups:
            self._remember(groups=tuple(sorted([*others, (name, arn)])))

    def _forget_group(self, group_id: str) -> None:
        left = tuple(each for each in self.remembered.groups if id_of(each[1]) != group_id)
        if left != self.remembered.groups:
            self._remember(groups=left, generation=self.remembered.generation + 1)

    def _network_words(self) -> list[str]:
        return sorted({word for r in self.records for word in networks_of(r.claim, self.settings)})

    def _network(self, word: str) -> tuple[str, ...]:
        """The ARNs that a network's name, id or ARN may mean; none: unknown, several: ambiguous."""
        if known := dict(self.remembered.networks).get(word):
            return (known,)
        found = self._look_up(word)
        if len(found) == 1:
            self._remember(networks=tuple(sorted([*self.remembered.networks, (word, found[0])])))
        return found

    def _look_up(self, word: str) -> tuple[str, ...]:
        if word.startswith(("arn:", "sn-")):
            network = self.lattice.network(word)
            return (network.arn,) if network else ()
        if self._networks is None:
            self._networks = self.lattice.networks()
        return tuple(sorted(network.arn for network in self._networks if network.name == word))

    def _associations(
        self, service: Service, networks: Iterable[tuple[str, tuple[str, ...]]]
    ) -> tuple[Association, ...]:
        """All of them; whether one is ours is asked only where nobody wants it."""
        wanted = {arn for _, arns in networks for arn in arns}
        found = self.lattice.associations(service.arn)
        return tuple(one if one.network_arn in wanted else self._with_owner(one) for one in found)

    def _with_owner(self, association: Association) -> Association:
        if association.status not in {"ACTIVE", "DELETE_FAILED"}:
            return association
        owner = self.lattice.tags(association.arn).get(ownership.OWNER)
        return dataclasses.replace(association, ours=owner == self.settings.owner)
