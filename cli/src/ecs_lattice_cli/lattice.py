"""Lattice services, listeners, rules and targets as the person at the terminal may read them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecs_lattice_cli.aws_errors import explained
from ecs_lattice_cli.errors import CommandError
from ecs_lattice_cli.nearest import suggestion

if TYPE_CHECKING:
    from ecs_lattice_cli.stack import Stack

type Data = Mapping[str, Any]

_LAST = 2001
"""Behind every priority (1-2000: VPC Lattice API, RulePriority): the place of the default action."""
_PREFERRED_PORTS = (443, 80)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as GetRule tells it. The default action has no priority and no match."""

    arn: str
    name: str
    priority: int | None
    match: Data | None
    action: Data

    @property
    def fixed_status(self) -> int | None:
        """The status of its fixed response; None where it forwards."""
        status: int | None = self.action.get("fixedResponse", {}).get("statusCode")
        return status

    @property
    def weights(self) -> dict[str, int]:
        """The ids of the target groups that it forwards to, with their weights (100 unless said)."""
        groups = self.action.get("forward", {}).get("targetGroups", ())
        return {id_of(group["targetGroupIdentifier"]): group.get("weight", 100) for group in groups}


class Lattice:
    """Reads VPC Lattice. Its methods raise CommandError."""

    def __init__(self, stack: "Stack") -> None:
        self._client = stack.client("vpc-lattice")
        self._region = stack.region

    def services(self) -> list[Data]:
        """The summaries of all Lattice services, by name."""
        return sorted(self._all("list_services"), key=lambda each: (each["name"], each["id"]))

    def service(self, name: str | None, host: str) -> Data:
        """The summary of the Lattice service with this name, id or ARN; without one, that with the domain name ``host``."""
        services = self.services()
        if name:
            found = [each for each in services if name in {each["name"], each["id"], each["arn"]}]
            what, known = f"the name {name}", [each["name"] for each in services]
        else:
            found = _with_domain(services, host)
            what, known = f"the domain name {host}", [domain for each in services for domain in domains(each)]
        if len(found) == 1:
            return found[0]
        if found:
            arns = ", ".join(each["arn"] for each in found)
            raise CommandError(f"{len(found)} Lattice services have {what}: {arns}. Write one of them as --service.")
        hint = suggestion(name or host, known)
        told = f"No Lattice service in Region {self._region} has {what}"
        raise CommandError(f"{told}; {hint}" if hint else f"{told}, nor is there any other that you may see.")

    def listeners(self, service: Data) -> list[Data]:
        """The summaries of the listeners, by port."""
        return sorted(self._all("list_listeners", serviceIdentifier=service["arn"]), key=lambda each: int(each["port"]))

    def networks(self, service: Data) -> list[Data]:
        """Its associations with service networks, by the network's name."""
        found = self._all("list_service_network_service_associations", serviceIdentifier=service["arn"])
        return sorted(found, key=lambda each: str(each["serviceNetworkName"]))

    def client_vpcs(self, network: str) -> list[str]:
        """The ids of the VPCs that a service network (ARN) is associated with."""
        found = self._all("list_service_network_vpc_associations", serviceNetworkIdentifier=network)
        return sorted(each["vpcId"] for each in found)

    def listener(self, service: Data, port: int | None) -> tuple[Data, list[Data]]:
        """The summary of the listener on ``port`` (None: 443, else 80, else the lowest that there is), and the others'."""
        listeners = self.listeners(service)
        if port is None:
            ports = [each["port"] for each in listeners]
            port = next((each for each in _PREFERRED_PORTS if each in ports), min(ports, default=0))
        for listener in listeners:
            if listener["port"] == port:
                return listener, [each for each in listeners if each is not listener]
        there = ", ".join(map(key_of, listeners))
        raise CommandError(
            f"Lattice service {service['name']} has no listener on port {port}, so connections to it are refused; it has {there}."
            if there
            else f"Lattice service {service['name']} has no listener, so connections to it are refused."
        )

    def rules(self, service: Data, listener: Data) -> list[Rule]:
        """The rules in the order in which requests meet them, the default action last."""
        identifiers = {"serviceIdentifier": service["arn"], "listenerIdentifier": listener["arn"]}
        rules = [self._rule(identifiers, summary) for summary in self._all("list_rules", **identifiers)]
        return sorted(rules, key=lambda rule: rule.priority or _LAST)

    def _rule(self, identifiers: Mapping[str, str], summary: Data) -> Rule:
        with explained():
            found = self._client.get_rule(**identifiers, ruleIdentifier=summary["arn"])
        if found.get("isDefault"):
            return Rule(found["arn"], found["name"], None, None, found["action"])
        return Rule(found["arn"], found["name"], found["priority"], found["match"], found["action"])

    def targets(self, group: str) -> dict[str, int]:
        """How many targets of a group have each status."""
        return dict(Counter(target["status"] for target in self._all("list_targets", targetGroupIdentifier=group)))

    def _all(self, operation: str, **parameters: str) -> Iterator[Data]:
        with explained():
            for page in self._client.get_paginator(operation).paginate(**parameters):
                yield from page["items"]


def key_of(listener: Data) -> str:
    """A listener as labels name it: ``HTTPS:443``."""
    return f"{listener['protocol']}:{listener['port']}"


def id_of(identifier: str) -> str:
    """The id of a target group by its id or ARN."""
    return identifier.rpartition("/")[2]


def domains(service: Data) -> list[str]:
    """The domain names of a Lattice service: its custom one, if it has one, and the one that VPC Lattice made."""
    return [name for name in (service.get("customDomainName"), service.get("dnsEntry", {}).get("domainName")) if name]


def _with_domain(services: Sequence[Data], host: str) -> list[Data]:
    """Those with exactly this domain name; without any, those whose ``*.`` stands for one more label (VPC Lattice User Guide,
    custom domain names)."""
    host = host.lower().rstrip(".")
    named = [(service, domain.lower()) for service in services for domain in domains(service)]
    exact = [service for service, domain in named if domain == host]
    return exact or [service for service, domain in named if domain == f"*.{host.partition('.')[2]}"]
