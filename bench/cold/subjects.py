"""What the functions work on while they are measured: ECS services that have opted in, one of them known to the registry."""

import json
from dataclasses import dataclass

from local_aws.server import LocalAws

_KNOWN, _NEW = "cold-known", "cold-new"


@dataclass(frozen=True, slots=True)
class Subjects:
    """``new`` is the ARN of an ECS service that no function has seen; on the Lattice service ``lattice_service`` lies the
    claim of another one of the same name, which nobody has answered."""

    new: str
    lattice_service: str


def prepare(aws: LocalAws, ecs_service_function: str) -> Subjects:
    """Make both services and have the claim of one written. Nothing else may run meanwhile. RuntimeError if that fails."""
    known, new = (_service(aws, name) for name in (_KNOWN, _NEW))
    body = json.dumps({"kind": "ecsService", "key": known})
    batch = {"Records": [{"messageId": "m", "receiptHandle": "r", "body": body, "attributes": {}}]}
    answer = aws.client("lambda").invoke(FunctionName=ecs_service_function, Payload=json.dumps(batch).encode())
    said = json.loads(answer["Payload"].read())
    if said != {"batchItemFailures": []}:
        raise RuntimeError(f"The service {known} could not be made known: {said}")
    return Subjects(new, _KNOWN)


def _service(aws: LocalAws, name: str) -> str:
    ecs, ec2 = aws.client("ecs"), aws.client("ec2")
    labels = {"lattice.service": name, "lattice.port": "web", "lattice.listener": "HTTP:80"}
    ports = [{"name": "web", "containerPort": 8080}]
    ecs.register_task_definition(
        family=name,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[
            {"name": "app", "image": "example.com/app:1", "portMappings": ports, "dockerLabels": labels}
        ],
    )
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
    groups = [each["GroupId"] for each in ec2.describe_security_groups()["SecurityGroups"]][:1]
    made = ecs.create_service(
        serviceName=name,
        taskDefinition=name,
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": groups}},
    )
    return str(made["service"]["serviceArn"])
