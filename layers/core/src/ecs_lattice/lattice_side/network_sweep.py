"""What a sweep of the resync reads of service networks, at three to five calls a network: whether a VPC or a VPC endpoint is
associated, whether its auth policy allows anything, and which of our Lattice services are associated. A reconcile is requested
where that has changed.

It is remembered in one document a network (kind ``network``). The document is written before the requests, because the
reconcile reads it; until they are sent it says so, and a sweep that was interrupted sends them at the next one.
"""

import dataclasses
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice import codec
from ecs_lattice.claims import LatticeRecord
from ecs_lattice.errors import AwsError
from ecs_lattice.graph import id_of
from ecs_lattice.lattice_side.auth_policies import has_allow
from ecs_lattice.ports import Documents

_log = logging.getLogger(__name__)
KIND = "network"


class Networks(Protocol):
    """The associations of service networks. Errors are :class:`~ecs_lattice.errors.AwsError`s."""

    def is_attached(self, network_arn: str) -> bool:
        """Whether a VPC, or a VPC endpoint of type service network, is associated with the network, of whichever owner."""

    def policy(self, network_arn: str) -> tuple[bool, str | None]:
        """Whether the network requires IAM; its auth policy if it does (None: it has none)."""

    def services(self, network_arn: str) -> frozenset[str]:
        """The ids of the Lattice services that are associated with the network."""


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """What was read of a service network. ``attached`` None: unknown, because it could not be read, or because it is another
    account's, whose VPCs are not listed here. ``services``: our Lattice services that are associated, by id. ``is_pending``:
    the requests that follow from it have not been sent yet. ``allows``: whether requests may come through it; None: unknown,
    likewise."""

    attached: bool | None = None
    services: tuple[str, ...] = ()
    is_pending: bool = False
    allows: bool | None = None


def seen(text: str | None) -> SeenNetwork | None:
    """The network in a document; None for none, or for text that cannot be read."""
    try:
        return codec.loads(SeenNetwork, text) if text else None
    except (ValueError, TypeError, AttributeError):
        return None


def seen_networks(documents: Documents, network_arns: Iterable[str]) -> dict[str, SeenNetwork]:
    """Those of the networks that were read, by ARN."""
    found = documents.documents_of(KIND, sorted(network_arns))
    return {arn: read for arn, text in found.items() if (read := seen(text))}


@dataclass(frozen=True, slots=True)
class NetworkSweep:
    """Reads the service networks of all Lattice services."""

    networks: Networks
    registry: Documents

    def sweep(self, records: Iterable[LatticeRecord], enqueue: Callable[[Sequence[str]], int]) -> int:
        """Read each service network once, and ``enqueue`` the Lattice services (by name) for which something has changed; how
        many those are."""
        by_network: dict[str, dict[str, str]] = defaultdict(dict)
        for record in records:
            for _, arn in record.networks if record.service_arn else ():
                by_network[arn][record.service_arn or ""] = record.name
        known = dict(self.registry.documents(KIND))
        for arn in known.keys() - by_network.keys():
            self.registry.delete_document(KIND, arn)
        return sum(self._one(arn, here, seen(known.get(arn)), enqueue) for arn, here in sorted(by_network.items()))

    def _one(
        self, arn: str, here: Mapping[str, str], before: SeenNetwork | None, enqueue: Callable[[Sequence[str]], int]
    ) -> int:
        before = before or SeenNetwork()
        now = self._read(arn, here, before)
        if now == before:
            return 0
        gone = set(before.services) - set(now.services)
        is_for_all = before.is_pending or _denied(now) != _denied(before)
        names = sorted(name for service, name in here.items() if is_for_all or id_of(service) in gone)
        self.registry.put_document(KIND, arn, codec.dumps(dataclasses.replace(now, is_pending=bool(names))))
        if not names:
            return 0
        enqueued = enqueue(names)
        self.registry.put_document(KIND, arn, codec.dumps(now))
        return enqueued

    def _allows(self, arn: str) -> bool | None:
        try:
            requires_iam, policy = self.networks.policy(arn)
        except AwsError as error:
            _log.warning("The auth policy of service network %s is unknown: %s", arn, error)
            return None
        return not requires_iam or has_allow(policy)

    def _read(self, arn: str, here: Mapping[str, str], before: SeenNetwork) -> SeenNetwork:
        is_own = {_account(arn)} == set(map(_account, here))
        try:
            attached = self.networks.is_attached(arn) if is_own else None
            listed = self.networks.services(arn)
        except AwsError as error:
            _log.warning("The associations of service network %s are unknown: %s", arn, error)
            return SeenNetwork(None, before.services)
        services = tuple(sorted(id_of(service) for service in here if id_of(service) in listed))
        return SeenNetwork(attached, services, allows=self._allows(arn) if is_own else None)


def _denied(network: SeenNetwork) -> tuple[bool, bool]:
    """What is known to keep every request away: that there is no client, and that none is allowed."""
    return network.attached is False, network.allows is False


def _account(arn: str) -> str:
    return arn.split(":")[4]
