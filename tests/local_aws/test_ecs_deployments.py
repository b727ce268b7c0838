"""The local ECS: first deployment, rolling, superseding, scaling, completion."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.local_aws import ecs_stage
from tests.local_aws.ecs_stage import Stage, attach, events


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ecs_stage.stage() as running:
        yield running


def test_a_first_deployment_runs_its_tasks_and_completes(stage: Stage) -> None:
    stage.define()
    created = stage.create()
    assert (created["runningCount"], created["pendingCount"]) == (0, 2)
    assert created["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    stage.until(lambda: stage.service()["runningCount"] == 2)
    assert stage.primary()["rolloutState"] == "IN_PROGRESS", "a task counts 40 s after it is RUNNING"
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    deployment = stage.primary()
    assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} completed."
    assert (deployment["desiredCount"], deployment["runningCount"], deployment["failedTasks"]) == (2, 2, 0)
    assert [each["status"] for each in stage.history()] == ["SUCCESSFUL"]


def test_tasks_take_the_time_that_start_seconds_says(stage: Stage) -> None:
    stage.define(START_SECONDS=30)
    stage.create()
    stage.advance(32)
    assert {task["lastStatus"] for task in stage.tasks()} == {"PENDING"}
    stage.advance(2)
    assert {task["lastStatus"] for task in stage.tasks()} == {"RUNNING"}


def test_rolling_to_a_new_revision_keeps_the_minimum_and_never_exceeds_the_maximum(stage: Stage) -> None:
    stage.define()
    stage.settled(desired=4, deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 125})
    stage.ecs.update_service(service="web", taskDefinition=stage.define())
    while stage.primary()["rolloutState"] != "COMPLETED":
        assert len(stage.serving()) >= 2
        assert len(stage.tasks()) <= 5
        stage.advance(1)
    assert set(stage.serving()) == {"web:2"}
    assert len(stage.service()["deployments"]) == 1


def test_rolling_behind_lattice_leaves_no_moment_without_enough_healthy_targets(stage: Stage) -> None:
    group = stage.group()
    stage.define()
    stage.settled(vpcLatticeConfigurations=[attach(group)])
    before = set(stage.targets(group))
    stage.ecs.update_service(service="web", taskDefinition=stage.define())
    while stage.primary()["rolloutState"] != "COMPLETED":
        healthy = [ip for ip, status in stage.targets(group).items() if status == "HEALTHY"]
        assert len(healthy) >= 2
        stage.advance(1)
    after = stage.targets(group)
    assert sorted(after.values()) == ["HEALTHY", "HEALTHY"]
    assert before.isdisjoint(after)


def test_a_deployment_with_lattice_waits_for_healthy_targets(stage: Stage) -> None:
    group = stage.group(referenced=False)
    stage.define()
    stage.create(vpcLatticeConfigurations=[attach(group)])
    stage.advance(900)
    assert set(stage.targets(group).values()) == {"UNUSED"}
    assert stage.primary()["rolloutState"] == "IN_PROGRESS"
    assert len(stage.tasks(desired="STOPPED")) == 0, "a target that nobody checks is not unhealthy"


def test_attaching_starts_exactly_one_deployment_and_shows_on_it_alone(stage: Stage) -> None:
    group = stage.group()
    stage.define()
    first = stage.settled()
    updated = stage.ecs.update_service(service="web", vpcLatticeConfigurations=[attach(group)])["service"]
    assert "vpcLatticeConfigurations" not in updated
    assert updated["deployments"][0]["vpcLatticeConfigurations"] == [attach(group)]
    assert "vpcLatticeConfigurations" not in updated["deployments"][1]
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    assert len(stage.history()) == 2
    assert stage.primary()["taskDefinition"] == first["taskDefinition"]
    revisions = [each["targetServiceRevisionArn"] for each in stage.history()]
    shown = stage.ecs.describe_service_revisions(serviceRevisionArns=revisions)["serviceRevisions"]
    by_arn = {each["serviceRevisionArn"]: each for each in shown}
    assert by_arn[revisions[0]]["vpcLatticeConfigurations"] == [attach(group)]
    assert by_arn[revisions[0]]["resolvedConfiguration"]["vpcLatticeConfigurations"] == [{"targetGroupArn": group}]
    assert "vpcLatticeConfigurations" not in by_arn[revisions[1]]


def test_sending_the_same_lattice_list_again_deploys_again(stage: Stage) -> None:
    group = stage.group()
    stage.define()
    stage.settled(vpcLatticeConfigurations=[attach(group)])
    stage.ecs.update_service(service="web", vpcLatticeConfigurations=[attach(group)])
    assert len(stage.history()) == 2


def test_emptying_the_lattice_list_takes_the_tasks_out(stage: Stage) -> None:
    group = stage.group()
    stage.define()
    stage.settled(vpcLatticeConfigurations=[attach(group)])
    stage.ecs.update_service(service="web", vpcLatticeConfigurations=[])
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    assert stage.targets(group) == {}
    assert not stage.primary().get("vpcLatticeConfigurations")


@pytest.mark.parametrize(
    "change",
    [
        {"desiredCount": 3},
        {"deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50}},
        {"healthCheckGracePeriodSeconds": 120},
        {"taskDefinition": "web:1"},
        {"enableECSManagedTags": True, "propagateTags": "SERVICE"},
    ],
)
def test_these_changes_start_no_deployment(stage: Stage, change: dict[str, object]) -> None:
    stage.define()
    before = stage.settled()["deployments"][0]["id"]
    stage.ecs.update_service(service="web", **change)
    stage.advance(120)
    assert len(stage.history()) == 1
    assert [each["id"] for each in stage.service()["deployments"]] == [before]


@pytest.mark.parametrize(
    "change",
    [
        {"forceNewDeployment": True},
        {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0c"], "securityGroups": ["sg-2"]}}},
        {"platformVersion": "1.3.0"},
    ],
)
def test_these_changes_start_a_deployment(stage: Stage, change: dict[str, object]) -> None:
    stage.define()
    stage.settled()
    stage.ecs.update_service(service="web", **change)
    assert [each["status"] for each in stage.service()["deployments"]] == ["PRIMARY", "ACTIVE"]
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    assert [each["status"] for each in stage.history()] == ["SUCCESSFUL", "SUCCESSFUL"]


def test_a_second_update_stops_the_first_service_deployment(stage: Stage) -> None:
    """kayac/ecspresso #899: whoever waited for the first one sees STOPPED."""
    stage.define()
    stage.settled()
    stage.ecs.update_service(service="web", taskDefinition=stage.define())
    stage.advance(10)
    stage.ecs.update_service(service="web", taskDefinition=stage.define())
    assert [each["status"] for each in stage.history()] == ["IN_PROGRESS", "STOPPED", "SUCCESSFUL"]
    listed = stage.service()["deployments"]
    assert [each["status"] for each in listed] == ["PRIMARY", "ACTIVE", "ACTIVE"]
    assert [each["rolloutState"] for each in listed] == ["IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    assert [each["status"] for each in stage.history()] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert set(stage.serving()) == {"web:3"}
    assert not events("ECS Deployment State Change", eventName="SERVICE_DEPLOYMENT_FAILED")


def test_the_completed_deployment_can_leave_the_list_before_the_next_completes(stage: Stage) -> None:
    """The second release takes all tasks over, does not settle, and the third begins: no COMPLETED one is listed."""
    stage.define()
    stage.settled()
    stage.ecs.update_service(service="web", taskDefinition=stage.define())
    stage.until(lambda: len(stage.service()["deployments"]) == 1)
    assert stage.primary()["rolloutState"] == "IN_PROGRESS"
    stage.ecs.update_service(service="web", taskDefinition=stage.define())
    assert [each["rolloutState"] for each in stage.service()["deployments"]] == ["IN_PROGRESS", "IN_PROGRESS"]


def test_scaling_out_and_in_adds_and_stops_tasks_of_the_same_deployment(stage: Stage) -> None:
    stage.define()
    stage.settled(desired=1)
    stage.ecs.update_service(service="web", desiredCount=3)
    stage.until(lambda: stage.service()["runningCount"] == 3)
    stage.ecs.update_service(service="web", desiredCount=1)
    stage.until(lambda: stage.service()["runningCount"] == 1)
    assert stage.primary()["rolloutState"] == "COMPLETED"
    assert {task["stopCode"] for task in stage.tasks(desired="STOPPED")} == {"ServiceSchedulerInitiated"}


def test_a_service_that_wants_no_task_completes_too(stage: Stage) -> None:
    stage.define()
    assert stage.settled(desired=0)["runningCount"] == 0


def test_a_sixth_deployment_is_refused_while_five_are_listed(stage: Stage) -> None:
    stage.define(START_SECONDS=1)
    stage.settled()
    stage.backend.settings.stopping_seconds = 10_000
    for _ in range(4):
        stage.ecs.update_service(service="web", forceNewDeployment=True)
        stage.until(lambda: stage.primary()["runningCount"] == 2)
        stage.advance(45)
    with pytest.raises(ClientError, match="5 active deployments exist, unable to create new deployment"):
        stage.ecs.update_service(service="web", forceNewDeployment=True)


def test_strategies_of_ecs_other_than_rolling_are_kept_and_roll(stage: Stage) -> None:
    stage.define()
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}
    assert stage.settled(deploymentConfiguration=configuration)["deploymentConfiguration"]["strategy"] == "BLUE_GREEN"


def test_advanced_lattice_configuration_is_echoed(stage: Stage) -> None:
    blue, green = stage.group("blue"), stage.group("green")
    stage.define()
    rule = "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-1/listener/listener-1/rule/rule-1"
    advanced = {"alternateTargetGroupArn": green, "productionListenerRule": rule}
    stage.create(vpcLatticeConfigurations=[{**attach(blue), "advancedConfiguration": advanced}])
    assert stage.primary()["vpcLatticeConfigurations"][0]["advancedConfiguration"] == advanced


def test_a_task_definition_keeps_port_names_labels_and_environment(stage: Stage) -> None:
    arn = stage.define(RESPOND="/=200")
    definition = stage.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"][0]
    assert definition["portMappings"][0]["name"] == "web"
    assert definition["dockerLabels"] == {"lattice.service": "shop"}
    assert definition["environment"] == [{"name": "RESPOND", "value": "/=200"}]
