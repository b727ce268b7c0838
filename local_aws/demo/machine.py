"""What the demo does on the local AWS, and what it reads of it to know that a step is over."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.demo import graph
from local_aws.server import LocalAws

STACK = "file-transfer"
_POLL_SECONDS = 0.25
# Calls of the application that are its own memory and messages: not what changed the account.
_KINDS = {
    "ECS Deployment State Change": "deployment",
    "ECS Service Action": "service action",
    "AWS API Call via CloudTrail": "CloudTrail",
}
_BOOKKEEPING = {"dynamodb", "sqs", "logs"}


@dataclass
class Machine:
    """One local AWS with the application loaded, and the example's stack on it."""

    aws: LocalAws
    _cursors: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lattice = self.aws.client("vpc-lattice")
        self.ecs = self.aws.client("ecs")
        self.cloudformation = self.aws.client("cloudformation")
        self.mark()

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether ``condition`` came true within ``seconds`` of real time."""
        ends_at = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > ends_at:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def graph(self) -> graph.Graph:
        return graph.read(self.lattice)

    def service(self) -> dict[str, Any]:
        """The example's ECS service; {} when there is none."""
        resources = self.cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        arn = next(r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::ECS::Service")
        cluster = next(r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::ECS::Cluster")
        found = self.ecs.describe_services(cluster=cluster, services=[arn])["services"]
        return dict(found[0]) if found else {}

    def deployments(self) -> list[dict[str, Any]]:
        """The service deployments so far, oldest first."""
        service = self.service()
        listed = self.ecs.list_service_deployments(service=service["serviceArn"], cluster=service["clusterArn"])
        return sorted(listed["serviceDeployments"], key=lambda deployment: deployment["createdAt"])

    def deploy(self, template: str, parameters: dict[str, str], *, update: bool = False) -> None:
        """Create or update the example's stack."""
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        change = self.cloudformation.update_stack if update else self.cloudformation.create_stack
        change(StackName=STACK, TemplateBody=template, Parameters=given, Capabilities=["CAPABILITY_IAM"])

    def delete(self) -> None:
        self.cloudformation.delete_stack(StackName=STACK)

    def mark(self) -> None:
        """From here on ``happened`` counts."""
        for page in ("events", "calls", "invocations"):
            self._cursors[page] = self._inspect(page)["cursor"]

    def written(self) -> list[tuple[str, str]]:
        """(function, operation) of the application's own writes to ECS and Lattice since ``mark``."""
        calls = self._inspect("calls")["calls"]
        return [
            (_short(call["caller"]), call["operation"])
            for call in calls
            if call["caller"] != "client" and call["service"] not in _BOOKKEEPING and call["error"] is None
        ]

    def happened(self) -> dict[str, list[str]]:
        """Events, function runs and the application's writes since ``mark``, as lines; counted."""
        events = Counter(_named(event) for event in self._inspect("events")["events"])
        runs = Counter(_short(run["function"]) for run in self._inspect("invocations")["invocations"])
        writes = Counter(f"{caller}: {operation}" for caller, operation in self.written())
        counted = {"events": events, "functions": runs, "written": writes}
        return {name: [f"{count} x {what}" for what, count in counter.items()] for name, counter in counted.items()}

    def failed(self) -> list[str]:
        """Runs that failed and dead letters since the start: there should be none."""
        runs = self._read("invocations", 0)["invocations"]
        letters = self._read("dead-letters", 0)["dead-letters"]
        return [f"{run['function']}: {run['error']}" for run in runs if run["error"]] + [
            f"dead letter in {letter['queue']}: {letter['body'][:200]}" for letter in letters
        ]

    def _inspect(self, page: str) -> dict[str, Any]:
        return self._read(page, self._cursors.get(page, 0))

    def _read(self, page: str, since: int) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.aws.endpoint_url}/_local_aws/{page}?since={since}") as answer:  # noqa: S310  the local AWS
            return dict(json.load(answer))


def _named(event: dict[str, Any]) -> str:
    detail = event["detail"]
    if event["detail-type"] == "ECS Task State Change":
        return f"task is {detail['lastStatus']}" + (", to stop" if detail["desiredStatus"] == "STOPPED" else "")
    return f"{_KINDS.get(event['detail-type'], event['detail-type'])} {detail.get('eventName', '')}"


def _short(function: str) -> str:
    """``LatticeServiceFunction`` of ``ecs-lattice-LatticeServiceFunction-LGMH91M57A43``."""
    return next((part for part in function.split("-") if part.endswith("Function")), function)


def example_template() -> str:
    """The example's template, as it is deployed on AWS."""
    return (Path(__file__).parents[2] / "examples" / "file-transfer" / "template.yaml").read_text()
