"""What the Lattice side needs of VPC Lattice. Errors are :class:`~ecs_lattice.errors.AwsError`s.

Identifiers are ARNs or ids; VPC Lattice takes no names. ``token`` is the client token of a create call.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ecs_lattice.graph import Action, AnyMatch, Association, Group, Listener, Network, Service, Target
from ecs_lattice.model import AddressFamily, HealthCheck, ListenerKey


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """What a target group is created from; only ``health`` can be changed later."""

    name: str
    vpc_id: str
    family: AddressFamily
    port: int
    protocol: str
    version: str | None
    health: HealthCheck


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What a Lattice service is created from; ``domain`` cannot be changed later. None leaves it to VPC Lattice."""

    name: str
    domain: str | None = None
    certificate: str | None = None
    auth: str | None = None
    idle_timeout: int | None = None


@dataclass(frozen=True, slots=True)
class RuleChange:
    """The members of a rule that change; None leaves a member as it is."""

    rule_arn: str
    priority: int | None = None
    match: AnyMatch | None = None
    action: Action | None = None


class Holders(Protocol):
    """The ECS clusters and services that hold Lattice services."""

    def is_gone(self, arn: str) -> bool:
        """Whether ECS says for certain that the cluster or ECS service does not exist, or has been deleted. Raises an AwsError
        where ECS does not say."""


class Lattice(Protocol):
    """VPC Lattice."""

    def service(self, identifier: str) -> Service | None:
        """The service without its tags; None when there is none."""

    def find_service(self, name: str, account: str = "") -> str | None:
        """The ARN of the service with that name, by list: a call count that grows with the account. Services that other
        accounts share are listed too (VPC Lattice API, ListServices) and may have the name; ``account``: only its own count."""

    def find_groups(self, names: Collection[str]) -> dict[str, str]:
        """ARNs of target groups by name, by list: a call count that grows with the account."""

    def find_listener(self, service_arn: str, name: str) -> str | None:
        """The ARN of a service's listener."""

    def tags(self, arn: str) -> dict[str, str]: ...

    def auth_policy(self, arn: str) -> str | None: ...

    def listeners(self, service_arn: str) -> tuple[Listener, ...]:
        """All listeners, with their default actions and rules."""

    def group(self, identifier: str) -> Group | None:
        """The target group without targets and tags; None when there is none."""

    def targets(self, identifier: str) -> tuple[Target, ...]: ...

    def associations(self, service_arn: str) -> tuple[Association, ...]: ...

    def services_with_domain(self, network_arn: str, domain: str) -> tuple[str, ...]:
        """The ARNs of the services with this custom domain in the service network."""

    def network(self, identifier: str) -> Network | None:
        """The service network with this id or ARN."""

    def networks(self) -> tuple[Network, ...]:
        """All service networks that the account owns or that are shared with it."""

    def create_group(self, spec: GroupSpec, token: str, tags: Mapping[str, str]) -> tuple[str, str]:
        """ARN and status."""

    def update_health(self, group: str, health: HealthCheck) -> None: ...

    def delete_group(self, group: str) -> None: ...

    def deregister(self, group: str, targets: Sequence[Target]) -> tuple[str, ...]:
        """Deregister targets, a hundred per call; the failures, as text."""

    def create_service(self, spec: ServiceSpec, token: str, tags: Mapping[str, str]) -> tuple[str, str]:
        """ARN and status."""

    def update_service(self, arn: str, spec: ServiceSpec) -> None:
        """Certificate, auth type and idle timeout, where not None."""

    def put_policy(self, arn: str, policy: str) -> None: ...

    def delete_service(self, arn: str) -> None: ...

    def tag(self, arn: str, tags: Mapping[str, str]) -> None: ...

    def create_listener(
        self, service_arn: str, name: str, key: ListenerKey, default: Action, token: str, tags: Mapping[str, str]
    ) -> str:
        """The ARN."""

    def update_listener(self, arn: str, default: Action) -> None: ...

    def delete_listener(self, arn: str) -> None: ...

    def create_rule(
        self,
        listener_arn: str,
        name: str,
        priority: int,
        match: AnyMatch,
        action: Action,
        token: str,
        tags: Mapping[str, str],
    ) -> str:
        """The ARN."""

    def update_rule(self, change: RuleChange) -> None: ...

    def update_rules(self, listener_arn: str, changes: Sequence[RuleChange]) -> tuple[str, ...]:
        """Up to ten rules in one call; the failures, as text."""

    def delete_rule(self, arn: str) -> None: ...

    def associate(self, service_arn: str, network_arn: str, token: str, tags: Mapping[str, str]) -> None: ...

    def disassociate(self, association_arn: str) -> None: ...
