"""A copy of VPC Lattice: reads each object once, and keeps what is created, changed and deleted.

Whatever is created is ACTIVE at once, and targets are healthy: a plan says what is done, not how long it takes. Quotas are
not simulated.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecs_lattice.ecs_side.lattice_targets import Target as Address
from ecs_lattice.ecs_side.lattice_targets import Targets, TargetState
from ecs_lattice.graph import (
    Action,
    AnyMatch,
    Association,
    Group,
    Listener,
    Network,
    Rule,
    Service,
    Target,
    groups_in_use,
    id_of,
)
from ecs_lattice.lattice_side.ports import GroupSpec, Lattice, RuleChange, ServiceSpec
from ecs_lattice.model import HealthCheck, ListenerKey

_DEFAULT_IDLE_SECONDS = 60  # VPC Lattice API, CreateService


@dataclass(slots=True)
class SimulatedLattice:
    """:class:`ecs_lattice.lattice_side.ports.Lattice`. ``head`` is what the ARNs of its account and Region begin with
    (``arn:aws:vpc-lattice:us-east-1:123456789012``). ``created`` are the names of the objects that were created, by id."""

    lattice: Lattice
    head: str
    created: dict[str, str] = field(default_factory=dict)
    _services: dict[str, Service | None] = field(default_factory=dict)
    _listeners: dict[str, dict[str, Listener]] = field(default_factory=dict)
    _associations: dict[str, dict[str, Association]] = field(default_factory=dict)
    _groups: dict[str, Group | None] = field(default_factory=dict)
    _targets: dict[str, dict[Address, Target]] = field(default_factory=dict)
    _tags: dict[str, dict[str, str]] = field(default_factory=dict)
    _policies: dict[str, str | None] = field(default_factory=dict)

    # Services

    def service(self, identifier: str) -> Service | None:
        if identifier not in self._services:
            self._services[identifier] = self.lattice.service(identifier)
        return self._services[identifier]

    def find_service(self, name: str, account: str = "") -> str | None:
        here = (service.arn for service in self._services.values() if service and service.name == name)
        return next(here, None) or self._unless_deleted(self.lattice.find_service(name, account))

    def _unless_deleted(self, arn: str | None) -> str | None:
        return arn if arn and self.service(arn) else None

    def create_service(self, spec: ServiceSpec, token: str, tags: Mapping[str, str]) -> tuple[str, str]:  # noqa: ARG002  no answer is lost here
        arn = self._arn("service/svc-planned", spec.name, tags)
        self._services[arn] = Service(
            arn=arn,
            name=spec.name,
            status="ACTIVE",
            domain_name=None,
            domain=spec.domain,
            certificate=spec.certificate,
            auth=spec.auth or "NONE",
            idle_timeout=spec.idle_timeout or _DEFAULT_IDLE_SECONDS,
        )
        self._listeners[arn], self._associations[arn], self._policies[arn] = {}, {}, None
        return arn, "ACTIVE"

    def update_service(self, arn: str, spec: ServiceSpec) -> None:
        if service := self.service(arn):
            given: dict[str, Any] = {
                "certificate": spec.certificate,
                "auth": spec.auth,
                "idle_timeout": spec.idle_timeout,
            }
            self._services[arn] = dataclasses.replace(
                service, **{name: value for name, value in given.items() if value is not None}
            )

    def delete_service(self, arn: str) -> None:
        self._services[arn] = None
        self._listeners[arn], self._associations[arn] = {}, {}

    def auth_policy(self, arn: str) -> str | None:
        if arn not in self._policies:
            self._policies[arn] = self.lattice.auth_policy(arn)
        return self._policies[arn]

    def put_policy(self, arn: str, policy: str) -> None:
        self._policies[arn] = policy

    def tags(self, arn: str) -> dict[str, str]:
        if arn not in self._tags:
            self._tags[arn] = self.lattice.tags(arn)
        return dict(self._tags[arn])

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        self._tags[arn] = self.tags(arn) | dict(tags)

    # Listeners and rules

    def listeners(self, service_arn: str) -> tuple[Listener, ...]:
        return tuple(self._of(service_arn).values())

    def find_listener(self, service_arn: str, name: str) -> str | None:
        return next((each.arn for each in self.listeners(service_arn) if each.name == name), None)

    def create_listener(
        self,
        service_arn: str,
        name: str,
        key: ListenerKey,
        default: Action,
        token: str,  # noqa: ARG002
        tags: Mapping[str, str],
    ) -> str:
        arn = self._arn(f"{_path(service_arn)}/listener/listener-planned", name, tags)
        self._of(service_arn)[arn] = Listener(arn, name, key, default)
        return arn

    def update_listener(self, arn: str, default: Action) -> None:
        self._change(arn, lambda listener: dataclasses.replace(listener, default=default))

    def delete_listener(self, arn: str) -> None:
        self._of(_service_of(arn)).pop(arn, None)

    def create_rule(
        self,
        listener_arn: str,
        name: str,
        priority: int,
        match: AnyMatch,
        action: Action,
        token: str,  # noqa: ARG002
        tags: Mapping[str, str],
    ) -> str:
        arn = self._arn(f"{_path(listener_arn)}/rule/rule-planned", name, tags)
        self._with_rules(listener_arn, lambda rules: [*rules, Rule(arn, name, priority, match, action)])
        return arn

    def update_rule(self, change: RuleChange) -> None:
        given: dict[str, Any] = {"priority": change.priority, "match": change.match, "action": change.action}
        members = {name: value for name, value in given.items() if value is not None}
        self._with_rules(
            _listener_of(change.rule_arn),
            lambda rules: [
                dataclasses.replace(rule, **members) if rule.arn == change.rule_arn else rule for rule in rules
            ],
        )

    def update_rules(self, listener_arn: str, changes: Sequence[RuleChange]) -> tuple[str, ...]:  # noqa: ARG002  each names its own
        for change in changes:
            self.update_rule(change)
        return ()

    def delete_rule(self, arn: str) -> None:
        self._with_rules(_listener_of(arn), lambda rules: [rule for rule in rules if rule.arn != arn])

    def _of(self, service_arn: str) -> dict[str, Listener]:
        if service_arn not in self._listeners:
            self._listeners[service_arn] = {each.arn: each for each in self.lattice.listeners(service_arn)}
        return self._listeners[service_arn]

    def _change(self, arn: str, change: Callable[[Listener], Listener]) -> None:
        listeners = self._of(_service_of(arn))
        listeners[arn] = change(listeners[arn])

    def _with_rules(self, listener_arn: str, change: Callable[[Iterable[Rule]], list[Rule]]) -> None:
        def changed(listener: Listener) -> Listener:
            rules = sorted(change(listener.rules), key=lambda rule: rule.priority)
            return dataclasses.replace(listener, rules=tuple(rules))

        self._change(listener_arn, changed)

    # Service networks

    def associations(self, service_arn: str) -> tuple[Association, ...]:
        return tuple(self._associated(service_arn).values())

    def services_with_domain(self, network_arn: str, domain: str) -> tuple[str, ...]:
        return self.lattice.services_with_domain(network_arn, domain)

    def network(self, identifier: str) -> Network | None:
        return self.lattice.network(identifier)

    def networks(self) -> tuple[Network, ...]:
        return self.lattice.networks()

    def associate(self, service_arn: str, network_arn: str, token: str, tags: Mapping[str, str]) -> None:  # noqa: ARG002
        arn = self._arn("servicenetworkserviceassociation/snsa-planned", network_arn, tags)
        self._associated(service_arn)[arn] = Association(arn, network_arn, "ACTIVE")

    def disassociate(self, association_arn: str) -> None:
        for associations in self._associations.values():
            associations.pop(association_arn, None)

    def _associated(self, service_arn: str) -> dict[str, Association]:
        if service_arn not in self._associations:
            self._associations[service_arn] = {each.arn: each for each in self.lattice.associations(service_arn)}
        return self._associations[service_arn]

    # Target groups

    def find_groups(self, names: Collection[str]) -> dict[str, str]:
        here = {group.name: group.arn for group in self._groups.values() if group and group.name in names}
        there = self.lattice.find_groups(set(names) - here.keys()) if set(names) - here.keys() else {}
        return here | {name: arn for name, arn in there.items() if self.group(arn)}

    def group(self, identifier: str) -> Group | None:
        key = id_of(identifier)
        if key not in self._groups:
            self._groups[key] = self.lattice.group(identifier)
        group = self._groups[key]
        return group and dataclasses.replace(group, service_arns=self._users(group))

    def _users(self, group: Group) -> tuple[str, ...]:
        """The ARNs of the Lattice services whose rules and default actions name the group."""
        naming = {arn for arn, each in self._listeners.items() if group.id in groups_in_use(tuple(each.values()))[0]}
        return tuple(sorted(naming | (set(group.service_arns) - self._listeners.keys())))

    def create_group(self, spec: GroupSpec, token: str, tags: Mapping[str, str]) -> tuple[str, str]:  # noqa: ARG002
        arn = self._arn("targetgroup/tg-planned", spec.name, tags)
        self._groups[id_of(arn)] = Group(
            id=id_of(arn),
            arn=arn,
            name=spec.name,
            status="ACTIVE",
            kind="IP",
            vpc_id=spec.vpc_id,
            protocol=spec.protocol,
            health=spec.health,
            port=spec.port,
            protocol_version=spec.version or "",
            family=spec.family,
        )
        self._targets[id_of(arn)] = {}
        return arn, "ACTIVE"

    def update_health(self, group: str, health: HealthCheck) -> None:
        if found := self._groups.get(id_of(group)) or self.group(group):
            self._groups[id_of(group)] = dataclasses.replace(found, health=health)

    def delete_group(self, group: str) -> None:
        self._groups[id_of(group)], self._targets[id_of(group)] = None, {}

    def targets(self, identifier: str) -> tuple[Target, ...]:
        return tuple(self._registered(identifier).values())

    def deregister(self, group: str, targets: Sequence[Target]) -> tuple[str, ...]:
        self.remove(group, [Address(target.id, target.port) for target in targets])
        return ()

    def add(self, group: str, addresses: Iterable[Address]) -> None:
        """Register targets, which are healthy at once, or UNAVAILABLE where nothing checks them."""
        found = self.group(group)
        status = "UNAVAILABLE" if found and found.health and not found.health.enabled else "HEALTHY"
        self._registered(group).update({each: Target(each.address, each.port, status) for each in addresses})

    def remove(self, group: str, addresses: Iterable[Address]) -> None:
        """Deregister targets, which are gone at once."""
        for address in addresses:
            self._registered(group).pop(address, None)

    def _registered(self, group: str) -> dict[Address, Target]:
        key = id_of(group)
        if key not in self._targets:
            self._targets[key] = {Address(each.id, each.port): each for each in self.lattice.targets(group)}
        return self._targets[key]

    def _arn(self, stem: str, name: str, tags: Mapping[str, str]) -> str:
        """The ARN of something that is created."""
        arn = f"{self.head}:{stem}{len(self.created) + 1}"
        self.created[id_of(arn)] = name
        self._tags[arn] = dict(tags)
        return arn


@dataclass(frozen=True, slots=True)
class SimulatedTargets:
    """:class:`ecs_lattice.ecs_side.lattice_targets.Targets` of the same copy; ``targets`` reads the tags of groups."""

    lattice: SimulatedLattice
    targets: Targets

    def registered(self, group_arn: str) -> tuple[TargetState, ...]:
        if self.lattice.group(group_arn) is None:
            return ()
        return tuple(TargetState(Address(each.id, each.port), each.status) for each in self.lattice.targets(group_arn))

    def register(self, group_arn: str, targets: Sequence[Address]) -> Mapping[Address, str]:
        self.lattice.add(group_arn, targets)
        return {}

    def deregister(self, group_arn: str, targets: Sequence[Address]) -> Mapping[Address, str]:
        self.lattice.remove(group_arn, targets)
        return {}

    def tags(self, group_arn: str) -> Mapping[str, str]:
        is_created = id_of(group_arn) in self.lattice.created
        return self.lattice.tags(group_arn) if is_created else self.targets.tags(group_arn)


def _path(arn: str) -> str:
    """``service/svc-1/listener/listener-2`` of an ARN."""
    return arn.split(":", 5)[5]


def _service_of(arn: str) -> str:
    """The service's ARN in that of a listener or rule."""
    return arn.partition("/listener/")[0]


def _listener_of(arn: str) -> str:
    """The listener's ARN in that of a rule."""
    return arn.partition("/rule/")[0]
