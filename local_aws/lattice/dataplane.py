"""The data plane: routes requests for a service to a target, by the configuration that has propagated.

Sources: VPC Lattice User Guide ("Listener rules", "Target groups", "HTTP targets", "Auth policies"). Assumptions without
a public source: 503 for a group without an available target, for weights that sum to 0, for a target that refuses the
connection and for closed security groups; 504 for a target that responds too late; 502 for incompatible versions; no
requests to a target whose checks have not decided yet; no failover to another group of the rule.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from local_aws.lattice import ids
from local_aws.lattice.auth import lets_in
from local_aws.lattice.headers import Client, forwarded
from local_aws.lattice.listeners import RuleOperations
from local_aws.lattice.routing import (
    ListenerRoutes,
    RuleRoute,
    SmoothWeights,
    Table,
    choose,
    covers,
    rule_of,
    versions_fit,
)
from local_aws.lattice.state import Service, ServiceNetwork, Target, TargetGroup
from local_aws.network import Request, Response
from local_aws.services import clock, network


class UnknownServiceError(LookupError):
    """No service has this id, ARN, generated or custom domain name: DNS has no answer."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The routing decision for a request: a target, or the status of the response."""

    service_arn: str
    status: int | None
    rule_id: str | None = None
    group: TargetGroup | None = None
    target: tuple[str, int | None] | None = None
    scheme: str = "http"


ANYBODY = Client()


class DataPlane:
    """Routes requests of one account and region."""

    def __init__(self, backend: RuleOperations) -> None:
        self._backend = backend
        self._weights = SmoothWeights()
        self._turns: dict[str, Iterator[int]] = defaultdict(itertools.count)
        self._history: list[tuple[float, Table]] = []
        self._stale = True

    # ---- configuration, possibly with a lag

    def configuration_changed(self) -> None:
        """Record the configuration that applies from now on."""
        if self._backend.timing.propagation > 0:
            self._history.append((clock().time(), self._build()))
        else:
            self._stale = True

    def timing_changes(self) -> None:
        """Call before the propagation time changes: the effective configuration stays until the new one has propagated."""
        if self._backend.timing.propagation <= 0:
            self._history, self._stale = [(-math.inf, self._build())], False
        else:
            self._stale = True

    def table(self) -> Table:
        """The effective configuration: the newest that is at least ``timing.propagation`` old."""
        lag = self._backend.timing.propagation
        if lag <= 0:
            if self._stale:
                self._history, self._stale = [(-math.inf, self._build())], False
            return self._history[-1][1]
        before = clock().time() - lag
        spread = sum(when <= before for when, _ in self._history)
        del self._history[: max(spread - 1, 0)]
        return self._history[0][1]

    def _build(self) -> Table:
        backend = self._backend
        listeners = {}
        for listener in backend.listeners.values():
            rules = [rule_of(rule.action, rule.id, rule.match) for rule in backend.rules_of(listener)]
            rules.append(rule_of(listener.default.action, listener.default.id, None))
            routes = ListenerRoutes(listener.id, listener.protocol, listener.port, tuple(rules))
            listeners[listener.service.id, listener.port] = routes
        targets = {
            group.id: tuple(key for key, target in group.targets.items() if not target.draining)
            for group in backend.target_groups.values()
        }
        return Table(listeners, targets)

    # ---- finding the service

    def service(self, name: str) -> Service:
        """The service with this id, ARN, generated domain name or custom domain name; UnknownServiceError if none."""
        wanted = name.lower()
        found = self._backend.services.get(ids.tail(wanted))
        if found:
            return found
        for service in self._backend.services.values():
            if wanted == service.dns["domainName"] or (service.custom_domain and covers(service.custom_domain, wanted)):
                return service
        raise UnknownServiceError(f"No VPC Lattice service has the id or domain name {name}")

    def _networks(self, service: Service, client: Client) -> list[ServiceNetwork]:
        """The service networks of both the client's VPC and the service; ConnectionRefusedError if there are none.

        Empty for a client without a VPC: its reachability is not checked.
        """
        if client.vpc_id is None:
            return []
        backend = self._backend
        of_vpc = {
            association.network.id
            for association in backend.service_network_vpc_associations.values()
            if association.vpc_id == client.vpc_id and association.status in {"ACTIVE", "UPDATE_IN_PROGRESS"}
        }
        shared = [
            association.network
            for association in backend.service_network_service_associations.values()
            if association.service is service and association.network.id in of_vpc and association.status == "ACTIVE"
        ]
        if not shared:
            raise ConnectionRefusedError(f"{service.id} is not in a service network of {client.vpc_id}")
        return shared

    def _listener(self, service: Service, port: int) -> ListenerRoutes:
        found = self.table().listeners.get((service.id, port))
        if found is None:
            raise ConnectionRefusedError(f"{service.name} ({service.id}) has no listener on port {port}")
        return found

    def _has_certificate(self, service: Service, listener: ListenerRoutes, name: str) -> None:
        """HTTPS with a custom domain name needs the service's certificate (User Guide, custom domain name)."""
        custom = service.custom_domain
        if listener.protocol == "HTTPS" and custom and covers(custom, name.lower()) and not service.certificate:
            raise ConnectionRefusedError(f"{service.name} has no certificate for {name}: the TLS handshake fails")

    def has_listener(self, name: str, port: int) -> bool:
        """Whether the service of this name has a listener on this port."""
        with self._backend.lock:
            try:
                return (self.service(name).id, port) in self.table().listeners
            except UnknownServiceError:
                return False

    def passthrough_port(self, name: str) -> int | None:
        """The port of the service's first TLS_PASSTHROUGH listener; None if it has none."""
        with self._backend.lock:
            service = self.service(name).id
            listeners = self.table().listeners
            ports = [
                port
                for (of, port), routes in listeners.items()
                if of == service and routes.protocol == "TLS_PASSTHROUGH"
            ]
            return min(ports, default=None)

    # ---- decision

    def decide(self, name: str, port: int, request: Request, client: Client = ANYBODY) -> Decision:
        """The rule, target group and target of a request, or the status of its response; sends nothing.

        Raises UnknownServiceError for an unknown name, ConnectionRefusedError if no listener is reachable.
        """
        with self._backend.lock:
            service = self.service(name)
            networks = self._networks(service, client)
            listener = self._listener(service, port)
            self._has_certificate(service, listener, name)
            if listener.protocol != "TLS_PASSTHROUGH" and not self._allowed([service, *networks], client):
                return Decision(service.arn, 403)
            rule = choose(listener, request)
            if rule.fixed_status is not None:
                return Decision(service.arn, rule.fixed_status, rule.id)
            return self._forward(service, rule, request, client, listener)

    def _forward(
        self, service: Service, rule: RuleRoute, request: Request, client: Client, listener: ListenerRoutes
    ) -> Decision:
        chosen = self._weights.next(rule.id, rule.groups)
        group = self._backend.target_groups.get(chosen) if chosen else None
        if group is None:
            return Decision(service.arn, 503, rule.id)
        version = group.config.get("protocolVersion", "HTTP1")
        if listener.protocol != "TLS_PASSTHROUGH" and not versions_fit(client.version, version, request.method):
            return Decision(service.arn, 502, rule.id, group)
        usable = self._usable(group)
        if not usable:
            return Decision(service.arn, 503, rule.id, group)
        target = usable[next(self._turns[group.id]) % len(usable)]
        return Decision(service.arn, None, rule.id, group, target, "https" if listener.protocol == "HTTPS" else "http")

    def _usable(self, group: TargetGroup) -> list[tuple[str, int | None]]:
        """The targets that receive requests: the healthy ones, or all if all are unhealthy (fail-open).

        A draining or removed target receives requests until that has propagated.
        """
        keys = self.table().targets.get(group.id, ())
        targets = {key: group.targets.get(key) for key in keys}
        well = [key for key, target in targets.items() if _takes_requests(target)]
        unwell = [key for key, target in targets.items() if target and target.health == "UNHEALTHY"]
        return well or (unwell if len(unwell) == len(targets) else [])

    def _allowed(self, resources: Iterable[Service | ServiceNetwork], client: Client) -> bool:
        """Whether all resources with auth type AWS_IAM allow the client (User Guide, "Auth policies")."""
        policies = self._backend.auth_policies
        return all(
            resource.auth_type != "AWS_IAM"
            or lets_in(policies[resource.id].text if resource.id in policies else None, client.principal)
            for resource in resources
        )

    # ---- forwarding

    def reaches(self, decision: Decision, port: int) -> bool:
        """Whether the decision has a target and its security groups allow the connection."""
        address, target_port = decision.target or ("", None)
        return decision.target is not None and self._backend.reaches(address, target_port or port)

    def route(self, name: str, port: int, request: Request, client: Client = ANYBODY) -> Response:
        """The response to a request for a service at a listener's port; raises like :meth:`decide`."""
        decision = self.decide(name, port, request, client)
        if decision.target is None or decision.group is None:
            return Response(decision.status or 503, {"content-type": "text/plain"})
        address, target_port = decision.target
        group = decision.group
        if not self.reaches(decision, port):
            return Response(503)
        sent = forwarded(request, client, port, decision.scheme, decision.service_arn, group.arn)
        try:
            return network().send(
                address, target_port or port, sent, timeout=60.0, tls=group.config.get("protocol") == "HTTPS"
            )
        except TimeoutError:
            return Response(504)
        except OSError:
            return Response(503)


def _takes_requests(target: Target | None) -> bool:
    return target is None or target.health in {"HEALTHY", "UNAVAILABLE"}


__all__ = ["ANYBODY", "Client", "DataPlane", "Decision", "UnknownServiceError"]
