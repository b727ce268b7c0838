"""Read one Lattice service (decision 3): by the ARNs that the registry remembers, in a number of calls that its own
size bounds.

An error while reading ends the reconcile: what could not be read is unknown, and unknown is not empty.
"""

import dataclasses
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ecs_lattice import ownership
from ecs_lattice.claims import LatticeRecord
from ecs_lattice.graph import (
    Association,
    Group,
    Listener,
    Network,
    Observed,
    Service,
    groups_in_use,
    id_of,
)
from ecs_lattice.lattice_side.claim_facts import ClaimFacts, may_speak
from ecs_lattice.lattice_side.holding import holder_of
from ecs_lattice.lattice_side.ports import Lattice
from ecs_lattice.lattice_side.seen import owners_of_groups
from ecs_lattice.settings import Settings

_SETTLED = {"ACTIVE", "CREATE_FAILED", "DELETE_FAILED"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read, and what is remembered after it: with the ARNs that were found, without those that are gone.
    ``is_usable``: the Lattice service is this stack's and active, or there is none; of any other nothing else was read."""

    observed: Observed
    remembered: LatticeRecord
    is_usable: bool = True


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
        if service and (dict(service.tags).get(ownership.OWNER) != self.settings.owner or service.status != "ACTIVE"):
            return Snapshot(Observed(service=service), self.remembered, is_usable=False)
        listeners = self.lattice.listeners(service.arn) if service else ()
        groups = self._groups(listeners)
        self._remember_holder(service, listeners, groups)
        declared = {network for facts in self._speaking() for network in facts.networks}
        networks = {network: self._network(network) for network in sorted(declared)}
        associations = self._associations(service, set(chain(*networks.values()))) if service else ()
        policy = self._policy(service) if service else None
        self._forget_networks(declared, associations)
        observed = Observed(service, listeners, groups, associations, tuple(networks.items()), policy)
        return Snapshot(observed, self.remembered)

    def _remember(self, **changes: Any) -> None:
        self.remembered = dataclasses.replace(self.remembered, **changes)

    def _service(self) -> Service | None:
        arn = self.remembered.service_arn
        if arn is None and self.discover:
            accounts = {facts.claim.service.account for facts in self.claims}
            arn = self.lattice.find_service(self.remembered.name, min(accounts, default=""))
        found = self.lattice.service(arn) if arn else None
        if found is None:
            if self.remembered.service_arn:
                self._remember(service_arn=None, generation=self.remembered.generation + 1)
            return None
        tags = self.lattice.tags(found.arn)
        if tags.get(ownership.OWNER) == self.settings.owner and self.remembered.service_arn is None:
            self._remember(service_arn=found.arn)  # discovered: if it were forgotten, nothing would ever clean it up
        if self.remembered.service_arn is None and self._only_has_the_name():
            return None
        return dataclasses.replace(found, tags=tuple(sorted(tags.items())))

    def _only_has_the_name(self) -> bool:
        """Whether nothing of the claims, which are all going, hangs on the Lattice service of somebody else that was found by
        its name: what they have is taken down as if there were none."""
        are_going = all(facts.claim.phase != "declared" for facts in self.claims)
        return are_going and not any(group.service_arns for group in self._groups(()))

    def _speaking(self) -> tuple[ClaimFacts, ...]:
        """The claims that may speak: only for these anything is looked up."""
        return tuple(facts for facts in self.claims if may_speak(facts, self.remembered.holder))

    def _remember_holder(
        self, service: Service | None, listeners: tuple[Listener, ...], groups: tuple[Group, ...]
    ) -> None:
        _, receiving = groups_in_use(listeners)
        owners = owners_of_groups(groups, self.claims, self.remembered, self.settings.owner)
        live = (owners[group] for group in receiving if group in owners)
        holder = holder_of(service, self.claims, live, self.remembered.holder, self.settings)
        if holder != self.remembered.holder:
            self._remember(holder=holder, holder_gone_since=None)

    def _forget_networks(self, declared: set[str], associations: tuple[Association, ...]) -> None:
        """Remember only the networks that are declared or associated: nobody's labels make the record grow for ever."""
        associated = {association.network_arn for association in associations}
        networks = tuple(item for item in self.remembered.networks if item[0] in declared or item[1] in associated)
        self._remember(networks=networks)

    def _policy(self, service: Service) -> str | None:
        """The auth policy, where IAM is in use or required."""
        needs_policy = self.settings.minimum_auth == "iam" or service.auth == "AWS_IAM"
        if not needs_policy and all(facts.route.auth != "AWS_IAM" for facts in self._speaking()):
            return None
        return self.lattice.auth_policy(service.arn)

    def _groups(self, listeners: tuple[Listener, ...]) -> tuple[Group, ...]:
        """The groups that actions or claims name, or that are remembered."""
        remembered = {id_of(arn) for _, arn in self.remembered.groups}
        claimed = {claim.group_name for claim in self.claims if not claim.claim.own_group}
        own = {facts.group_ref for facts in self._speaking() if facts.claim.own_group}
        referenced, receiving = groups_in_use(listeners)
        named = (
            own - referenced - remembered
        )  # it may be a group of another Lattice service, which is not to be deleted here
        found = [
            self._group(group, receiving, claimed, is_remembered=group in remembered, is_foreign=group in named)
            for group in sorted(referenced | remembered | own)
        ]
        return tuple(group for group in found if group is not None)

    def _group(
        self, group_id: str, receiving: frozenset[str], claimed: set[str], *, is_remembered: bool, is_foreign: bool
    ) -> Group | None:
        """The group, whose name may be one of the ``claimed``; with its tags where it is new or unclaimed, with its targets where they decide something."""
        group, known = self.lattice.group(group_id), dict(self.remembered.groups)
        if group is None:
            if is_remembered:
                others = tuple(item for item in self.remembered.groups if id_of(item[1]) != group_id)
                self._remember(groups=others, generation=self.remembered.generation + 1)
            return None
        is_claimed = group.name in claimed
        if not (is_remembered and is_claimed):
            tags = self.lattice.tags(group.arn)
            group = dataclasses.replace(group, tags=tuple(sorted(tags.items())))
            if tags.get(ownership.OWNER) == self.settings.owner and not is_foreign:
                self._remember(groups=tuple(sorted((known | {group.name: group.arn}).items())))
        if group_id in receiving and is_claimed:
            return group
        return dataclasses.replace(group, targets=self.lattice.targets(group_id))

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
        """All of them, which are remembered; whether one is this stack's is read only where no claim wants it."""
        associations = list(self.lattice.associations(service.arn))
        self._remember(associations=tuple(sorted(id_of(known.arn) for known in associations)))
        for at, known in enumerate(associations):
            if known.network_arn not in wanted and known.status in _SETTLED:
                owner = self.lattice.tags(known.arn).get(ownership.OWNER)
                associations[at] = dataclasses.replace(known, ours=owner == self.settings.owner)
        return tuple(associations)
