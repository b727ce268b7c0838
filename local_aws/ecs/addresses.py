"""Addresses of tasks: network interfaces in subnets (awsvpc) and ports of container instances (bridge, host)."""

import hashlib
import ipaddress
import uuid
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends

from local_aws.ec2 import reach

_EPHEMERAL = range(32768, 60999)
"""The range of dynamic host ports, for containers with ``hostPort`` 0 (botocore, PortMapping)."""


class NoPlaceError(Exception):
    """No address or port is available for another task."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A task's elastic network interface."""

    attachment_id: str
    subnet: str
    eni: str
    ip: str
    mac: str
    zone: str

    @property
    def dns(self) -> str:
        return f"ip-{self.ip.replace('.', '-')}.ec2.internal"


@dataclass(frozen=True, slots=True)
class Binding:
    """A container port and the host port that reaches it."""

    container: str
    container_port: int
    host_port: int
    protocol: str
    name: str | None


class AddressBook:
    """The private addresses and host ports that simulated tasks use in one account and Region."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._next: dict[str, int] = {}
        self._taken: set[str] = set()
        self._in_subnet: Counter[str] = Counter()
        self._host_ports: set[tuple[str, int]] = set()

    def attach(self, configuration: Mapping[str, Any], description: str) -> Interface:
        """A new interface in the subnet of an ``awsvpcConfiguration`` that has the fewest.

        A subnet that EC2 knows provides an address of its CIDR block and an interface that can be described. Any other
        provides 10.0.x.y, with x derived from the subnet's name, so that services work without a VPC.
        """
        subnet = min(configuration["subnets"], key=lambda name: (self._in_subnet[name],))
        known = self._subnet(subnet)
        missing = reach.problem([subnet], configuration.get("securityGroups") or (), self._account, self._region)
        if missing is not None:
            raise NoPlaceError(missing)
        cidr = known.cidr if known is not None else _made_up_network(subnet)
        ip = self._free(subnet, cidr, set(known._subnet_ips) if known is not None else set())
        self._in_subnet[subnet] += 1
        if known is None:
            digest = hashlib.sha256(f"{subnet}/{ip}/{uuid.uuid4()}".encode()).hexdigest()
            mac = "0a:" + ":".join(digest[at : at + 2] for at in range(0, 10, 2))
            return Interface(str(uuid.uuid4()), subnet, f"eni-{digest[:17]}", ip, mac, f"{self._region}a")
        groups = list(configuration.get("securityGroups") or ())  # none: EC2 assigns the VPC's default group
        eni = self._ec2.create_network_interface(
            subnet=subnet, private_ip_address=ip, group_ids=groups, description=description
        )
        eni.status = "in-use"
        return Interface(str(uuid.uuid4()), subnet, eni.id, ip, eni.mac_address, known.availability_zone)

    def detach(self, interface: Interface) -> None:
        """Delete an interface and free its address."""
        self._taken.discard(interface.ip)
        self._in_subnet[interface.subnet] -= 1
        if interface.eni in self._ec2.enis:
            self._ec2.delete_network_interface(interface.eni)

    def bind(self, instance_ip: str, mappings: Sequence[tuple[str, Mapping[str, Any]]], mode: str) -> list[Binding]:
        """Host ports of a container instance for pairs of container name and port mapping; NoPlaceError if taken."""
        bindings: list[Binding] = []
        for container, mapping in mappings:
            port = mapping["containerPort"]
            host_port = port if mode == "host" else mapping.get("hostPort") or self._ephemeral(instance_ip)
            if (instance_ip, host_port) in self._host_ports:
                self.unbind(instance_ip, bindings)
                raise NoPlaceError(f"port {host_port} of {instance_ip} is already in use")
            self._host_ports.add((instance_ip, host_port))
            bindings.append(Binding(container, port, host_port, mapping.get("protocol", "tcp"), mapping.get("name")))
        return bindings

    def unbind(self, instance_ip: str, bindings: Sequence[Binding]) -> None:
        """Free host ports."""
        self._host_ports -= {(instance_ip, binding.host_port) for binding in bindings}

    @property
    def _ec2(self) -> Any:
        return ec2_backends[self._account][self._region]

    def _subnet(self, name: str) -> Any:
        try:
            return self._ec2.get_subnet(name)
        except EC2ClientError:
            return None

    def _free(self, subnet: str, cidr: ipaddress.IPv4Network, taken: set[str]) -> str:
        """The next address after the last assigned one, so that an address that still drains is not reused soon.

        AWS reserves the first four addresses and the last one of a subnet (VPC User Guide, subnet CIDR blocks).
        """
        usable = cidr.num_addresses - 5
        for _ in range(usable):
            offset = self._next.get(subnet, 0) % usable
            self._next[subnet] = offset + 1
            ip = str(cidr.network_address + 4 + offset)
            if ip not in self._taken and ip not in taken:
                self._taken.add(ip)
                return ip
        raise NoPlaceError(f"subnet {subnet} ({cidr}) has no free address")

    def _ephemeral(self, instance_ip: str) -> int:
        for port in _EPHEMERAL:
            if (instance_ip, port) not in self._host_ports:
                return port
        raise NoPlaceError(f"{instance_ip} has no free host port")


def _made_up_network(subnet: str) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(f"10.0.{zlib.crc32(subnet.encode()) % 256}.0/24")


__all__ = ["AddressBook", "Binding", "Interface", "NoPlaceError"]
