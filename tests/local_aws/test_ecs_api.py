"""The local ECS: what the API accepts, refuses, shows and says; deletion; reads that lag; faults; moto's part."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from local_aws.services import events as event_buses
from tests.local_aws import ecs_stage
from tests.local_aws.ecs_stage import SUBNETS, Stage, attach, events, ip_of
from tests.world import open_group

ARN = "arn:aws:ecs:us-east-1:123456789012:service/default/web"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ecs_stage.stage() as running:
        yield running


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


# ---- refusals


def test_a_port_name_that_the_task_definition_lacks_is_refused(stage: Stage) -> None:
    group = stage.group()
    stage.define()
    code, message = refusal(stage.create, vpcLatticeConfigurations=[attach(group, "grpc")])
    assert code == "InvalidParameterException"
    assert "'grpc'" in message
    assert "it has web" in message


def test_renaming_a_port_that_is_attached_is_refused_and_changes_nothing(stage: Stage) -> None:
    group = stage.group()
    stage.define()
    stage.settled(vpcLatticeConfigurations=[attach(group)])
    renamed = stage.define(ports={"http": 8080})
    assert refusal(stage.ecs.update_service, service="web", taskDefinition=renamed)[0] == "InvalidParameterException"
    assert stage.service()["taskDefinition"].endswith("web:1")
    assert len(stage.history()) == 1


def test_a_sixth_target_group_is_refused(stage: Stage) -> None:
    groups = [stage.group(f"group{number}", referenced=False) for number in range(6)]
    stage.define()
    code, message = refusal(stage.create, vpcLatticeConfigurations=[attach(group) for group in groups])
    assert (code, "at most 5" in message) == ("InvalidParameterException", True)


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_other_controllers_cannot_use_lattice(stage: Stage, controller: str) -> None:
    group = stage.group()
    stage.define()
    code, _ = refusal(stage.create, deploymentController={"type": controller}, vpcLatticeConfigurations=[attach(group)])
    assert code == "InvalidParameterException"


def test_a_target_group_that_does_not_exist_is_refused(stage: Stage) -> None:
    stage.define()
    gone = "arn:aws:vpc-lattice:us-east-1:123456789012:targetgroup/tg-0123456789abcdef0"
    assert refusal(stage.create, vpcLatticeConfigurations=[attach(gone)])[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"cluster": "elsewhere"}, "ClusterNotFoundException", "Cluster not found."),
        ({"taskDefinition": "nothing:7"}, "ClientException", "Unable to describe task definition."),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}}, "InvalidParameterException", "subnets"),
        ({"serviceName": "a b"}, "InvalidParameterException", "Invalid service name"),
        (
            {"deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100}},
            "InvalidParameterException",
            "Both maximumPercent and minimumHealthyPercent cannot be 100",
        ),
        ({"desiredCount": -1}, "InvalidParameterException", "desiredCount"),
        ({"tags": [{"key": "lattice.path", "value": "/a,/b"}]}, "InvalidParameterException", "'/a,/b'"),
    ],
)
def test_a_bad_create_is_refused(stage: Stage, change: dict[str, Any], code: str, message: str) -> None:
    stage.define()
    request = {
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": SUBNETS, **change,
    }  # fmt: skip
    refused, said = refusal(stage.ecs.create_service, **request)
    assert refused == code
    assert message in said
    assert stage.ecs.list_services()["serviceArns"] == []


def test_an_awsvpc_task_needs_a_network_configuration(stage: Stage) -> None:
    stage.define()
    code, message = refusal(
        stage.ecs.create_service, serviceName="web", taskDefinition="web", desiredCount=1, launchType="FARGATE"
    )
    assert code == "InvalidParameterException"
    assert message == "Network Configuration must be provided when networkMode 'awsvpc' is specified."


def test_creating_again_gives_the_same_service_or_is_not_idempotent(stage: Stage) -> None:
    stage.define()
    assert stage.create()["createdAt"] == stage.create()["createdAt"]
    assert refusal(stage.create, desired=3)[1] == "Creation of service was not idempotent."


# ---- deletion


def test_a_service_that_wants_tasks_is_deleted_only_by_force(stage: Stage) -> None:
    stage.define()
    stage.settled()
    code, message = refusal(stage.ecs.delete_service, service="web")
    assert code == "InvalidParameterException"
    assert message == "The service cannot be stopped while it is scaled above 0."


def test_a_service_is_not_deleted_while_a_deployment_is_going_on(stage: Stage) -> None:
    stage.define()
    stage.settled()
    stage.ecs.update_service(service="web", desiredCount=0, forceNewDeployment=True)
    message = refusal(stage.ecs.delete_service, service="web")[1]
    assert message == "The service cannot be stopped while deployments are active."
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    stage.ecs.delete_service(service="web")


def test_a_deleted_service_drains_then_is_inactive_then_is_missing(stage: Stage) -> None:
    group = stage.group()
    stage.define()
    stage.settled(vpcLatticeConfigurations=[attach(group)])
    assert stage.ecs.delete_service(service="web", force=True)["service"]["status"] == "DRAINING"
    assert stage.ecs.list_services()["serviceArns"] == []
    assert refusal(stage.create)[1] == "Unable to Start a service that is still Draining."
    assert refusal(stage.ecs.update_service, service="web", desiredCount=1)[0] == "ServiceNotActiveException"
    stage.until(lambda: stage.service()["status"] == "INACTIVE")
    assert stage.targets(group) == {}
    assert stage.service()["deployments"] == []
    stage.advance(3600)
    answer = stage.ecs.describe_services(services=["web"])
    assert answer["services"] == []
    assert answer["failures"] == [{"arn": ARN, "reason": "MISSING"}]


def test_the_name_of_an_inactive_service_is_free(stage: Stage) -> None:
    stage.define()
    first = stage.settled()
    stage.ecs.delete_service(service="web", force=True)
    stage.until(lambda: stage.service()["status"] == "INACTIVE")
    second = stage.settled()
    assert second["createdAt"] > first["createdAt"]
    stage.advance(7200)
    assert stage.service()["status"] == "ACTIVE", "the old one's end does not take the new one along"


# ---- lists and descriptions


def test_lists_come_in_pages(stage: Stage) -> None:
    stage.define()
    for number in range(12):
        stage.create(f"web-{number:02}", desired=0)
    first = stage.ecs.list_services()
    assert len(first["serviceArns"]) == 10
    rest = stage.ecs.list_services(nextToken=first["nextToken"])
    assert [arn[-2:] for arn in rest["serviceArns"]] == ["10", "11"]
    assert "nextToken" not in rest
    assert refusal(stage.ecs.describe_services, services=first["serviceArns"] + ["x"])[0] == "InvalidParameterException"


def test_service_deployments_come_newest_first_and_can_be_filtered(stage: Stage) -> None:
    stage.define()
    stage.settled()
    stage.ecs.update_service(service="web", forceNewDeployment=True)
    first = stage.ecs.list_service_deployments(service="web", maxResults=1)
    assert [each["status"] for each in first["serviceDeployments"]] == ["IN_PROGRESS"]
    rest = stage.ecs.list_service_deployments(service="web", nextToken=first["nextToken"])
    assert [each["status"] for each in rest["serviceDeployments"]] == ["SUCCESSFUL"]
    only = stage.ecs.list_service_deployments(service="web", status=["SUCCESSFUL"])
    assert only["serviceDeployments"] == rest["serviceDeployments"]
    after = {"after": first["serviceDeployments"][0]["createdAt"]}
    newer = stage.ecs.list_service_deployments(service="web", createdAt=after)["serviceDeployments"]
    assert newer == first["serviceDeployments"]


def test_unknown_deployments_revisions_and_tasks_are_failures(stage: Stage) -> None:
    arn = "arn:aws:ecs:us-east-1:123456789012:service-deployment/default/web/x"
    missing = [{"arn": arn, "reason": "MISSING"}]
    assert stage.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["failures"] == missing
    assert stage.ecs.describe_service_revisions(serviceRevisionArns=[arn])["failures"] == missing
    assert stage.ecs.describe_tasks(tasks=["f" * 32])["failures"][0]["reason"] == "MISSING"
    assert refusal(stage.ecs.list_service_deployments, service="x")[0] == "ServiceNotFoundException"


def test_tags_are_shown_on_request_and_change_without_a_deployment(stage: Stage) -> None:
    stage.define()
    stage.create(tags=[{"key": "lattice.service", "value": "shop"}])
    stage.ecs.tag_resource(resourceArn=ARN, tags=[{"key": "lattice.weight", "value": "10"}])
    stage.ecs.untag_resource(resourceArn=ARN, tagKeys=["lattice.service"])
    assert stage.service()["tags"] == [{"key": "lattice.weight", "value": "10"}]
    assert "tags" not in stage.ecs.describe_services(services=["web"])["services"][0]
    assert len(stage.history()) == 1
    short = ARN.replace("default/", "")
    tags = [{"key": "a", "value": "b"}]
    assert refusal(stage.ecs.tag_resource, resourceArn=short, tags=tags)[0] == "InvalidParameterException"
    bad = [{"key": "a", "value": "*"}]
    assert refusal(stage.ecs.tag_resource, resourceArn=ARN, tags=bad)[0] == "InvalidParameterException"


def test_a_task_shows_its_address_in_both_spellings(stage: Stage) -> None:
    stage.define()
    stage.settled(desired=1)
    [task] = stage.tasks()
    [attachment] = task["attachments"]
    details = {item["name"]: item["value"] for item in attachment["details"]}
    assert attachment["type"] == "ElasticNetworkInterface"
    assert details["privateIPv4Address"] == ip_of(task)
    assert details["subnetId"] in SUBNETS["awsvpcConfiguration"]["subnets"]
    assert task["group"] == "service:web"
    assert task["startedBy"] == stage.primary()["id"]
    assert (task["lastStatus"], task["desiredStatus"], task["version"]) == ("RUNNING", "RUNNING", 3)


def test_a_task_in_a_subnet_of_ec2_has_an_address_and_an_interface_of_it(stage: Stage) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/28")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    stage.define()
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    stage.settled(desired=1, networkConfiguration=network)
    ip = ip_of(stage.tasks()[0])
    assert ip.startswith("10.7.1.")
    [interface] = ec2.describe_network_interfaces(Filters=[{"Name": "private-ip-address", "Values": [ip]}])[
        "NetworkInterfaces"
    ]
    assert interface["Groups"][0]["GroupId"] == group
    stage.ecs.update_service(service="web", desiredCount=0)
    stage.until(lambda: stage.service()["runningCount"] == 0 and stage.tasks(desired="STOPPED"))
    stage.until(
        lambda: (
            not ec2.describe_network_interfaces(Filters=[{"Name": "private-ip-address", "Values": [ip]}])[
                "NetworkInterfaces"
            ]
        )
    )


def test_a_full_subnet_is_a_placement_failure_until_there_is_room(stage: Stage) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/28")["Subnet"]["SubnetId"]
    stage.define()
    stage.create(desired=12, networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}})
    stage.advance(90)
    assert stage.service()["runningCount"] == 11
    [first, *_] = events("ECS Service Action", eventName="SERVICE_TASK_PLACEMENT_FAILURE")
    assert "has no free address" in first["detail"]["reason"]
    stage.ecs.update_service(service="web", desiredCount=11)
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")


def test_a_bridge_task_is_reached_at_its_instance_and_host_port(stage: Stage) -> None:
    group = stage.group()
    instance, private_ip = container_instance(stage)
    stage.ecs.register_task_definition(
        family="bridge", networkMode="bridge",
        containerDefinitions=[
            {"name": "app", "image": "x", "memory": 128, "portMappings": [{"name": "web", "containerPort": 8080}]}
        ],
    )  # fmt: skip
    stage.ecs.create_service(
        serviceName="web", taskDefinition="bridge", desiredCount=2, launchType="EC2",
        vpcLatticeConfigurations=[attach(group)],
    )  # fmt: skip
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    tasks = stage.tasks()
    ports = {task["containers"][0]["networkBindings"][0]["hostPort"] for task in tasks}
    assert {task["containerInstanceArn"] for task in tasks} == {instance}
    assert ports == {32768, 32769}
    items = stage.lattice.list_targets(targetGroupIdentifier=group)["items"]
    assert {(item["id"], item["port"]) for item in items} == {(private_ip, port) for port in ports}


def test_a_bridge_task_without_an_instance_finds_no_place(stage: Stage) -> None:
    stage.ecs.register_task_definition(
        family="bridge", networkMode="bridge",
        containerDefinitions=[{"name": "app", "image": "x", "memory": 128}],
    )  # fmt: skip
    stage.ecs.create_service(serviceName="web", taskDefinition="bridge", desiredCount=1)
    assert events("ECS Service Action", eventName="SERVICE_TASK_PLACEMENT_FAILURE", eventType="ERROR")
    container_instance(stage)
    stage.until(lambda: stage.service()["runningCount"] == 1)


def container_instance(stage: Stage) -> tuple[str, str]:
    ec2 = boto3.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    groups = [open_group(ec2)]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SecurityGroupIds=groups)["Instances"][0]
    document = json.dumps({"instanceId": made["InstanceId"]})
    answer = stage.ecs.register_container_instance(instanceIdentityDocument=document)
    return answer["containerInstance"]["containerInstanceArn"], made["PrivateIpAddress"]


def test_a_task_that_the_user_stops_is_replaced(stage: Stage) -> None:
    stage.define()
    stage.settled(desired=1)
    arn = stage.tasks()[0]["taskArn"]
    stopped = stage.ecs.stop_task(task=arn, reason="trying")["task"]
    assert (stopped["desiredStatus"], stopped["stopCode"], stopped["stoppedReason"]) == (
        "STOPPED", "UserInitiated", "trying",
    )  # fmt: skip
    stage.until(lambda: stage.service()["runningCount"] == 1 and stage.tasks()[0]["taskArn"] != arn)
    stage.advance(3700)
    assert stage.ecs.describe_tasks(tasks=[arn])["failures"][0]["reason"] == "MISSING"


def test_a_process_goes_on_answering_after_sigterm_as_long_as_it_says(stage: Stage) -> None:
    stage.define(STOP_SECONDS=20)
    stage.settled(desired=1)
    [task] = stage.tasks()
    stage.ecs.update_service(service="web", desiredCount=0)
    stage.advance(19)
    from local_aws.network import Request

    assert stage.machine.network.send(ip_of(task), 8080, Request()).status == 200
    stage.advance(2)
    with pytest.raises(ConnectionRefusedError):
        stage.machine.network.send(ip_of(task), 8080, Request())


def test_run_task_works_with_memory_at_the_task_level_alone(stage: Stage) -> None:
    stage.define()
    network = {"awsvpcConfiguration": {"subnets": [subnet_of_ec2()], "securityGroups": []}}
    [task] = stage.ecs.run_task(taskDefinition="web", launchType="FARGATE", networkConfiguration=network)["tasks"]
    assert stage.ecs.describe_tasks(tasks=[task["taskArn"]])["tasks"][0]["lastStatus"] == "RUNNING"
    assert stage.ecs.list_tasks(family="web")["taskArns"] == [task["taskArn"]]


def subnet_of_ec2() -> str:
    return boto3.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]


def test_a_cluster_counts_its_services_and_tasks(stage: Stage) -> None:
    def counts() -> tuple[int, int, int]:
        (found,) = stage.ecs.describe_clusters(clusters=["default"])["clusters"]
        return found["activeServicesCount"], found["pendingTasksCount"], found["runningTasksCount"]

    stage.ecs.create_cluster(clusterName="other")
    assert counts() == (0, 0, 0)
    stage.define()
    stage.create(desired=3)
    stage.advance(1)
    assert counts() == (1, 3, 0)
    stage.until(lambda: counts() == (1, 0, 3))
    (other,) = stage.ecs.describe_clusters(clusters=["other"])["clusters"]
    assert (other["activeServicesCount"], other["runningTasksCount"]) == (0, 0)
    stage.ecs.delete_service(service="web", force=True)
    stage.until(lambda: counts() == (0, 0, 0))


def test_task_sets_of_other_controllers_stay_as_moto_has_them(stage: Stage) -> None:
    stage.define()
    stage.ecs.create_service(serviceName="web", desiredCount=0, deploymentController={"type": "EXTERNAL"})
    stage.ecs.create_task_set(cluster="default", service="web", taskDefinition="web", launchType="FARGATE")
    [shown] = stage.service()["taskSets"]
    assert shown["taskDefinition"].endswith("web:1")
    assert stage.service()["deployments"] == []
    assert stage.service()["deploymentController"] == {"type": "EXTERNAL"}
    assert stage.ecs.delete_service(service="web", force=True)["service"]["status"] == "INACTIVE"


def test_load_balancers_are_kept_as_they_are(stage: Stage) -> None:
    stage.define()
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef"
    balancers = [{"targetGroupArn": arn, "containerName": "app", "containerPort": 8080}]
    assert stage.settled(loadBalancers=balancers)["loadBalancers"] == balancers


# ---- events


def test_deployment_events_name_the_service_in_resources_alone(stage: Stage) -> None:
    stage.define()
    stage.settled()
    started, done = events("ECS Deployment State Change")
    identifier = stage.primary()["id"]
    assert started["resources"] == done["resources"] == [ARN]
    assert started["source"] == "aws.ecs"
    assert started["detail"] == {
        "eventType": "INFO",
        "eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "deploymentId": identifier,
        "updatedAt": "2026-11-23T09:00:00Z",
        "reason": f"ECS deployment {identifier} in progress.",
    }
    assert done["detail"]["eventName"] == "SERVICE_DEPLOYMENT_COMPLETED"
    assert done["detail"]["reason"] == f"ECS deployment {identifier} completed."


def test_a_steady_service_says_so_again_every_six_hours(stage: Stage) -> None:
    stage.define()
    stage.settled()
    stage.advance(6 * 3600)
    said = events("ECS Service Action", eventName="SERVICE_STEADY_STATE")
    assert len(said) == 2
    assert said[0]["resources"] == [ARN]
    assert set(said[0]["detail"]) == {"eventType", "eventName", "clusterArn", "createdAt"}


def test_each_change_of_a_task_is_an_event_with_a_higher_version(stage: Stage) -> None:
    group = stage.group()
    stage.define()
    stage.settled(desired=1, vpcLatticeConfigurations=[attach(group)])
    stage.ecs.update_service(service="web", desiredCount=0)
    stage.until(
        lambda: (
            stage.tasks(desired="STOPPED")[0]["lastStatus"] == "STOPPED" if stage.tasks(desired="STOPPED") else False
        )
    )
    said = [event["detail"] for event in events("ECS Task State Change")]
    assert [(each["lastStatus"], each["desiredStatus"]) for each in said] == [
        ("PROVISIONING", "RUNNING"),
        ("PENDING", "RUNNING"),
        ("RUNNING", "RUNNING"),
        ("RUNNING", "STOPPED"),
        ("DEACTIVATING", "STOPPED"),
        ("STOPPING", "STOPPED"),
        ("DEPROVISIONING", "STOPPED"),
        ("STOPPED", "STOPPED"),
    ]
    assert [each["version"] for each in said] == list(range(1, 9))
    running = said[2]
    assert running["attachments"][0]["type"] == "eni"
    assert "tags" not in running
    assert "healthStatus" not in running
    assert running["group"] == "service:web"
    assert json.loads(json.dumps(running)) == running, "an event is JSON"


def test_calls_are_said_by_cloudtrail_with_their_parameters(stage: Stage) -> None:
    stage.define()
    stage.create()
    stage.ecs.update_service(service="web", desiredCount=1)
    stage.ecs.tag_resource(resourceArn=ARN, tags=[{"key": "a", "value": "b"}])
    stage.ecs.untag_resource(resourceArn=ARN, tagKeys=["a"])
    refusal(stage.ecs.delete_service, service=ARN)
    stage.ecs.delete_service(service=ARN, force=True)
    said = [event["detail"] for event in events("AWS API Call via CloudTrail")]
    assert [(each["eventName"], each.get("errorCode")) for each in said] == [
        ("CreateService", None),
        ("UpdateService", None),
        ("TagResource", None),
        ("UntagResource", None),
        ("DeleteService", "InvalidParameterException"),
        ("DeleteService", None),
    ]
    assert said[0]["requestParameters"]["serviceName"] == "web"
    assert said[0]["responseElements"]["service"]["serviceArn"] == ARN
    assert said[1]["requestParameters"] == {"service": "web", "desiredCount": 1}
    assert said[2]["requestParameters"] == {"resourceArn": ARN, "tags": [{"key": "a", "value": "b"}]}
    assert said[3]["requestParameters"] == {"resourceArn": ARN, "tagKeys": ["a"]}
    assert said[4]["errorMessage"] == "The service cannot be stopped while it is scaled above 0."
    assert said[4]["responseElements"] is None
    assert said[5]["requestParameters"] == {"service": ARN, "force": True}
    assert {each["eventSource"] for each in said} == {"ecs.amazonaws.com"}
    assert {event["source"] for event in events("AWS API Call via CloudTrail")} == {"aws.ecs"}
    assert said[0]["userIdentity"]["accountId"] == "123456789012"


def test_a_role_session_is_the_caller_that_cloudtrail_names(stage: Stage) -> None:
    role = "arn:aws:iam::123456789012:role/deployer"
    key = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="ci")["Credentials"]
    client = boto3.client(
        "ecs",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key["SessionToken"],
    )
    stage.define()
    client.create_service(serviceName="web", taskDefinition="web", desiredCount=0, networkConfiguration=SUBNETS)
    [said] = events("AWS API Call via CloudTrail")
    identity = said["detail"]["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == "arn:aws:sts::123456789012:assumed-role/deployer/ci"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role


def test_whoever_hears_an_event_can_call_ecs_at_once_and_finds_what_it_was_told(stage: Stage) -> None:
    seen: list[tuple[str, str]] = []

    def listen(event: dict[str, Any]) -> None:
        if event["detail-type"] == "ECS Deployment State Change":
            seen.append((event["detail"]["eventName"], stage.history()[0]["status"]))

    event_buses().subscribe(listen)
    stage.define()
    stage.settled()
    assert seen == [("SERVICE_DEPLOYMENT_IN_PROGRESS", "IN_PROGRESS"), ("SERVICE_DEPLOYMENT_COMPLETED", "SUCCESSFUL")]


# ---- lag, faults, log


def test_reads_lag_when_asked_to(stage: Stage) -> None:
    stage.define()
    stage.backend.settings.read_lag_seconds = 5
    stage.create(desired=1)
    assert stage.ecs.describe_services(services=["web"])["failures"][0]["reason"] == "MISSING"
    assert stage.ecs.list_services()["serviceArns"] == []
    stage.advance(5)
    assert stage.service()["desiredCount"] == 1
    stage.ecs.update_service(service="web", desiredCount=0)
    stage.advance(4)
    assert stage.service()["desiredCount"] == 1
    assert len(stage.tasks()) == 1
    stage.advance(1)
    assert stage.service()["desiredCount"] == 0
    assert stage.tasks() == []
    assert len(stage.tasks(desired="STOPPED")) == 1


def test_a_refused_call_does_nothing_and_is_logged(stage: Stage) -> None:
    stage.define()
    stage.settled()
    stage.backend.faults.throttle("UpdateService")
    assert refusal(stage.ecs.update_service, service="web", desiredCount=0)[0] == "ThrottlingException"
    assert stage.service()["desiredCount"] == 2
    call = next(each for each in stage.backend.calls if each.operation == "UpdateService")
    assert (call.error, call.parameters, call.writes) == (
        "ThrottlingException", {"service": "web", "desiredCount": 0}, True,
    )  # fmt: skip
    stage.ecs.update_service(service="web", desiredCount=0)
    assert stage.service()["desiredCount"] == 0


def test_a_lost_answer_is_a_broken_connection_after_the_deed(stage: Stage) -> None:
    stage.define()
    stage.settled()
    stage.backend.faults.lose_answer("UpdateService")
    with pytest.raises(ConnectionClosedError):
        stage.ecs.update_service(service="web", forceNewDeployment=True)
    assert len(stage.history()) == 2
    assert stage.backend.calls[-2].error is None


def test_every_start_of_the_local_aws_begins_empty(stage: Stage) -> None:
    stage.define()
    stage.settled()
    with ecs_stage.stage() as other:
        assert other.ecs.list_services()["serviceArns"] == []
        assert other.backend.calls[-1].operation == "ListServices"
