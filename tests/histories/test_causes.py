"""Each cause of an unhealthy route, brought about for real, comes first in its message; fixing it leads to one recovery."""

import dataclasses
from typing import Any

import pytest

from ecs_lattice.messages.requests import ReconcileRequest
from local_aws import lattice
from tests.histories.on_call import OnCallWorld, causes, run_command
from tests.histories.test_health import OFF, well
from tests.world import open_group

AT_ONCE = {**OFF, "lattice.health.grace": "0"}
OFTEN = {**OFF, "lattice.health.interval": "10"}
"""Checked often: within its grace period a task is unhealthy for longer than it is new, and Lattice says why."""
ONE_AFTER_THE_OTHER = {"deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100}}


@pytest.fixture
def on_call(world):
    return OnCallWorld(world)


def words_of(mail: str) -> str:
    """The mail without its line breaks."""
    return " ".join(mail.split())


def the_mail(on_call) -> str:
    """The only mail, which is about an alarm."""
    assert len(on_call.mails()) == 1, on_call.subjects()
    ((subject, mail),) = on_call.mails()
    assert subject.startswith("ALARM orders/default (shop/orders): "), subject
    return mail


def recovers(world, on_call, cause: str, seconds: float = 2400) -> None:
    """One more message comes: that the route has recovered, after how long, and what it was."""
    world.run(seconds)
    subjects = on_call.subjects()
    assert len(subjects) == 2, subjects
    assert subjects[1].startswith("OK orders/default (shop/orders): recovered after "), subjects
    assert f"The most likely cause was {cause}." in words_of(on_call.mails()[1][1])
    world.run(3600)
    assert on_call.subjects() == subjects


def unhealthy_from_the_start(world, environment: dict[str, str], labels=OFTEN, ports=(("web", 8080),)) -> str:
    """A service that was never healthy, half an hour after it was created; its ARN."""
    arn = world.deploy(world.register(labels, ports=ports, environment=environment), count=1)
    world.start_probing()
    world.run(1800)
    return arn


def release(world, arn: str, labels=AT_ONCE, *, ports=(("web", 8080),), **environment: str) -> None:
    definition = world.register(labels, ports=ports, environment=environment)
    world.ecs.update_service(cluster="shop", service=arn, taskDefinition=definition, **ONE_AFTER_THE_OTHER)


def task_ids(world, status: str) -> set[str]:
    listed = world.ecs.list_tasks(cluster="shop", serviceName="orders", desiredStatus=status)["taskArns"]
    return {arn.rsplit("/", 1)[-1] for arn in listed}


def test_a_container_that_does_not_listen_is_reported_and_a_release_that_listens_is_the_recovery(world, on_call):
    arn = unhealthy_from_the_start(world, {"LISTEN": "none"})
    mail = the_mail(on_call)
    assert causes(mail)[0] == "NOT_LISTENING"
    assert "nothing answers on port 8080 of the tasks" in words_of(mail)
    release(world, arn)
    recovers(world, on_call, "NOT_LISTENING")


def test_a_container_that_listens_on_another_port_is_reported(world, on_call):
    arn = unhealthy_from_the_start(world, {"LISTEN": "9090"})
    assert causes(the_mail(on_call))[0] == "NOT_LISTENING"
    release(world, arn)
    recovers(world, on_call, "NOT_LISTENING")


def test_a_live_route_whose_release_keeps_restarting_is_reported_once(world, on_call):
    arn = well(world, AT_ONCE, count=1)
    release(world, arn, CRASH_AFTER_SECONDS="3")
    world.run(3600)
    mail = the_mail(on_call)
    assert causes(mail)[0] == "TASK_RESTARTING"
    assert "Container app exited with code 1" in words_of(mail)
    assert any(task in mail for task in task_ids(world, "STOPPED"))
    release(world, arn)
    recovers(world, on_call, "TASK_RESTARTING")


def test_a_live_route_whose_release_runs_out_of_memory_names_the_limit(world, on_call):
    arn = well(world, AT_ONCE, count=1)
    release(world, arn, OUT_OF_MEMORY_AFTER_SECONDS="3")
    world.run(3600)
    mail = the_mail(on_call)
    assert causes(mail)[0] == "OUT_OF_MEMORY"
    assert "Its memory limit is 256 MiB." in words_of(mail)
    assert "OutOfMemoryError" in mail
    release(world, arn)
    recovers(world, on_call, "OUT_OF_MEMORY")


def test_tasks_that_a_user_keeps_stopping(world, on_call):
    well(world, AT_ONCE, count=1)
    going = [True]

    def stop() -> None:
        if going[0]:
            world.clock.call_later(20, stop)
            for task in task_ids(world, "RUNNING"):
                world.ecs.stop_task(cluster="shop", task=task, reason="maintenance by hand")

    world.clock.call_later(1, stop)
    world.run(600)
    mail = the_mail(on_call)
    assert causes(mail)[0] == "TASK_STOPPED"
    assert "was stopped by a user" in words_of(mail)
    assert "maintenance by hand" in words_of(mail)
    going[0] = False
    recovers(world, on_call, "TASK_STOPPED")


def delete_rules(world) -> None:
    service = world.lattice.list_services()["items"][0]["id"]
    listener = world.lattice.list_listeners(serviceIdentifier=service)["items"][0]["id"]
    rules = world.lattice.list_rules(serviceIdentifier=service, listenerIdentifier=listener)["items"]
    for rule in rules:
        if not rule["isDefault"]:
            world.lattice.delete_rule(serviceIdentifier=service, listenerIdentifier=listener, ruleIdentifier=rule["id"])


def test_a_rule_deleted_by_hand_is_made_anew_before_anybody_is_told(world, on_call):
    well(world, AT_ONCE)
    delete_rules(world)
    world.run(300)
    assert world.ask("orders", "/orders").status == 200
    assert on_call.mails() == []


def test_a_rule_deleted_by_hand_leaves_targets_unused_where_no_request_arrives_until_a_reconcile(world, on_call):
    well(world, AT_ONCE)
    delete_rules(world)
    world.chaos.lose = 1.0
    world.run(600)
    mail = the_mail(on_call)
    assert causes(mail)[0] == "TARGET_UNUSED"
    world.chaos.lose = 0.0
    world.enqueue([ReconcileRequest("latticeService", "orders", "asked for", world.clock.time())])
    recovers(world, on_call, "TARGET_UNUSED")


def test_an_https_target_group_before_a_container_whose_own_health_check_uses_http(world, on_call):
    labels = {**AT_ONCE, "lattice.protocol": "HTTPS"}
    definition = world.ecs.describe_task_definition(taskDefinition=world.register(labels))["taskDefinition"]
    container: dict[str, Any] = definition["containerDefinitions"][0]
    container["healthCheck"] = {"command": ["CMD-SHELL", "curl -f http://localhost:8080/healthz || exit 1"]}
    made = world.ecs.register_task_definition(
        family="orders", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[container],
    )  # fmt: skip
    world.deploy(made["taskDefinition"]["taskDefinitionArn"], count=1)
    world.start_probing()
    world.run(1800)
    mail = the_mail(on_call)
    assert causes(mail)[0] == "WRONG_PROTOCOL"


def test_a_container_with_tls_behind_an_http_target_group(world, on_call):
    arn = unhealthy_from_the_start(world, {"TLS_PORTS": "8443"}, ports=(("web", 8443),))
    mail = the_mail(on_call)
    assert causes(mail)[0] == "WRONG_PROTOCOL"
    release(world, arn, ports=(("web", 8443),))
    recovers(world, on_call, "WRONG_PROTOCOL")


def test_targets_deregistered_by_hand_are_not_registered(world, on_call):
    well(world, AT_ONCE)
    group = world.lattice.list_target_groups()["items"][0]["id"]

    def deregister() -> None:
        targets = world.lattice.list_targets(targetGroupIdentifier=group)["items"]
        out = [{"id": target["id"], "port": target["port"]} for target in targets if target["status"] != "DRAINING"]
        if out:
            world.lattice.deregister_targets(targetGroupIdentifier=group, targets=out)

    world.clock.call_later(1, deregister)
    world.run(900)
    mail = the_mail(on_call)
    assert causes(mail)[0] == "NOT_REGISTERED"


def test_targets_that_drain_for_long_are_reported_as_draining(world, on_call):
    well(world, AT_ONCE)
    lattice.backend().timing = dataclasses.replace(lattice.backend().timing, drain=3600.0)
    group = world.lattice.list_target_groups()["items"][0]["id"]
    targets = world.lattice.list_targets(targetGroupIdentifier=group)["items"]
    out = [{"id": target["id"], "port": target["port"]} for target in targets]
    world.lattice.deregister_targets(targetGroupIdentifier=group, targets=out)
    world.run(600)
    assert causes(the_mail(on_call))[0] == "DRAINING"


def test_a_release_that_starts_slowly_is_a_deployment_in_progress_until_it_answers(world, on_call):
    patient = {**AT_ONCE, "lattice.health.unhealthy": "10", "lattice.health.interval": "120"}
    arn = well(world, patient, count=1)
    release(world, arn, patient, LISTEN="none")
    world.run(600)
    mail = the_mail(on_call)
    assert causes(mail)[0] == "DEPLOYMENT_IN_PROGRESS"
    assert world.primary(arn)["id"] in mail
    release(world, arn, patient)
    recovers(world, on_call, "DEPLOYMENT_IN_PROGRESS")


def test_a_release_into_another_vpc_is_reported_with_its_subnets(world, on_call):
    arn = well(world, AT_ONCE, count=1)
    vpc = world.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = world.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = open_group(world.ec2, "elsewhere", VpcId=vpc)
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    world.ecs.update_service(cluster="shop", service=arn, networkConfiguration=network, **ONE_AFTER_THE_OTHER)
    world.run(900)
    assert world.claims(arn) == {"orders/default": "Live"}, "a release that has not completed moves no route"
    mail = the_mail(on_call)
    assert causes(mail)[0] == "OTHER_VPC"
    assert subnet in mail
    assert vpc in mail
    world.run(7200)
    assert world.claims(arn) == {"orders/default": "Live"}
    assert len(on_call.mails()) == 1, "by itself it never completes"
    run_command(mail, "aws ecs tag-resource")
    run_command(mail, "aws ecs update-service")
    recovers(world, on_call, "OTHER_VPC")
    (made,) = world.lattice.list_target_groups()["items"]
    assert made["vpcIdentifier"] == vpc
