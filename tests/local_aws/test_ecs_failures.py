"""The local ECS: tasks that crash, the circuit breaker, rollback, unhealthy targets."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from local_aws.network import Request
from local_aws.services import network
from tests.local_aws import ecs_stage
from tests.local_aws.ecs_stage import Stage, attach, events, ip_of

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
NO_ROLLBACK = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ecs_stage.stage() as running:
        yield running


@pytest.mark.parametrize("crash", [0, 5])
def test_the_breaker_rolls_back_to_the_last_completed_revision(stage: Stage, crash: int) -> None:
    stage.define()
    good = stage.settled(deploymentConfiguration=BREAKER)
    stage.ecs.update_service(service="web", taskDefinition=stage.define(CRASH_AFTER_SECONDS=crash))
    bad = stage.primary()["id"]
    stage.until(lambda: stage.history()[0]["status"] == "ROLLBACK_IN_PROGRESS")
    primary = stage.primary()
    assert primary["taskDefinition"] == good["taskDefinition"] == stage.service()["taskDefinition"]
    assert primary["rolloutState"] == "IN_PROGRESS"
    reason = f"ECS deployment circuit breaker: rolling back to deploymentId {primary['id']}."
    assert primary["rolloutStateReason"] == reason
    failed = next((each for each in stage.service()["deployments"] if each["id"] == bad), None)
    assert failed is None or (failed["status"], failed["rolloutState"]) == ("ACTIVE", "FAILED")
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    assert [each["status"] for each in stage.history()] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]
    assert set(stage.serving()) == {"web:1"}
    arn = stage.history()[0]["serviceDeploymentArn"]
    shown = stage.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]
    assert shown["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    assert shown["rollback"]["serviceRevisionArn"] == stage.history()[1]["targetServiceRevisionArn"]


def test_a_failed_rollout_says_failed_and_then_in_progress_of_the_rollback(stage: Stage) -> None:
    stage.define()
    stage.settled(deploymentConfiguration=BREAKER)
    stage.ecs.update_service(service="web", taskDefinition=stage.define(CRASH_AFTER_SECONDS=0))
    stage.until(lambda: stage.history()[0]["status"] == "ROLLBACK_SUCCESSFUL")
    said = [
        (event["detail"]["eventType"], event["detail"]["eventName"].removeprefix("SERVICE_DEPLOYMENT_"))
        for event in events("ECS Deployment State Change")
    ]
    assert said == [
        ("INFO", "IN_PROGRESS"),
        ("INFO", "COMPLETED"),
        ("INFO", "IN_PROGRESS"),
        ("ERROR", "FAILED"),
        ("INFO", "IN_PROGRESS"),
        ("INFO", "COMPLETED"),
    ]
    failed, rollback = events("ECS Deployment State Change")[3:5]
    assert failed["detail"]["reason"] == "ECS deployment circuit breaker: tasks failed to start."
    assert "rolling back to deploymentId" in rollback["detail"]["reason"]


def test_a_rollback_takes_the_list_of_target_groups_with_it(stage: Stage) -> None:
    first, second = stage.group("first"), stage.group("second")
    stage.define()
    stage.settled(deploymentConfiguration=BREAKER, vpcLatticeConfigurations=[attach(first)])
    stage.ecs.update_service(
        service="web",
        taskDefinition=stage.define(CRASH_AFTER_SECONDS=0),
        vpcLatticeConfigurations=[attach(first), attach(second)],
    )
    stage.until(lambda: stage.history()[0]["status"] == "ROLLBACK_SUCCESSFUL")
    assert stage.primary()["vpcLatticeConfigurations"] == [attach(first)]
    assert sorted(stage.targets(first).values()) == ["HEALTHY", "HEALTHY"]
    assert stage.targets(second) == {}
    stage.ecs.update_service(service="web", forceNewDeployment=True)
    assert stage.primary()["vpcLatticeConfigurations"] == [attach(first)], "what comes next starts from there"
    assert stage.primary()["taskDefinition"].endswith("web:1")


def test_without_rollback_the_deployment_fails_and_starts_nothing_more(stage: Stage) -> None:
    stage.define()
    stage.settled(deploymentConfiguration=NO_ROLLBACK)
    stage.ecs.update_service(service="web", taskDefinition=stage.define(CRASH_AFTER_SECONDS=0))
    stage.until(lambda: stage.primary()["rolloutState"] == "FAILED")
    started = len(stage.tasks(desired="STOPPED"))
    stage.advance(1200)
    assert len(stage.tasks(desired="STOPPED")) == started
    assert stage.history()[0]["status"] == "STOPPED"
    assert set(stage.serving()) == {"web:1"}


def test_a_first_deployment_that_fails_has_nothing_to_roll_back_to(stage: Stage) -> None:
    stage.define(CRASH_AFTER_SECONDS=0)
    stage.create(deploymentConfiguration=BREAKER)
    stage.until(lambda: stage.primary()["rolloutState"] == "FAILED")
    assert stage.history()[0]["status"] == "STOPPED"


def test_without_a_breaker_a_crash_loop_never_ends_and_slows_down(stage: Stage) -> None:
    stage.define(CRASH_AFTER_SECONDS=0)
    stage.create(desired=1)
    stage.advance(1800)
    assert stage.primary()["rolloutState"] == "IN_PROGRESS"
    assert 5 < stage.primary()["failedTasks"] < 20
    assert len(events("ECS Service Action", eventName="SERVICE_TASK_START_IMPAIRED", eventType="WARN")) == 1
    assert not events("ECS Deployment State Change", eventName="SERVICE_DEPLOYMENT_FAILED")
    assert stage.tasks(desired="STOPPED")[0]["stopCode"] == "TaskFailedToStart"


def test_a_configured_threshold_is_counted_out(stage: Stage) -> None:
    breaker = {"enable": True, "rollback": False, "thresholdConfiguration": {"type": "COUNT", "value": 1}}
    stage.define(CRASH_AFTER_SECONDS=0)
    stage.create(desired=1, deploymentConfiguration={"deploymentCircuitBreaker": breaker})
    stage.until(lambda: stage.primary()["rolloutState"] == "FAILED")
    assert stage.primary()["failedTasks"] == 1


def test_a_task_that_crashes_later_is_replaced_and_fails_no_deployment(stage: Stage) -> None:
    stage.define(CRASH_AFTER_SECONDS=100)
    stage.settled(desired=1, deploymentConfiguration=BREAKER)
    first = stage.tasks()[0]["taskArn"]
    stage.until(lambda: [task["taskArn"] for task in stage.tasks()] not in ([first], []))
    stopped = stage.tasks(desired="STOPPED")[0]
    assert (stopped["taskArn"], stopped["stopCode"]) == (first, "EssentialContainerExited")
    assert stopped["stoppedReason"] == "Essential container in task exited"
    assert stopped["containers"][0]["exitCode"] == 1
    assert stage.primary()["failedTasks"] == 0


def test_nonsense_in_the_environment_fails_the_start_and_says_why(stage: Stage) -> None:
    stage.define(RESPOND="healthz:503")
    stage.create(desired=1)
    stage.until(lambda: stage.tasks(desired="STOPPED"))
    assert "RESPOND has 'healthz:503'" in stage.tasks(desired="STOPPED")[0]["stoppedReason"]


def test_a_task_with_an_unhealthy_target_is_replaced_after_the_grace_period(stage: Stage) -> None:
    group = stage.group(path="/healthz")
    stage.define(RESPOND="/healthz=503")
    stage.create(desired=1, vpcLatticeConfigurations=[attach(group)], healthCheckGracePeriodSeconds=300)
    stage.advance(300)
    assert set(stage.targets(group).values()) == {"UNHEALTHY"}
    assert not events("ECS Service Action", eventName="VPC_LATTICE_TARGET_UNHEALTHY")
    stage.until(lambda: stage.tasks(desired="STOPPED"))
    [stopped] = stage.tasks(desired="STOPPED")
    assert stopped["stoppedReason"] == f"Task failed VPC Lattice health checks in (target-group {group})"
    first, second = events("ECS Service Action", eventName="VPC_LATTICE_TARGET_UNHEALTHY")
    assert first["detail"]["eventType"] == second["detail"]["eventType"] == "WARN"
    assert first["resources"] == [stage.service()["serviceArn"]]
    assert stopped["createdAt"] < min(task["createdAt"] for task in stage.tasks()), "the replacement came first"


def test_tasks_that_never_get_healthy_are_replaced_for_ever_and_the_old_ones_stay(stage: Stage) -> None:
    group = stage.group(path="/healthz")
    stage.define()
    stage.settled(vpcLatticeConfigurations=[attach(group)], deploymentConfiguration=BREAKER)
    stage.ecs.update_service(service="web", taskDefinition=stage.define(RESPOND="/healthz=503"))
    for _ in range(300):
        assert list(stage.targets(group).values()).count("HEALTHY") >= 2
        stage.advance(10)
    assert stage.primary()["rolloutState"] == "IN_PROGRESS", "the breaker does not look at VPC Lattice"
    assert len(stage.tasks(desired="STOPPED")) > 5
    assert stage.serving().count("web:1") == 2


def test_unused_targets_get_tasks_replaced_only_where_the_switch_says_so(stage: Stage) -> None:
    group = stage.group(referenced=False)
    stage.backend.settings.unused_is_unhealthy = True
    stage.define()
    stage.create(desired=1, vpcLatticeConfigurations=[attach(group)])
    stage.until(lambda: stage.tasks(desired="STOPPED"), limit=120)
    assert events("ECS Service Action", eventName="VPC_LATTICE_TARGET_UNHEALTHY")


def test_a_target_of_somebody_else_is_never_touched(stage: Stage) -> None:
    group = stage.group()
    foreign = {"id": "10.9.9.9", "port": 80}
    stage.lattice.register_targets(targetGroupIdentifier=group, targets=[foreign])
    stage.define()
    stage.settled(vpcLatticeConfigurations=[attach(group)])
    stage.ecs.update_service(service="web", forceNewDeployment=True)
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    stage.ecs.delete_service(service="web", force=True)
    stage.advance(600)
    assert set(stage.targets(group)) == {"10.9.9.9"}


def test_a_registration_that_is_refused_is_tried_again(stage: Stage) -> None:
    from local_aws import lattice

    group = stage.group()
    stage.define()
    lattice.backend().faults.throttle("RegisterTargets", times=3)
    stage.create(desired=1, vpcLatticeConfigurations=[attach(group)])
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    messages = [event["message"] for event in stage.service()["events"]]
    assert any("was unable to register" in message for message in messages)
    assert set(stage.targets(group).values()) == {"HEALTHY"}


def test_a_deregistration_that_is_refused_is_tried_again(stage: Stage) -> None:
    from local_aws import lattice

    group = stage.group()
    stage.define()
    stage.settled(desired=1, vpcLatticeConfigurations=[attach(group)])
    lattice.backend().faults.throttle("DeregisterTargets", times=2)
    stage.ecs.update_service(service="web", desiredCount=0)
    stage.until(lambda: stage.targets(group) == {})


def test_a_container_that_is_killed_for_its_memory_says_so(stage: Stage) -> None:
    stage.define(OUT_OF_MEMORY_AFTER_SECONDS=60)
    stage.settled(desired=1)
    stage.until(lambda: stage.tasks(desired="STOPPED"))
    task = stage.tasks(desired="STOPPED")[0]
    assert (task["stopCode"], task["containers"][0]["exitCode"]) == ("EssentialContainerExited", 137)
    assert task["containers"][0]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


@pytest.mark.parametrize(("listen", "answering"), [(None, {8080}), ("9090", {9090}), ("none", set())])
def test_a_container_listens_where_it_says_and_not_where_it_is_mapped(
    stage: Stage, listen: str | None, answering: set[int]
) -> None:
    stage.define(**({} if listen is None else {"LISTEN": listen}))
    stage.settled(desired=1)
    ip = ip_of(stage.tasks()[0])
    heard = set()
    for port in (8080, 9090):
        with suppress(ConnectionRefusedError):
            network().send(ip, port, Request())
            heard.add(port)
    assert heard == answering
