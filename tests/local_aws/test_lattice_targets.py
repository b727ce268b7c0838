"""VPC Lattice of the local AWS: target groups, targets, health checks and draining."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import inprocess
from local_aws import lattice as local_lattice
from local_aws.network import Request, Response

VPC = "vpc-0123456789abcdef0"
IP = "10.0.1.5"


@dataclass
class World:
    lattice: Any
    machine: inprocess.Machine

    def group(self, name: str = "orders", kind: str = "IP", **config: Any) -> str:
        settings = {"port": 8080, "protocol": "HTTP", "vpcIdentifier": VPC, **config}
        group = self.lattice.create_target_group(name=name, type=kind, config=settings)["id"]
        self.machine.clock.advance(2)
        return group

    def use(self, *groups: str, name: str = "orders", protocol: str = "HTTP", weight: int = 1) -> tuple[str, str]:
        """A service whose default action names the groups."""
        service = self.lattice.create_service(name=name)["id"]
        targets = [{"targetGroupIdentifier": group, "weight": weight} for group in groups]
        action = {"forward": {"targetGroups": targets}}
        listener = self.lattice.create_listener(
            serviceIdentifier=service, name="web", protocol=protocol, defaultAction=action
        )["id"]
        return service, listener

    def register(self, group: str, *ips: str, **more: Any) -> dict[str, Any]:
        return self.lattice.register_targets(targetGroupIdentifier=group, targets=[{"id": ip, **more} for ip in ips])

    def statuses(self, group: str) -> dict[str, str]:
        return {each["id"]: each["status"] for each in self.lattice.list_targets(targetGroupIdentifier=group)["items"]}

    def answers(self, status: int, ip: str = IP, port: int = 8080) -> list[Request]:
        """Let somebody answer at an address; the requests that came."""
        seen: list[Request] = []

        def respond(request: Request) -> Response:
            seen.append(request)
            return Response(status)

        self.machine.network.listen(ip, port, respond)
        return seen


@pytest.fixture
def world() -> Iterator[World]:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    with inprocess.started() as machine:
        yield World(boto3.client("vpc-lattice", config=config), machine)


def refused(call: Any, *args: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(*args, **parameters)
    return error.value.response


def code(call: Any, *args: Any, **parameters: Any) -> str:
    return refused(call, *args, **parameters)["Error"]["Code"]


# ---- target groups


def test_a_target_group_is_created_in_time_and_shows_its_defaults(world: World) -> None:
    made = world.lattice.create_target_group(
        name="orders", type="IP", config={"protocol": "HTTPS", "vpcIdentifier": VPC}
    )
    assert made["status"] == "CREATE_IN_PROGRESS"
    world.machine.clock.advance(2)

    found = world.lattice.get_target_group(targetGroupIdentifier=made["id"])
    assert found["status"] == "ACTIVE"
    config = found["config"]
    assert (config["port"], config["protocolVersion"], config["ipAddressType"]) == (443, "HTTP1", "IPV4")
    assert config["healthCheck"] == {
        "enabled": True,
        "protocol": "HTTPS",
        "path": "/",
        "healthCheckIntervalSeconds": 30,
        "healthCheckTimeoutSeconds": 5,
        "healthyThresholdCount": 5,
        "unhealthyThresholdCount": 2,
        "matcher": {"httpCode": "200"},
    }


@pytest.mark.parametrize(
    ("config", "enabled"),
    [
        ({}, True),
        ({"protocolVersion": "HTTP2"}, False),
        ({"protocolVersion": "GRPC"}, False),
        ({"protocol": "TCP"}, False),
        ({"protocol": "TCP", "healthCheck": {"enabled": True}}, True),
    ],
)
def test_health_checks_are_on_for_http1_groups_only_unless_asked_for(
    world: World, config: dict[str, Any], enabled: bool
) -> None:
    group = world.group(**config)

    found = world.lattice.get_target_group(targetGroupIdentifier=group)["config"]
    assert found["healthCheck"]["enabled"] is enabled


@pytest.mark.parametrize(
    "config",
    [
        {"protocol": "HTTP"},
        {"vpcIdentifier": VPC},
        {"protocol": "TCP", "port": 80, "protocolVersion": "HTTP1", "vpcIdentifier": VPC},
        {"protocol": "TCP", "vpcIdentifier": VPC},
        {"protocol": "HTTP", "vpcIdentifier": VPC, "lambdaEventStructureVersion": "V1"},
        {"protocol": "HTTP", "vpcIdentifier": VPC, "healthCheck": {"healthCheckIntervalSeconds": 4}},
        {"protocol": "HTTP", "vpcIdentifier": VPC, "healthCheck": {"healthyThresholdCount": 1}},
        {"protocol": "HTTP", "vpcIdentifier": VPC, "healthCheck": {"healthCheckTimeoutSeconds": 121}},
        {"protocol": "HTTP", "vpcIdentifier": VPC, "healthCheck": {"matcher": {"httpCode": "200-500"}}},
        {"protocol": "HTTP", "vpcIdentifier": VPC, "healthCheck": {"matcher": {"httpCode": "300-200"}}},
        {"protocol": "HTTP", "vpcIdentifier": VPC, "healthCheck": {"protocol": "TCP"}},
        {"protocol": "HTTP", "vpcIdentifier": VPC, "healthCheck": {"path": "healthz"}},
    ],
)
def test_a_configuration_that_does_not_go_together_is_refused(world: World, config: dict[str, Any]) -> None:
    assert code(world.lattice.create_target_group, name="orders", type="IP", config=config) == "ValidationException"


def test_a_function_has_neither_port_nor_vpc_nor_health_check(world: World) -> None:
    create = world.lattice.create_target_group

    assert code(create, name="fun", type="LAMBDA", config={"port": 80}) == "ValidationException"
    assert create(name="fun", type="LAMBDA")["config"] == {"lambdaEventStructureVersion": "V1"}


def test_only_the_health_check_of_a_target_group_can_change_and_zero_means_the_default(world: World) -> None:
    group = world.group(healthCheck={"path": "/healthz", "healthCheckIntervalSeconds": 10})

    check = {"path": "/livez", "healthCheckIntervalSeconds": 0, "matcher": {"httpCode": "200,202-204"}}
    world.lattice.update_target_group(targetGroupIdentifier=group, healthCheck=check)
    found = world.lattice.get_target_group(targetGroupIdentifier=group)["config"]["healthCheck"]
    assert (found["path"], found["healthCheckIntervalSeconds"]) == ("/livez", 30)
    assert found["matcher"] == {"httpCode": "200,202-204"}


def test_target_groups_are_listed_by_vpc_and_type_without_their_health_check(world: World) -> None:
    world.group("here")
    world.group("there", vpcIdentifier="vpc-0fedcba9876543210")
    world.lattice.create_target_group(name="fun", type="LAMBDA")

    def names(**filters: Any) -> list[str]:
        return [each["name"] for each in world.lattice.list_target_groups(**filters)["items"]]

    assert names() == ["here", "there", "fun"]
    assert names(vpcIdentifier=VPC) == ["here"]
    assert names(targetGroupType="LAMBDA") == ["fun"]
    assert all("config" not in each for each in world.lattice.list_target_groups()["items"])


def test_there_are_500_target_groups_at_most(world: World) -> None:
    backend = local_lattice.backend()
    assert backend.quotas.target_groups == 500
    backend.quotas = replace(backend.quotas, target_groups=1)
    world.group("one")

    assert refused(world.group, "two")["quotaCode"] == "L-BB11C6B9"


def test_a_target_group_cannot_go_while_it_is_made_used_or_holds_targets(world: World) -> None:
    delete = world.lattice.delete_target_group
    fresh = world.lattice.create_target_group(
        name="fresh", type="IP", config={"protocol": "HTTP", "vpcIdentifier": VPC}
    )["id"]
    assert code(delete, targetGroupIdentifier=fresh) == "ConflictException"

    used = world.group("used")
    service, listener = world.use(used)
    assert code(delete, targetGroupIdentifier=used) == "ConflictException"
    world.lattice.delete_listener(serviceIdentifier=service, listenerIdentifier=listener)

    world.register(used, IP)
    assert code(delete, targetGroupIdentifier=used) == "ConflictException"
    world.lattice.deregister_targets(targetGroupIdentifier=used, targets=[{"id": IP}])
    assert code(delete, targetGroupIdentifier=used) == "ConflictException"
    world.machine.clock.advance(60)

    assert delete(targetGroupIdentifier=used)["status"] == "DELETE_IN_PROGRESS"
    assert code(world.register, used, IP) == "ConflictException"
    world.machine.clock.advance(2)
    assert code(delete, targetGroupIdentifier=used) == "ResourceNotFoundException"


# ---- registering


def test_a_target_takes_the_port_of_its_group_unless_it_has_its_own(world: World) -> None:
    group = world.group()
    world.register(group, IP)
    world.register(group, IP, port=9090)

    listed = world.lattice.list_targets(targetGroupIdentifier=group)["items"]
    assert [(each["id"], each["port"]) for each in listed] == [(IP, 8080), (IP, 9090)]


def test_bad_targets_are_reported_one_by_one_and_the_good_ones_registered(world: World) -> None:
    group = world.group()
    answer = world.register(group, IP, "8.8.8.8", "fd00::1", "i-0123456789abcdef0", "10.0.0")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert [each["id"] for each in answer["successful"]] == [IP]
    failed = [each["id"] for each in answer["unsuccessful"]]
    assert failed == ["8.8.8.8", "fd00::1", "i-0123456789abcdef0", "10.0.0"]
    assert all(each["failureCode"] and each["failureMessage"] for each in answer["unsuccessful"])
    assert list(world.statuses(group)) == [IP]


def test_a_target_must_be_in_a_subnet_of_the_groups_vpc_where_ec2_knows_it(world: World) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")
    group = world.group(vpcIdentifier=vpc)

    answer = world.register(group, "10.7.1.9", "10.7.2.9")
    assert [each["id"] for each in answer["successful"]] == ["10.7.1.9"]
    assert [each["id"] for each in answer["unsuccessful"]] == ["10.7.2.9"]
    assert code(world.group, "lost", vpcIdentifier=VPC) == "ValidationException"


def test_an_ipv6_group_takes_ipv6_targets(world: World) -> None:
    group = world.group(ipAddressType="IPV6")

    assert world.register(group, "2001:db8::5")["unsuccessful"] == []
    assert world.register(group, IP)["successful"] == []


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, True), (100, True), (101, False)])
def test_one_to_a_hundred_targets_are_registered_at_a_time(world: World, count: int, fits: bool) -> None:
    group = world.group()
    ips = [f"10.0.1.{n}" for n in range(count)]

    if fits:
        assert len(world.register(group, *ips)["successful"]) == count
    else:
        assert code(world.register, group, *ips) == "ValidationException"


def test_a_group_holds_a_thousand_targets_at_most(world: World) -> None:
    backend = local_lattice.backend()
    assert backend.quotas.targets_per_target_group == 1000
    backend.quotas = replace(backend.quotas, targets_per_target_group=2)
    group = world.group()
    world.register(group, "10.0.1.1", "10.0.1.2")

    assert refused(world.register, group, "10.0.1.3")["quotaCode"] == "L-D71303F3"
    assert world.register(group, "10.0.1.1")["unsuccessful"] == []


def test_registering_a_target_again_leaves_it_as_it_is(world: World) -> None:
    group = world.group()
    world.use(group)
    world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(5)

    world.register(group, IP)
    assert world.statuses(group) == {IP: "HEALTHY"}


def test_list_targets_filters_by_id_and_port_and_twenty_at_a_time(world: World) -> None:
    group = world.group()
    world.register(group, "10.0.1.1", "10.0.1.2")
    world.register(group, "10.0.1.1", port=9090)

    def listed(*targets: dict[str, Any]) -> list[tuple[str, int]]:
        items = world.lattice.list_targets(targetGroupIdentifier=group, targets=list(targets))["items"]
        return [(each["id"], each["port"]) for each in items]

    assert listed({"id": "10.0.1.1"}) == [("10.0.1.1", 8080), ("10.0.1.1", 9090)]
    assert listed({"id": "10.0.1.1", "port": 9090}) == [("10.0.1.1", 9090)]
    many = [{"id": IP}] * 21
    assert code(world.lattice.list_targets, targetGroupIdentifier=group, targets=many) == "ValidationException"


# ---- health


def test_a_target_is_unused_and_not_checked_until_a_rule_names_its_group(world: World) -> None:
    group = world.group()
    checks = world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(300)

    items = world.lattice.list_targets(targetGroupIdentifier=group)["items"]
    assert [(each["status"], each["reasonCode"]) for each in items] == [("UNUSED", "TargetGroupNotInUse")]
    assert checks == []
    world.use(group)
    assert world.statuses(group) == {IP: "INITIAL"}
    world.machine.clock.advance(5)
    assert world.statuses(group) == {IP: "HEALTHY"}


def test_a_group_at_weight_zero_is_checked(world: World) -> None:
    group, other = world.group("zero"), world.group("other")
    world.use(group, other, weight=0)
    world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(5)

    assert world.statuses(group) == {IP: "HEALTHY"}


def test_a_target_goes_back_to_unused_when_no_rule_names_its_group_any_more(world: World) -> None:
    group = world.group()
    service, listener = world.use(group)
    checks = world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(5)

    gone = {"fixedResponse": {"statusCode": 404}}
    world.lattice.update_listener(serviceIdentifier=service, listenerIdentifier=listener, defaultAction=gone)
    before = len(checks)
    world.machine.clock.advance(300)
    assert world.statuses(group) == {IP: "UNUSED"}
    assert len(checks) == before


def test_one_good_check_makes_a_new_target_healthy(world: World) -> None:
    group = world.group(healthCheck={"path": "/healthz?deep=1", "healthyThresholdCount": 5})
    world.use(group)
    checks = world.answers(200)
    world.register(group, IP)

    world.machine.clock.advance(5)
    assert world.statuses(group) == {IP: "HEALTHY"}
    assert [(each.method, each.path) for each in checks] == [("GET", "/healthz?deep=1")]


def test_a_target_is_checked_at_its_interval(world: World) -> None:
    group = world.group(healthCheck={"healthCheckIntervalSeconds": 10})
    world.use(group)
    checks = world.answers(200)
    world.register(group, IP)

    world.machine.clock.advance(5 + 10 * 6)
    assert len(checks) == 7


def test_failures_up_to_the_threshold_make_a_target_unhealthy_and_successes_bring_it_back(world: World) -> None:
    check = {"healthCheckIntervalSeconds": 10, "unhealthyThresholdCount": 3, "healthyThresholdCount": 2}
    group = world.group(healthCheck=check)
    world.use(group)
    world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(5)

    world.answers(500)
    world.machine.clock.advance(20)
    assert world.statuses(group) == {IP: "HEALTHY"}
    world.machine.clock.advance(10)
    assert world.statuses(group) == {IP: "UNHEALTHY"}
    world.answers(200)
    world.machine.clock.advance(10)
    assert world.statuses(group) == {IP: "UNHEALTHY"}
    world.machine.clock.advance(10)
    assert world.statuses(group) == {IP: "HEALTHY"}


def test_failures_must_be_consecutive(world: World) -> None:
    group = world.group(healthCheck={"healthCheckIntervalSeconds": 10, "unhealthyThresholdCount": 2})
    world.use(group)
    world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(5)

    for status in (500, 200, 500, 200):
        world.answers(status)
        world.machine.clock.advance(10)
    assert world.statuses(group) == {IP: "HEALTHY"}


def test_a_target_that_nobody_answers_for_becomes_unhealthy(world: World) -> None:
    group = world.group()
    world.use(group)
    world.register(group, IP)

    world.machine.clock.advance(5)
    assert world.statuses(group) == {IP: "INITIAL"}
    world.machine.clock.advance(30)
    assert world.statuses(group) == {IP: "UNHEALTHY"}


@pytest.mark.parametrize(
    ("codes", "answer", "status"),
    [
        ("200", 204, "UNHEALTHY"),
        ("200-299", 204, "HEALTHY"),
        ("200,301-302,404", 302, "HEALTHY"),
        ("200,301-302,404", 404, "HEALTHY"),
        ("200,301-302,404", 403, "UNHEALTHY"),
    ],
)
def test_the_matcher_decides_which_status_is_good(world: World, codes: str, answer: int, status: str) -> None:
    group = world.group(healthCheck={"matcher": {"httpCode": codes}})
    world.use(group)
    world.answers(answer)
    world.register(group, IP)

    world.machine.clock.advance(35)
    assert world.statuses(group) == {IP: status}


def test_the_health_check_port_overrides_the_targets(world: World) -> None:
    group = world.group(healthCheck={"port": 9000})
    world.use(group)
    world.answers(200, port=9000)
    world.register(group, IP)

    world.machine.clock.advance(5)
    assert world.statuses(group) == {IP: "HEALTHY"}


def test_a_security_group_that_lets_no_check_through_makes_the_target_unhealthy(world: World) -> None:
    asked: list[tuple[str, int]] = []

    def closed(ip: str, port: int) -> bool:
        asked.append((ip, port))
        return False

    local_lattice.backend().health_check_allowed = closed
    group = world.group()
    world.use(group)
    checks = world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(35)

    assert world.statuses(group) == {IP: "UNHEALTHY"}
    assert (checks, set(asked)) == ([], {(IP, 8080)})


def test_a_group_without_health_checks_shows_unavailable(world: World) -> None:
    group = world.group(healthCheck={"enabled": False})
    world.use(group)
    checks = world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(100)

    assert world.statuses(group) == {IP: "UNAVAILABLE"}
    assert checks == []


def test_turning_checks_on_and_off_changes_the_targets(world: World) -> None:
    group = world.group(healthCheck={"enabled": False})
    world.use(group)
    world.answers(200)
    world.register(group, IP)

    world.lattice.update_target_group(targetGroupIdentifier=group, healthCheck={"enabled": True})
    assert world.statuses(group) == {IP: "INITIAL"}
    world.machine.clock.advance(5)
    assert world.statuses(group) == {IP: "HEALTHY"}
    world.lattice.update_target_group(targetGroupIdentifier=group, healthCheck={"enabled": False})
    assert world.statuses(group) == {IP: "UNAVAILABLE"}


# ---- draining


def test_a_deregistered_target_drains_for_a_minute_and_is_gone_then(world: World) -> None:
    group = world.group()
    world.use(group)
    checks = world.answers(200)
    world.register(group, IP)
    world.machine.clock.advance(5)

    answer = world.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": IP}, {"id": "10.0.1.9"}])
    assert [each["id"] for each in answer["successful"]] == [IP]
    assert [each["id"] for each in answer["unsuccessful"]] == ["10.0.1.9"]
    before = len(checks)
    world.machine.clock.advance(59)
    assert world.statuses(group) == {IP: "DRAINING"}
    world.machine.clock.advance(1)
    assert world.statuses(group) == {}
    assert len(checks) == before


def test_deregistering_again_does_not_prolong_draining(world: World) -> None:
    group = world.group()
    world.use(group)
    world.register(group, IP)
    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": IP}])
    world.machine.clock.advance(40)

    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": IP}])
    world.machine.clock.advance(20)
    assert world.statuses(group) == {}


def test_a_draining_target_that_is_registered_again_starts_anew_and_stays(world: World) -> None:
    group = world.group()
    world.use(group)
    world.answers(200)
    world.register(group, IP)
    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": IP}])

    world.register(group, IP)
    assert world.statuses(group) == {IP: "INITIAL"}
    world.machine.clock.advance(120)
    assert world.statuses(group) == {IP: "HEALTHY"}


def test_a_draining_target_of_a_group_that_nobody_uses_shows_unused_and_still_goes(world: World) -> None:
    group = world.group()
    world.register(group, IP)
    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=[{"id": IP}])

    assert world.statuses(group) == {IP: "UNUSED"}
    world.machine.clock.advance(60)
    assert world.statuses(group) == {}


# ---- what ECS calls


def test_the_plain_methods_do_what_the_api_does(world: World) -> None:
    backend = local_lattice.backend()
    group = world.group()

    assert backend.register_targets(group, [{"id": IP, "port": 9090}])["unsuccessful"] == []
    expected = {"id": IP, "port": 9090, "status": "UNUSED", "reasonCode": "TargetGroupNotInUse"}
    assert backend.list_targets(group) == [expected]
    assert backend.deregister_targets(group, [{"id": IP, "port": 9090}])["unsuccessful"] == []
    assert [call.caller for call in backend.calls[-2:]] == ["ecs.amazonaws.com"] * 2
    with pytest.raises(Exception, match="not found") as error:
        backend.register_targets("tg-00000000000000000", [{"id": IP}])
    assert error.value.code == "ResourceNotFoundException"  # type: ignore[attr-defined]
