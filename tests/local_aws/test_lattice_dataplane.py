"""VPC Lattice of the local AWS: which request reaches whom."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest

from local_aws import inprocess
from local_aws import lattice as local_lattice
from local_aws.lattice import route
from local_aws.lattice.dataplane import Client, UnknownServiceError
from local_aws.lattice.routing import SmoothWeights
from local_aws.network import Request, Response

VPC = "vpc-0123456789abcdef0"
NOT_FOUND: dict[str, Any] = {"fixedResponse": {"statusCode": 404}}


@dataclass
class World:
    """A service with a listener on 80; groups with healthy targets that answer with their group's name."""

    lattice: Any
    machine: inprocess.Machine
    service: str = ""
    listener: str = ""
    seen: list[Request] = field(default_factory=list)
    addresses: int = 0

    def group(self, name: str, targets: int = 1, **config: Any) -> str:
        settings = {"port": 8080, "protocol": "HTTP", "vpcIdentifier": VPC, **config}
        group = self.lattice.create_target_group(name=name, type="IP", config=settings)["id"]
        for number in range(targets):
            self.addresses += 1
            ip = f"10.0.1.{self.addresses}"
            self.answer(ip, f"{name}{number}" if targets > 1 else name)
            self.lattice.register_targets(targetGroupIdentifier=group, targets=[{"id": ip}])
        return group

    def answer(self, ip: str, text: str, status: int = 200) -> None:
        def respond(request: Request) -> Response:
            if "Amazon-VPC-Lattice" not in request.headers.get("user-agent", ""):
                self.seen.append(request)
            return Response(status, {}, text.encode())

        self.machine.network.listen(ip, 8080, respond)

    def rule(self, priority: int, match: dict[str, Any], *groups: str, weights: tuple[int, ...] = ()) -> str:
        return self.lattice.create_rule(
            serviceIdentifier=self.service, listenerIdentifier=self.listener, name=f"rule{priority}",
            priority=priority, match={"httpMatch": match}, action=to(*groups, weights=weights),
        )["id"]  # fmt: skip

    def default(self, action: dict[str, Any]) -> None:
        self.lattice.update_listener(
            serviceIdentifier=self.service, listenerIdentifier=self.listener, defaultAction=action
        )

    def ask(self, path: str = "/", method: str = "GET", client: Client | None = None, **headers: str) -> str:
        """The answering group's name, or the status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = route(self.service, 80, Request(method, path, named), client or Client())
        return answer.body.decode() if answer.status == 200 else str(answer.status)


def to(*groups: str, weights: tuple[int, ...] = ()) -> dict[str, Any]:
    pairs = zip(groups, weights or (1,) * len(groups), strict=True)
    return {
        "forward": {"targetGroups": [{"targetGroupIdentifier": group, "weight": weight} for group, weight in pairs]}
    }


def prefix(text: str, **more: Any) -> dict[str, Any]:
    return {"pathMatch": {"match": {"prefix": text}, **more}}


def exact(text: str, **more: Any) -> dict[str, Any]:
    return {"pathMatch": {"match": {"exact": text}, **more}}


def header(name: str, **match: Any) -> dict[str, Any]:
    sensitive = match.pop("caseSensitive", None)
    return {"name": name, "match": match} | ({} if sensitive is None else {"caseSensitive": sensitive})


@pytest.fixture
def world() -> Iterator[World]:
    with inprocess.started() as machine:
        made = World(boto3.client("vpc-lattice"), machine)
        made.service = made.lattice.create_service(name="orders", customDomainName="orders.example.com")["id"]
        made.listener = made.lattice.create_listener(
            serviceIdentifier=made.service, name="http", protocol="HTTP", defaultAction=NOT_FOUND
        )["id"]
        yield made


def settle(world: World) -> None:
    world.machine.clock.advance(10)


def test_a_service_is_found_by_id_arn_and_both_domain_names(world: World) -> None:
    found = world.lattice.get_service(serviceIdentifier=world.service)
    names = (found["id"], found["arn"], found["dnsEntry"]["domainName"], "orders.example.com", "ORDERS.example.com")

    assert [route(name, 80, Request()).status for name in names] == [404] * 5
    with pytest.raises(UnknownServiceError):
        route("billing.example.com", 80, Request())


def test_https_by_a_custom_domain_needs_a_certificate_and_by_the_generated_one_does_not(world: World) -> None:
    world.lattice.create_listener(
        serviceIdentifier=world.service, name="https", protocol="HTTPS", defaultAction=NOT_FOUND
    )
    generated = world.lattice.get_service(serviceIdentifier=world.service)["dnsEntry"]["domainName"]

    assert route(generated, 443, Request()).status == 404
    with pytest.raises(ConnectionRefusedError, match="no certificate"):
        route("orders.example.com", 443, Request())
    certificate = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b"
    world.lattice.update_service(serviceIdentifier=world.service, certificateArn=certificate)
    assert route("orders.example.com", 443, Request()).status == 404


def test_nobody_answers_on_a_port_without_listener(world: World) -> None:
    with pytest.raises(ConnectionRefusedError, match="no listener on port 81"):
        route(world.service, 81, Request())


def test_the_default_action_answers_what_no_rule_matches(world: World) -> None:
    world.rule(10, prefix("/orders"), world.group("orders"))
    settle(world)

    assert world.ask("/orders/7") == "orders"
    assert world.ask("/") == "404"
    world.default({"fixedResponse": {"statusCode": 500}})
    assert world.ask("/") == "500"
    world.default(to(world.group("rest")))
    settle(world)
    assert world.ask("/") == "rest"


def test_the_rule_with_the_lowest_number_wins(world: World) -> None:
    world.rule(20, prefix("/orders"), world.group("wide"))
    second = world.rule(30, exact("/orders/7"), world.group("narrow"))
    settle(world)
    assert world.ask("/orders/7") == "wide"

    world.lattice.update_rule(
        serviceIdentifier=world.service, listenerIdentifier=world.listener, ruleIdentifier=second, priority=10
    )
    assert world.ask("/orders/7") == "narrow"


@pytest.mark.parametrize(
    ("match", "path", "matches"),
    [
        (exact("/a"), "/a", True),
        (exact("/a"), "/a/", False),
        (exact("/a"), "/A", False),
        (exact("/a", caseSensitive=False), "/A", True),
        (exact("/a"), "/a?x=1", True),
        (prefix("/a"), "/a/b", True),
        (prefix("/a"), "/ab", True),
        (prefix("/a/"), "/a", False),
        (prefix("/a"), "/A/b", False),
        (prefix("/a", caseSensitive=False), "/A/b", True),
    ],
)
def test_paths_match_exactly_or_by_prefix_and_case_counts(
    world: World, match: dict[str, Any], path: str, matches: bool
) -> None:
    world.rule(10, match, world.group("hit"))
    settle(world)

    assert world.ask(path) == ("hit" if matches else "404")


@pytest.mark.parametrize(
    ("match", "value", "matches"),
    [
        (header("X-Tenant", exact="Blue"), "blue", True),
        (header("x-tenant", exact="blue"), "blue2", False),
        (header("x-tenant", exact="blue", caseSensitive=True), "Blue", False),
        (header("x-tenant", prefix="bl"), "BLUE", True),
        (header("x-tenant", prefix="lu"), "blue", False),
        (header("x-tenant", contains="lu"), "blue", True),
        (header("x-tenant", contains="LU", caseSensitive=True), "blue", False),
    ],
)
def test_headers_match_exactly_by_prefix_or_by_part_and_case_does_not_count(
    world: World, match: dict[str, Any], value: str, matches: bool
) -> None:
    world.rule(10, {"headerMatches": [match]}, world.group("hit"))
    settle(world)

    assert world.ask(x_tenant=value) == ("hit" if matches else "404")
    assert world.ask() == "404"


def test_methods_match_by_case(world: World) -> None:
    world.rule(10, {"method": "PUT"}, world.group("hit"))
    settle(world)

    assert [world.ask(method=method) for method in ("PUT", "put", "GET")] == ["hit", "404", "404"]


def test_all_parts_of_a_match_must_hold(world: World) -> None:
    both = [header("x-one", exact="1"), header("x-two", exact="2")]
    world.rule(10, {"method": "GET", "headerMatches": both, **prefix("/a")}, world.group("hit"))
    settle(world)

    assert world.ask("/a", x_one="1", x_two="2") == "hit"
    assert world.ask("/b", x_one="1", x_two="2") == "404"
    assert world.ask("/a", x_one="1") == "404"
    assert world.ask("/a", "POST", x_one="1", x_two="2") == "404"


def test_requests_are_shared_by_weight(world: World) -> None:
    world.rule(10, prefix("/"), world.group("old"), world.group("new"), weights=(90, 10))
    settle(world)

    assert Counter(world.ask() for _ in range(200)) == {"old": 180, "new": 20}


def test_a_weight_of_zero_gets_nothing_and_all_zero_gives_503(world: World) -> None:
    old, new = world.group("old"), world.group("new")
    rule = world.rule(10, prefix("/"), old, new, weights=(1, 0))
    settle(world)
    assert {world.ask() for _ in range(20)} == {"old"}

    world.lattice.update_rule(
        serviceIdentifier=world.service, listenerIdentifier=world.listener, ruleIdentifier=rule,
        action=to(old, new, weights=(0, 0)),
    )  # fmt: skip
    assert world.ask() == "503"


def test_weights_are_spread_smoothly_and_always_in_the_same_order() -> None:
    def order() -> str:
        weights = SmoothWeights()
        return "".join(weights.next("rule", (("a", 5), ("b", 1), ("c", 1))) or "-" for _ in range(7))

    assert order() == order() == "aabacaa"


def test_the_targets_of_a_group_take_turns(world: World) -> None:
    world.rule(10, prefix("/"), world.group("web", targets=3))
    settle(world)

    assert Counter(world.ask() for _ in range(9)) == {"web0": 3, "web1": 3, "web2": 3}


def test_a_group_without_targets_gives_503_and_no_other_group_of_the_rule_helps_out(world: World) -> None:
    world.rule(10, prefix("/"), world.group("web"), world.group("empty", targets=0), weights=(1, 1))
    settle(world)

    assert Counter(world.ask() for _ in range(10)) == {"web": 5, "503": 5}


def test_unhealthy_targets_get_nothing_while_another_is_healthy(world: World) -> None:
    world.rule(10, prefix("/"), world.group("web", targets=2, healthCheck={"healthCheckIntervalSeconds": 10}))
    settle(world)
    world.answer("10.0.1.1", "broken", 500)
    world.machine.clock.advance(20)

    assert {world.ask() for _ in range(10)} == {"web1"}


def test_when_all_targets_are_unhealthy_all_get_requests(world: World) -> None:
    world.rule(10, prefix("/"), world.group("web", targets=2, healthCheck={"healthCheckIntervalSeconds": 10}))
    world.answer("10.0.1.1", "", 500)
    world.answer("10.0.1.2", "", 501)
    world.machine.clock.advance(30)

    assert Counter(world.ask() for _ in range(10)) == {"500": 5, "501": 5}


def test_a_target_whose_checks_have_not_decided_gets_nothing(world: World) -> None:
    world.rule(10, prefix("/"), world.group("web"))

    assert world.ask() == "503"
    settle(world)
    assert world.ask() == "web"


def test_targets_without_health_checks_get_requests_at_once(world: World) -> None:
    world.rule(10, prefix("/"), world.group("web", healthCheck={"enabled": False}))

    assert world.ask() == "web"


def test_a_draining_target_gets_no_new_requests(world: World) -> None:
    group = world.group("web", targets=2)
    world.rule(10, prefix("/"), group)
    settle(world)
    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": "10.0.1.1"}])

    assert {world.ask() for _ in range(6)} == {"web1"}
    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": "10.0.1.2"}])
    assert world.ask() == "503"


def test_a_target_that_has_stopped_listening_gives_503(world: World) -> None:
    world.rule(10, prefix("/"), world.group("web"))
    settle(world)
    world.machine.network.close("10.0.1.1", 8080)

    assert world.ask() == "503"


def test_a_target_that_answers_too_late_gives_504(world: World) -> None:
    world.rule(10, prefix("/"), world.group("web"))
    settle(world)

    def late(request: Request) -> Response:
        raise TimeoutError

    world.machine.network.listen("10.0.1.1", 8080, late)
    assert world.ask() == "504"


def test_the_whole_path_reaches_the_target_with_lattices_headers_and_no_made_up_ones(world: World) -> None:
    world.rule(10, prefix("/a"), world.group("web"))
    settle(world)
    client = Client("10.0.9.9", VPC, principal="arn:aws:iam::123456789012:role/shop")
    local_lattice.backend().timing = replace(local_lattice.backend().timing, associate=0)
    network = world.lattice.create_service_network(name="platform")["id"]
    world.lattice.create_service_network_service_association(
        serviceNetworkIdentifier=network, serviceIdentifier=world.service
    )
    world.lattice.create_service_network_vpc_association(serviceNetworkIdentifier=network, vpcIdentifier=VPC)

    world.ask("/a/b?c=d", client=client, x_forwarded_for="6.6.6.6", x_amzn_lattice_identity="root", x_own="kept")
    request = world.seen[-1]
    assert request.path == "/a/b?c=d"
    assert request.headers["x-own"] == "kept"
    assert request.headers["x-forwarded-for"] == "10.0.9.9"
    assert (request.headers["x-forwarded-port"], request.headers["x-forwarded-proto"]) == ("80", "http")
    assert request.headers["x-amzn-lattice-identity"] == "Principal=arn:aws:iam::123456789012:role/shop"
    assert VPC in request.headers["x-amzn-lattice-network"]
    assert world.service in request.headers["x-amzn-lattice-target"]


def test_a_client_reaches_a_service_only_through_a_network_that_both_are_in(world: World) -> None:
    client = Client(vpc_id=VPC)
    with pytest.raises(ConnectionRefusedError):
        world.ask(client=client)

    network = world.lattice.create_service_network(name="platform")["id"]
    world.lattice.create_service_network_service_association(
        serviceNetworkIdentifier=network, serviceIdentifier=world.service
    )
    world.lattice.create_service_network_vpc_association(serviceNetworkIdentifier=network, vpcIdentifier=VPC)
    with pytest.raises(ConnectionRefusedError):
        world.ask(client=client)
    settle(world)
    assert world.ask(client=client) == "404"


def test_under_aws_iam_only_those_get_in_whom_a_policy_lets_in(world: World) -> None:
    world.lattice.update_service(serviceIdentifier=world.service, authType="AWS_IAM")
    shop = Client(principal="arn:aws:iam::123456789012:role/shop")
    allow = '{"Statement":[{"Effect":"Allow","Principal":%s,"Action":"*","Resource":"*"}]}'

    def asked(policy: str | None) -> list[str]:
        if policy:
            world.lattice.put_auth_policy(resourceIdentifier=world.service, policy=policy)
        return [world.ask(), world.ask(client=shop)]

    assert asked(None) == ["403", "403"]
    assert asked(allow % '{"AWS":"arn:aws:iam::123456789012:role/shop"}') == ["403", "404"]
    assert asked(allow % '{"AWS":["arn:aws:iam::123456789012:role/other"]}') == ["403", "403"]
    assert asked(allow % '"*"') == ["404", "404"]
    denied = '{"Statement":[{"Effect":"Deny","Principal":"*"},{"Effect":"Allow","Principal":"*"}]}'
    assert asked(denied) == ["403", "403"]


def test_a_policy_for_all_of_one_account_lets_no_unsigned_request_and_no_other_account_in(world: World) -> None:
    world.lattice.update_service(serviceIdentifier=world.service, authType="AWS_IAM")
    policy = (
        '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"vpc-lattice-svcs:Invoke","Resource":"*",'
        '"Condition":{"StringEquals":{"aws:PrincipalAccount":"123456789012"},'
        '"StringNotEqualsIgnoreCase":{"aws:PrincipalType":"anonymous"}}}]}'
    )
    world.lattice.put_auth_policy(resourceIdentifier=world.service, policy=policy)

    assert world.ask() == "403"
    assert world.ask(client=Client(principal="arn:aws:iam::210987654321:role/shop")) == "403"
    assert world.ask(client=Client(principal="arn:aws:iam::123456789012:role/shop")) == "404"


def test_the_policy_of_the_service_network_on_the_way_counts_too(world: World) -> None:
    shop = Client(vpc_id=VPC, principal="arn:aws:iam::123456789012:role/shop")
    network = world.lattice.create_service_network(name="platform", authType="AWS_IAM")["id"]
    world.lattice.create_service_network_service_association(
        serviceNetworkIdentifier=network, serviceIdentifier=world.service
    )
    world.lattice.create_service_network_vpc_association(serviceNetworkIdentifier=network, vpcIdentifier=VPC)
    settle(world)

    assert world.ask(client=shop) == "403"
    allow = '{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"}}}'
    world.lattice.put_auth_policy(resourceIdentifier=network, policy=allow)
    assert world.ask(client=shop) == "404"


@pytest.mark.parametrize(
    ("asked", "spoken", "method", "answer"),
    [
        ("HTTP1", "HTTP1", "GET", "web"),
        ("HTTP2", "HTTP1", "GET", "web"),
        ("HTTP1", "HTTP2", "GET", "502"),
        ("GRPC", "HTTP1", "POST", "502"),
        ("HTTP2", "GRPC", "GET", "502"),
        ("HTTP2", "GRPC", "POST", "web"),
        ("GRPC", "GRPC", "POST", "web"),
    ],
)
def test_request_and_target_versions_must_fit(world: World, asked: str, spoken: str, method: str, answer: str) -> None:
    group = world.group("web", protocolVersion=spoken, healthCheck={"enabled": False})
    world.lattice.create_listener(
        serviceIdentifier=world.service, name="https", protocol="HTTPS", defaultAction=to(group)
    )

    found = route(world.service, 443, Request(method), Client(version=asked))
    assert (found.body.decode() if found.status == 200 else str(found.status)) == answer


def test_the_data_plane_follows_the_configuration_after_the_time_it_takes_to_spread(world: World) -> None:
    old, new = world.group("old"), world.group("new")
    rule = world.rule(10, prefix("/"), old)
    world.rule(20, prefix("/other"), new)
    settle(world)
    backend = local_lattice.backend()
    backend.timing = replace(backend.timing, propagation=90)
    assert world.ask() == "old"

    world.lattice.update_rule(
        serviceIdentifier=world.service, listenerIdentifier=world.listener, ruleIdentifier=rule, action=to(new)
    )
    world.machine.clock.advance(89)
    assert world.ask() == "old"
    world.machine.clock.advance(1)
    assert world.ask() == "new"


def test_a_target_that_goes_still_gets_requests_until_that_has_spread(world: World) -> None:
    group = world.group("web", targets=2)
    world.rule(10, prefix("/"), group)
    settle(world)
    backend = local_lattice.backend()
    backend.timing = replace(backend.timing, propagation=90)

    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": "10.0.1.1"}])
    assert {world.ask() for _ in range(4)} == {"web0", "web1"}
    world.machine.clock.advance(89)
    assert {world.ask() for _ in range(4)} == {"web0", "web1"}
    world.machine.clock.advance(1)
    assert {world.ask() for _ in range(4)} == {"web1"}


def test_deciding_sends_nothing(world: World) -> None:
    rule = world.rule(10, prefix("/a"), world.group("web"))
    settle(world)

    decision = local_lattice.backend().data_plane.decide(world.service, 80, Request(path="/a"))
    assert (decision.rule_id, decision.target, decision.status) == (rule, ("10.0.1.1", 8080), None)
    assert world.seen == []
