"""What GetTargetGroup leaves out is read as VPC Lattice's default, so that it differs from nothing that is declared."""

from typing import Any

import pytest

from ecs_lattice.aws.lattice_shapes import group_from, health_to
from ecs_lattice.model import HealthCheck

GROUPS: dict[str, tuple[str, str | None, int, HealthCheck]] = {
    "HTTP": ("HTTP", "HTTP1", 80, HealthCheck(enabled=True)),
    "HTTPS": ("HTTPS", "HTTP1", 443, HealthCheck(enabled=True, protocol="HTTPS")),
    "HTTP2": ("HTTP", "HTTP2", 80, HealthCheck(enabled=False, protocol_version="HTTP2")),
    "gRPC": ("HTTPS", "GRPC", 443, HealthCheck(enabled=False, protocol="HTTPS", protocol_version="HTTP2")),
    "TCP": ("TCP", None, 9, HealthCheck(enabled=False)),
}
"""Protocol, version, port and the health check of a route that declares none of it, by kind."""
CONFIG = ("ipAddressType", "protocolVersion", "port", "healthCheck")


def answer(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "tg-0123456789abcdef0",
        "arn": "arn",
        "name": "web",
        "status": "ACTIVE",
        "type": "IP",
        "config": config,
    }


def whole(kind: str) -> dict[str, Any]:
    protocol, version, port, health = GROUPS[kind]
    config = {"protocol": protocol, "vpcIdentifier": "vpc-1", "port": port, "ipAddressType": "IPV4"}
    return {**config, **({"protocolVersion": version} if version else {}), "healthCheck": health_to(health)}


@pytest.mark.parametrize("kind", GROUPS)
def test_a_member_of_the_health_check_that_is_left_out_is_the_default_of_the_protocol(kind: str) -> None:
    config = whole(kind)
    for name in config["healthCheck"]:
        check = {key: value for key, value in config["healthCheck"].items() if key != name}
        assert group_from(answer({**config, "healthCheck": check})).health == GROUPS[kind][3], name
    assert group_from(answer({**config, "healthCheck": {}})).health == GROUPS[kind][3]


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("name", CONFIG)
def test_a_member_of_the_configuration_that_is_left_out_is_the_default(kind: str, name: str) -> None:
    config, (protocol, version, _, _) = whole(kind), GROUPS[kind]
    has_default = name != "port" or protocol != "TCP"
    if not has_default or (name == "protocolVersion" and version not in {"HTTP1", None}):
        return  # it has to be given
    there = {key: value for key, value in config.items() if key != name}
    assert group_from(answer(there)) == group_from(answer(config))


def test_a_group_of_a_kind_without_health_checks_has_none() -> None:
    assert group_from({**answer({}), "type": "ALB"}).health is None
