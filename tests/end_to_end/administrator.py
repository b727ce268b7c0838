"""Somebody who owns the account: deploys services, looks at what came of them, and breaks things by hand."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ecs_lattice import ownership
from tests.end_to_end.conftest import Operator
from tests.world import open_group

_PATIENCE_SECONDS = 400.0
_WRONG = f"{ownership.INGRESS}nobody"


@dataclass
class Administrator:
    """Whoever may do everything, and what he has made so far."""

    operator: Operator
    arns: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    _seen: int = 0
    _denied: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = cache(self.operator.aws.client)

    # What he has.

    def output(self, end: str) -> str:
        """The physical id of one of the stack's resources, by the end of its logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName="ecs-lattice")
        found = [one for page in pages for one in page["StackResourceSummaries"] if one["LogicalResourceId"] == end]
        return found[0]["PhysicalResourceId"]

    def group(self, name: str, *, is_open: bool = True) -> str:
        """A security group, open to VPC Lattice or closed to everybody."""
        ec2 = self.client("ec2")
        if is_open:
            self.groups[name] = open_group(ec2, name)
        else:
            self.groups[name] = ec2.create_security_group(GroupName=name, Description="closed")["GroupId"]
        return self.groups[name]

    def register(self, family: str, labels: dict[str, str], ports: dict[str, int], **environment: str) -> None:
        """A task definition with one container; ``labels`` without their prefix."""
        self.client("ecs").register_task_definition(
            family=family,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[
                {
                    "name": "app",
                    "image": f"example.com/{family}:1",
                    "portMappings": [{"name": name, "containerPort": port} for name, port in ports.items()],
                    "dockerLabels": {f"lattice.{key}": value for key, value in labels.items()},
                    "environment": [{"name": name, "value": value} for name, value in environment.items()],
                }
            ],
        )

    def deploy(self, name: str, group: str, cluster: str = "default", count: int = 1, **more: Any) -> str:
        """An ECS service of the task definition of its name; its ARN."""
        subnets = [each["SubnetId"] for each in self.client("ec2").describe_subnets()["Subnets"]][:2]
        self.arns[name] = self.client("ecs").create_service(
            cluster=cluster,
            serviceName=name,
            taskDefinition=name,
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group]}},
            **more,
        )["service"]["serviceArn"]
        return self.arns[name]

    def mistag(self, group: str) -> None:
        """Let the application's rules of a security group say that nobody needs them who does, and somebody who does not."""
        rules = [one for one in self.rules(group) if any(tag["Key"] == ownership.OWNER for tag in one["Tags"])]
        marks = {tag["Key"] for one in rules for tag in one["Tags"] if tag["Key"].startswith(ownership.INGRESS)}
        ids = [one["SecurityGroupRuleId"] for one in rules]
        right = [{"Key": key} for key in sorted(marks - {_WRONG})]
        if right:
            self.client("ec2").delete_tags(Resources=ids, Tags=right)
        if ids and _WRONG not in marks:
            self.client("ec2").create_tags(Resources=ids, Tags=[{"Key": _WRONG, "Value": "8080"}])

    def unlink_lattice(self) -> None:
        """Delete VPC Lattice's service-linked role, which AWS allows only where nothing of VPC Lattice is left."""
        iam, role = self.client("iam"), {"RoleName": "AWSServiceRoleForVpcLattice"}
        for policy in iam.list_attached_role_policies(**role)["AttachedPolicies"]:
            iam.detach_role_policy(**role, PolicyArn=policy["PolicyArn"])
        iam.delete_service_linked_role(**role)

    def tag(self, name: str, tags: dict[str, str]) -> None:
        """Tags of an ECS service, without their prefix."""
        pairs = [{"key": f"lattice.{key}", "value": value} for key, value in tags.items()]
        self.client("ecs").tag_resource(resourceArn=self.arns[name], tags=pairs)

    # What he sees.

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """The first true value of ``condition``. Once a function was denied something there is nothing to wait for."""

        def met() -> Any:
            denied = self.denied()
            assert not denied, f"waiting for {what}: denied was {denied}"
            return condition()

        return self.operator.until(met, what, seconds=_PATIENCE_SECONDS)

    def denied(self) -> list[str]:
        """What roles were not allowed, so far."""
        self._seen, new = self.operator.aws.authorization_log.since(self._seen)
        self._denied += [f"{one.role}: {one.action} on {one.resource}" for one in new if not one.allowed]
        return self._denied

    def records(self) -> list[dict[str, Any]]:
        """The registry's items."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.output("RegistryTable"))
        return [item for page in pages for item in page["Items"]]

    def forget(self, partition: str, sort: str = "") -> None:
        """Take the items whose keys begin so out of the registry."""
        for item in self.records():
            if item["pk"]["S"].startswith(partition) and item["sk"]["S"].startswith(sort):
                key = {name: item[name] for name in ("pk", "sk")}
                self.client("dynamodb").delete_item(TableName=self.output("RegistryTable"), Key=key)

    def answers(self, name: str) -> dict[str, dict[str, Any]]:
        """What the Lattice side answered, by route of an ECS service."""
        mine = [one for one in self.records() if one["sk"]["S"].startswith(f"claim#{self.arns[name]}#")]
        unanswered = {"S": '{"state": "Pending"}'}
        return {one["sk"]["S"].rpartition("#")[2]: json.loads(one.get("answer", unanswered)["S"]) for one in mine}

    def is_live(self, *names: str) -> bool:
        """Whether all routes of the services are."""
        return all({one["state"] for one in self.answers(name).values()} == {"Live"} for name in names)

    def lattice_service(self, name: str) -> str | None:
        listed = self.client("vpc-lattice").list_services()["items"]
        return next((one["arn"] for one in listed if one["name"] == name), None)

    def target_group(self, name: str, route: str) -> str:
        """The ARN of the target group of a route."""
        return self.answers(name)[route]["group_arn"]

    def settled(self, stack: str) -> None:
        """Wait until a stack is made or updated."""

        def status() -> str | None:
            (found,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
            return None if found["StackStatus"].endswith("IN_PROGRESS") else found["StackStatus"]

        assert self.until(status, f"the stack {stack}").endswith("E_COMPLETE")

    def alarms(self, folder: str) -> list[dict[str, Any]]:
        """The parameters that make the alarms of a Lattice service's routes once more."""
        prefix = f"ecs-lattice/ecs-lattice/{folder}"
        found = self.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
        keys = self.client("cloudwatch").meta.service_model.operation_model("PutMetricAlarm").input_shape.members
        return [{key: value for key, value in one.items() if key in keys} for one in found]

    def rules(self, group: str) -> list[dict[str, Any]]:
        """The inbound rules of one of his security groups."""
        of_the_group = [{"Name": "group-id", "Values": [self.groups[group]]}]
        found = self.client("ec2").describe_security_group_rules(Filters=of_the_group)["SecurityGroupRules"]
        return [rule for rule in found if not rule["IsEgress"]]

    def calls(self, function: str) -> set[str]:
        """The operations that a function has called without error."""
        return {
            call.operation
            for call in list(self.operator.aws.journal.calls)
            if function in call.caller and not call.error
        }

    def called(self, function: str, *operations: str) -> None:
        """Wait until the function has made the calls."""
        for operation in operations:
            self.until(lambda wanted=operation: wanted in self.calls(function), f"{operation} by {function}")
