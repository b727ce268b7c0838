"""The local ECS in stacks: services and task definitions with all their properties."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.local_aws import ecs_stage
from tests.local_aws.ecs_stage import SUBNETS, Stage, attach, events


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ecs_stage.stage() as running:
        yield running


def template(groups: list[str], **service: Any) -> str:
    definition = {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": "web",
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "Cpu": 256,
            "Memory": "512",
            "ContainerDefinitions": [
                {
                    "Name": "app",
                    "Image": "shop:1",
                    "Essential": "true",
                    "StopTimeout": "60",
                    "PortMappings": [{"Name": "web", "ContainerPort": "8080"}],
                    "DockerLabels": {"lattice.service": "shop", "Team": "Files"},
                    "Environment": [{"Name": "VERSION", "Value": "7"}],
                    "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "/shop"}},
                }
            ],
        },
    }
    lattice = [{"RoleArn": ecs_stage.ROLE, "TargetGroupArn": group, "PortName": "web"} for group in groups]
    properties = {
        "ServiceName": "web",
        "Cluster": "default",
        "TaskDefinition": {"Ref": "Definition"},
        "DesiredCount": "2",
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "Subnets": SUBNETS["awsvpcConfiguration"]["subnets"],
                "SecurityGroups": ["sg-1"],
            }
        },
        "DeploymentConfiguration": {"DeploymentCircuitBreaker": {"Enable": "true", "Rollback": True}},
        "Tags": [{"Key": "lattice.pause", "Value": "true"}],
        **({"VpcLatticeConfigurations": lattice} if lattice else {}),
        **service,
    }
    resources = {"Definition": definition, "Service": {"Type": "AWS::ECS::Service", "Properties": properties}}
    outputs = {"Name": {"Value": {"Fn::GetAtt": ["Service", "Name"]}}, "Arn": {"Value": {"Ref": "Service"}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def test_a_stack_makes_a_service_with_all_its_properties(stage: Stage) -> None:
    group = stage.group()
    stacks = boto3.client("cloudformation")
    stacks.create_stack(StackName="shop", TemplateBody=template([group]))
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    service = stage.service()
    assert (service["runningCount"], service["launchType"]) == (2, "FARGATE")
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service["tags"] == [{"key": "lattice.pause", "value": "true"}]
    assert stage.primary()["vpcLatticeConfigurations"] == [attach(group)]
    answer = stage.ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    [container] = answer["containerDefinitions"]
    assert (answer["cpu"], answer["networkMode"]) == ("256", "awsvpc")
    assert container["dockerLabels"] == {"lattice.service": "shop", "Team": "Files"}
    assert container["logConfiguration"]["options"] == {"awslogs-group": "/shop"}
    assert (container["stopTimeout"], container["essential"]) == (60, True)
    assert container["portMappings"][0] == {"name": "web", "containerPort": 8080}
    outputs = {
        item["OutputKey"]: item["OutputValue"]
        for item in stacks.describe_stacks(StackName="shop")["Stacks"][0]["Outputs"]
    }
    assert outputs == {"Name": "web", "Arn": service["serviceArn"]}
    assert [event["detail"]["eventName"] for event in events("AWS API Call via CloudTrail")] == ["CreateService"]


def test_a_stack_update_that_leaves_the_workload_alone_deploys_nothing(stage: Stage) -> None:
    group = stage.group()
    stacks = boto3.client("cloudformation")
    stacks.create_stack(StackName="shop", TemplateBody=template([group]))
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    stacks.update_stack(StackName="shop", TemplateBody=template([group], DesiredCount=1))
    stage.advance(120)
    assert stage.service()["runningCount"] == 1
    assert len(stage.history()) == 1


def test_a_stack_update_without_the_lattice_list_empties_it(stage: Stage) -> None:
    group = stage.group()
    stacks = boto3.client("cloudformation")
    stacks.create_stack(StackName="shop", TemplateBody=template([group]))
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    stacks.update_stack(StackName="shop", TemplateBody=template([]))
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    assert len(stage.history()) == 2
    assert stage.targets(group) == {}


def test_a_stack_update_leaves_a_list_alone_that_is_in_no_template(stage: Stage) -> None:
    group = stage.group()
    stacks = boto3.client("cloudformation")
    stacks.create_stack(StackName="shop", TemplateBody=template([]))
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    arn = stage.service()["serviceArn"]
    boto3.client("ecs").update_service(
        cluster=arn.split("/")[-2], service=arn, vpcLatticeConfigurations=[attach(group)]
    )
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    stacks.update_stack(StackName="shop", TemplateBody=template([], DesiredCount=1))
    stage.advance(120)
    assert stage.primary()["vpcLatticeConfigurations"] == [attach(group)]


def test_deleting_a_stack_deletes_its_service(stage: Stage) -> None:
    stacks = boto3.client("cloudformation")
    stacks.create_stack(StackName="shop", TemplateBody=template([]))
    stage.until(lambda: stage.primary()["rolloutState"] == "COMPLETED")
    stacks.delete_stack(StackName="shop")
    stage.until(lambda: stage.service()["status"] == "INACTIVE")
    assert [event["detail"]["eventName"] for event in events("AWS API Call via CloudTrail")][-1] == "DeleteService"
