"""The adapters to ECS and to Lattice targets, over boto3 and the local AWS."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ecs_lattice.aws import ecs_shapes
from ecs_lattice.ecs_side.lattice_targets import Target
from ecs_lattice.errors import InvalidError, NotFoundError, ThrottledError, UnavailableError
from ecs_lattice.facts import LatticeEntry
from ecs_lattice.model import ServiceId
from local_aws import ecs, lattice
from tests.ecs_side import bench as benches
from tests.ecs_side.bench import LABELS, ROLE, SERVICE


@pytest.fixture
def bench():
    with benches.bench() as started:
        yield started


def others(count):
    return [ServiceId(f"{SERVICE.arn}-{number}") for number in range(count)]


def test_services_are_read_with_their_tags_by_tens_and_unknown_ones_are_left_out(bench):
    bench.create(tags=[{"key": "lattice.service", "value": "orders"}])
    before = len(ecs.backend().calls)
    found = bench.side.ecs.services([*others(24), SERVICE])
    calls = [call for call in ecs.backend().calls[before:] if call.operation == "DescribeServices"]
    assert [len(call.parameters["services"]) for call in calls] == [10, 10, 5]
    assert [one.id for one in found] == [SERVICE]
    assert found[0].tags == (("lattice.service", "orders"),)
    assert bench.side.ecs.service(others(1)[0]) is None


def test_a_failure_that_is_not_missing_is_raised(bench):
    class Client:
        def describe_services(self, **_):
            return {"services": [], "failures": [{"arn": SERVICE.arn, "reason": "ACCESS_DENIED"}]}

    bench.side.ecs._client = Client()
    with pytest.raises(UnavailableError, match="ACCESS_DENIED"):
        bench.side.ecs.service(SERVICE)


def test_a_service_is_read_as_ecs_says_it_is(bench):
    bench.create(
        healthCheckGracePeriodSeconds=33, deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 150}
    )
    bench.completed()
    service = bench.side.ecs.service(SERVICE)
    assert (service.status, service.controller, service.strategy) == ("ACTIVE", "ECS", "ROLLING")
    assert (service.desired, service.running, service.grace_period) == (2, 2, 33)
    assert (service.minimum_healthy_percent, service.maximum_percent) == (50, 150)
    assert sorted(service.subnets) == bench.subnets
    assert service.launch_type == "FARGATE"
    assert not service.is_deleted
    assert service.primary.rollout == "COMPLETED"
    assert service.primary.security_groups == (bench.open_group,)


def test_services_and_clusters_are_listed_to_the_last_page(bench):
    task_definition = bench.define()
    for number in range(23):
        bench.create(task_definition, desired=0, serviceName=f"orders-{number}")
    assert len(list(bench.side.ecs.service_ids("shop"))) == 23
    assert [arn.rpartition("/")[2] for arn in bench.side.ecs.clusters()] == ["shop"]


def test_a_task_definition_is_read_once_with_its_named_ports_and_labels(bench):
    arn = bench.define(LABELS, {"web": 8080, "admin": 9090})
    before = len(ecs.backend().calls)
    read = bench.side.ecs.task_definition(arn)
    assert bench.side.ecs.task_definition(arn) is read
    assert [call.operation for call in ecs.backend().calls[before:]] == ["DescribeTaskDefinition"]
    assert {(port.name, port.container_port) for port in read.ports} == {("web", 8080), ("admin", 9090)}
    assert ("app", "lattice.service", "orders") in read.labels
    assert (read.network_mode, read.name) == ("awsvpc", "orders:1")


def test_the_newest_successful_revision_is_found(bench):
    bench.create()
    assert bench.side.ecs.newest_successful_revision(SERVICE) is None
    bench.completed()
    group = bench.group()
    entry = LatticeEntry(ROLE, group, "web")
    bench.side.ecs.attach(SERVICE, [entry], None)
    bench.completed()
    bench.deploy(bench.define())
    revision = bench.side.ecs.newest_successful_revision(SERVICE)
    assert revision.task_definition.endswith("orders:1")
    assert revision.entries == (entry,)


def test_the_revisions_of_ongoing_service_deployments_are_found(bench):
    bench.create()
    (ongoing,) = bench.side.ecs.ongoing_revisions(SERVICE)
    assert bench.side.ecs.revisions([ongoing])[0].task_definition.endswith("orders:1")
    bench.completed()
    assert bench.side.ecs.ongoing_revisions(SERVICE) == ()


UPDATES = {"cluster", "service", "vpcLatticeConfigurations", "healthCheckGracePeriodSeconds"}


def test_no_update_of_a_service_names_a_task_definition(bench):
    """With it, ECS would ask for iam:PassRole on the roles of the task, which no function has. Whatever is sent is in here:
    the only call of UpdateService is that of this adapter."""
    bench.create()
    bench.completed()
    sent = []
    client = bench.side.ecs._client

    class Recording:
        def __getattr__(self, name):
            return getattr(client, name)

        def update_service(self, **members):
            sent.append(set(members))
            return client.update_service(**members)

    bench.side.ecs._client = Recording()
    for grace_period in (None, 0, 77):
        bench.side.ecs.attach(SERVICE, [], grace_period)
    assert sent
    assert set().union(*sent) == UPDATES
    library = Path(ecs_shapes.__file__).parents[1]
    calling = {
        path.name for path in library.rglob("*.py") if re.search(r"\bupdate_service\(\s*cluster=", path.read_text())
    }
    assert calling == {"ecs.py"}


def test_attaching_sends_the_list_and_nothing_else_but_the_grace_period_where_it_is_needed(bench):
    bench.create()
    bench.completed()
    entry = LatticeEntry(ROLE, bench.group(), "web")
    started = bench.side.ecs.attach(SERVICE, [entry], 77)
    assert bench.primary()["id"] == started
    (call,) = [call for call in ecs.backend().calls if call.operation == "UpdateService"]
    assert set(call.parameters) == {"cluster", "service", "vpcLatticeConfigurations", "healthCheckGracePeriodSeconds"}
    bench.completed()
    assert bench.side.ecs.service(SERVICE).primary.entries == (entry,)
    bench.side.ecs.attach(SERVICE, [], None)
    call = [call for call in ecs.backend().calls if call.operation == "UpdateService"][-1]
    assert set(call.parameters) == {"cluster", "service", "vpcLatticeConfigurations"}
    assert bench.attached() == []


def test_tasks_that_run_and_that_stop_are_read_with_address_and_deployment(bench):
    bench.create()
    bench.completed()
    first = bench.primary()["id"]
    tasks = bench.side.ecs.tasks(SERVICE)
    assert {task.address for task in tasks} == bench.addresses()
    assert {(task.deployment_id, task.last_status, task.desired_status) for task in tasks} == {
        (first, "RUNNING", "RUNNING")
    }
    bench.deploy(bench.define())
    bench.until(lambda: any(task.desired_status == "STOPPED" for task in bench.side.ecs.tasks(SERVICE)))
    assert {task.deployment_id for task in bench.side.ecs.tasks(SERVICE)} == {first, bench.primary()["id"]}


def test_subnets_give_vpc_and_family(bench):
    subnets = bench.side.ecs.subnets(bench.subnets)
    assert (subnets.vpc_id, subnets.family, subnets.subnet_ids) == (bench.vpc, "IPV4", tuple(bench.subnets))
    with pytest.raises(NotFoundError):
        bench.side.ecs.subnets(["subnet-0123456789abcdef0"])


def test_subnets_without_any_ipv4_block_are_ipv6(bench):
    class Client:
        def describe_subnets(self, **_):
            return {"Subnets": [{"VpcId": "vpc-6", "Ipv6CidrBlockAssociationSet": [{}]}]}

    bench.side.ecs._ec2 = Client()
    assert bench.side.ecs.subnets(["subnet-6"]).family == "IPV6"


@pytest.mark.parametrize(
    ("code", "kind"), [("ThrottlingException", ThrottledError), ("InvalidParameterException", InvalidError)]
)
def test_errors_of_update_service_are_ours(bench, code, kind):
    bench.create()
    ecs.backend().faults.refuse("UpdateService", code, "because", times=1)
    with pytest.raises(kind, match="UpdateService"):
        bench.side.ecs.attach(SERVICE, [], None)


def test_task_sets_stand_for_deployments_where_ecs_does_not_deploy():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}

    def task_set(name, status, stability, age):
        return {
            "id": name, "status": status, "stabilityStatus": stability, "taskDefinition": f"td-{name}",
            "createdAt": moment.replace(day=age), "computedDesiredCount": 2, "runningCount": 2,
            "networkConfiguration": network,
        }  # fmt: skip

    def read(stability):
        return ecs_shapes.service({
            "serviceArn": SERVICE.arn, "status": "ACTIVE", "createdAt": moment, "desiredCount": 2,
            "deploymentController": {"type": "CODE_DEPLOY"},
            "taskSets": [task_set("blue", "PRIMARY", stability, 1), task_set("green", "ACTIVE", "STABILIZING", 2)],
        })  # fmt: skip

    service = read("STEADY_STATE")
    assert [(one.id, one.status, one.rollout) for one in service.deployments] == [
        ("green", "ACTIVE", None),
        ("blue", "PRIMARY", "COMPLETED"),
    ]
    assert (service.subnets, service.security_groups) == (("subnet-1",), ("sg-1",))
    assert read("STABILIZING").primary.rollout == "IN_PROGRESS"


def test_a_deployment_with_subnets_and_without_groups_is_in_the_default_group_whatever_the_service_says():
    def network(*groups):
        return {
            "awsvpcConfiguration": {"subnets": ["subnet-1"], **({"securityGroups": list(groups)} if groups else {})}
        }

    def deployment(name, status, configuration):
        known = {"networkConfiguration": configuration} if configuration else {}
        return {"id": name, "status": status, "taskDefinition": "td", **known}

    service = ecs_shapes.service({
        "serviceArn": SERVICE.arn, "status": "ACTIVE", "desiredCount": 2, "networkConfiguration": network("sg-new"),
        "deployments": [
            deployment("new", "PRIMARY", network("sg-new")),
            deployment("old", "ACTIVE", network()),
            deployment("unsaid", "ACTIVE", None),
        ],
    })  # fmt: skip
    groups = {one.id: one.security_groups for one in service.deployments}
    assert groups == {"new": ("sg-new",), "old": (), "unsaid": ("sg-new",)}


@pytest.mark.parametrize(
    ("attachments", "containers", "expected"),
    [
        ([{"name": "privateIPv4Address", "value": "10.0.0.1"}], [], ("10.0.0.1", "IPV4")),
        ([{"name": "subnetId", "value": "subnet-1"}], [{"privateIpv4Address": "10.0.0.2"}], ("10.0.0.2", "IPV4")),
        ([], [{"ipv6Address": "2001:db8::1"}], ("2001:db8::1", "IPV6")),
        ([{"name": "ipv6Address", "value": "2001:db8::2"}], [], ("2001:db8::2", "IPV6")),
        ([], [], (None, "IPV4")),
    ],
)
def test_a_task_s_address_is_read_in_both_spellings(attachments, containers, expected):
    task = ecs_shapes.task({
        "taskArn": "task", "taskDefinitionArn": "td", "attachments": [{"details": attachments}],
        "containers": [{"networkInterfaces": containers}],
    })  # fmt: skip
    assert (task.address, task.family) == expected


def test_a_service_that_ecs_itself_manages_and_an_entry_with_two_groups_are_recognised():
    advanced = {"productionListenerRule": "rule", "alternateTargetGroupArn": "tg-blue"}
    entry = {"roleArn": ROLE, "targetGroupArn": "tg-green", "portName": "web", "advancedConfiguration": advanced}
    deployment = {
        "id": "d", "status": "PRIMARY", "taskDefinition": "td", "vpcLatticeConfigurations": [entry],
    }  # fmt: skip
    service = ecs_shapes.service({
        "serviceArn": SERVICE.arn, "status": "ACTIVE", "resourceManagementType": "ECS", "deployments": [deployment],
        "schedulingStrategy": "DAEMON", "deploymentConfiguration": {"strategy": "BLUE_GREEN"},
    })  # fmt: skip
    assert (service.managed_by_ecs, service.strategy) == (True, "BLUE_GREEN")
    assert (service.minimum_healthy_percent, service.maximum_percent) == (0, 100)
    (read,) = service.primary.entries
    assert ecs_shapes.lattice_configuration(read) == entry


def targets(count):
    return [Target(f"10.0.{number // 250}.{number % 250 + 1}", 8080) for number in range(count)]


def test_targets_are_registered_a_hundred_a_call_and_listed_to_the_last_page(bench):
    group = bench.group()
    wanted = targets(230)
    before = len(lattice.backend().calls)
    failed = bench.side.targets.register(group, wanted)
    calls = [call for call in lattice.backend().calls[before:] if call.operation == "RegisterTargets"]
    assert [len(call.parameters["targets"]) for call in calls] == [100, 100, 30]
    known = {state.target for state in bench.side.targets.registered(group)}
    assert known == set(wanted) - set(failed)
    bench.side.targets.deregister(group, sorted(known))
    assert {state.status for state in bench.side.targets.registered(group)} <= {"DRAINING"}


def test_unsuccessful_targets_are_returned(bench):
    group = bench.group()
    outside = Target("8.8.8.8", 8080)
    failed = bench.side.targets.register(group, [outside])
    assert list(failed) == [outside]
    assert failed[outside]


def test_a_group_that_is_not_there_has_no_targets_and_its_tags_are_not_empty_but_unknown(bench):
    arn = "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-0123456789abcdef0"
    assert bench.side.targets.registered(arn) == ()
    with pytest.raises(NotFoundError):
        bench.side.targets.tags(arn)


def test_a_named_range_of_container_ports_is_read_with_its_name():
    mappings = [{"name": "web", "containerPortRange": "8000-8010"}, {"name": "admin", "containerPort": 9000}]
    shape = {
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/orders:7",
        "containerDefinitions": [{"name": "app", "portMappings": [*mappings, {"containerPortRange": "1-2"}]}],
    }
    read = ecs_shapes.task_definition(shape)
    assert read.port_ranges == (("web", "8000-8010"),)
    assert [port.name for port in read.ports] == ["admin"]
