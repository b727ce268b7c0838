"""The three listener protocols, each from a deployment to an answer."""

import pytest

from local_aws import lattice
from local_aws.network import Request
from tests.histories.labels import LABELS, hooked_up

HTTPS = {key: value for key, value in LABELS.items() if key != "lattice.listener"}
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0123abcd-0123-0123-0123-0123456789ab"


def ask(world, domain: str, port: int, path: str = "/orders") -> int:
    return lattice.route(domain, port, Request("GET", path)).status


def the_service(world) -> dict:
    (item,) = world._all("list_services")
    return world.lattice.get_service(serviceIdentifier=item["id"])


def test_https_with_the_generated_domain_is_the_default(world):
    hooked_up(world, HTTPS)
    service = the_service(world)
    assert list(world.graph()["orders"]["listeners"]) == ["HTTPS:443"]
    assert ask(world, service["dnsEntry"]["domainName"], 443) == 200
    assert "customDomainName" not in service


def test_https_with_a_custom_domain_and_its_certificate_answers_on_both_names(world):
    hooked_up(world, {**HTTPS, "lattice.domain": "orders.example.com", "lattice.certificate": CERTIFICATE})
    service = the_service(world)
    assert (service["customDomainName"], service["certificateArn"]) == ("orders.example.com", CERTIFICATE)
    assert ask(world, "orders.example.com", 443) == 200
    assert ask(world, service["dnsEntry"]["domainName"], 443) == 200


def test_http_and_https_side_by_side_have_a_rule_each(world):
    hooked_up(world, {**LABELS, "lattice.listener": "HTTP:80 HTTPS:443"})
    listeners = world.graph()["orders"]["listeners"]
    assert {key: len(listener["rules"]) for key, listener in listeners.items()} == {"HTTP:80": 1, "HTTPS:443": 1}
    assert world.ask("orders", "/orders", 80).status == world.ask("orders", "/orders", 443).status == 200


@pytest.mark.parametrize("checked", [False, True])
def test_tls_passthrough_hands_bytes_to_a_tcp_target_group_with_and_without_health_checks(world, checked):
    labels = {
        "lattice.service": "transfer",
        "lattice.port": "tls",
        "lattice.listener": "TLS_PASSTHROUGH:443",
        "lattice.domain": "transfer.example.com",
        **({"lattice.health.enabled": "true", "lattice.health.port": "8080"} if checked else {}),
    }
    hooked_up(world, labels, ports=(("tls", 8443), ("admin", 8080)), environment={"TLS_PORTS": "8443"})
    (group,) = world._all("list_target_groups")
    statuses = {target["status"] for target in lattice.backend().list_targets(group["arn"])}
    assert group["protocol"] == "TCP"
    assert statuses == ({"HEALTHY"} if checked else {"UNAVAILABLE"})
    decision = lattice.backend().data_plane.decide("transfer.example.com", 443, Request())
    assert decision.target is not None
    assert decision.target[1] == 8443


def test_methods_and_headers_of_a_match_all_count(world):
    match = {"lattice.method": "POST", "lattice.header.x-tenant": "blue", "lattice.header-prefix.user-agent": "curl/"}
    hooked_up(world, {**LABELS, **match})
    good = {"x-tenant": "BLUE", "user-agent": "curl/8.0"}
    assert world.ask("orders", "/orders", method="POST", **good).status == 200
    assert world.ask("orders", "/orders", method="GET", **good).status == 404
    assert world.ask("orders", "/orders", method="POST", **{**good, "x-tenant": "red"}).status == 404
    assert world.ask("orders", "/orders", method="POST", **{**good, "user-agent": "wget"}).status == 404
