"""What the demo does on the local AWS, and what it reads to know that a step has completed."""

import json
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.demo import ecs, graph
from local_aws.server import LocalAws

STACK, APPLICATION = "file-transfer", "ecs-lattice"
_POLL_SECONDS = 0.25
_TASKS = "ECS Task State Change"
# Calls for the application's own state and messages: they do not change the account.
_BOOKKEEPING = {"dynamodb", "sqs", "logs"}
_ALARMS = {"cloudwatch", "monitoring", "sns", "events"}


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
        """Whether ``condition`` becomes true within ``seconds`` of real time."""
        ends_at = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > ends_at:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def graph(self) -> graph.Graph:
        return graph.read(self.lattice)

    def service(self) -> ecs.EcsService | None:
        """The example's ECS service; None once it is deleted."""
        resources = self._resources()
        if "AWS::ECS::Service" not in resources:
            return None
        return ecs.read(self.ecs, resources["AWS::ECS::Cluster"], resources["AWS::ECS::Service"])

    def deployments(self) -> list[str]:
        """The statuses of the service deployments so far, oldest first."""
        resources = self._resources()
        found = ecs.listed(self.ecs, resources["AWS::ECS::Cluster"], resources["AWS::ECS::Service"])
        return [deployment["status"] for deployment in found]

    def deploy(self, template: str, parameters: dict[str, str], *, update: bool = False) -> None:
        """Create or update the example's stack."""
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        change = self.cloudformation.update_stack if update else self.cloudformation.create_stack
        change(StackName=STACK, TemplateBody=template, Parameters=given, Capabilities=["CAPABILITY_IAM"])

    def delete(self) -> None:
        self.cloudformation.delete_stack(StackName=STACK)

    def _resources(self) -> dict[str, str]:
        """Physical ids of the example's stack by resource type, without deleted resources."""
        found = self.cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        return {item["ResourceType"]: item["PhysicalResourceId"] for item in found}

    def mark(self) -> None:
        """Start a new chapter for ``happened``, ``messages`` and ``written``."""
        for page in ("events", "calls", "invocations", "messages"):
            self._cursors[page] = self._inspect(page)["cursor"]

    def output(self, name: str) -> str:
        """An output of the application's own stack."""
        (stack,) = self.cloudformation.describe_stacks(StackName=APPLICATION)["Stacks"]
        return next(str(output["OutputValue"]) for output in stack["Outputs"] if output["OutputKey"] == name)

    def resource(self, type_: str) -> str:
        """The physical id of the one resource of this type in the example's stack."""
        return self._resources()[type_]

    def messages(self) -> list[dict[str, Any]]:
        """The emails that SNS would have sent since ``mark``, oldest first."""
        return [message for message in self._inspect("messages")["messages"] if message["protocol"] == "email"]

    def written(self) -> list[tuple[str, str]]:
        """(function, operation) of the application's own writes to ECS, Lattice and EC2 since ``mark``."""
        return [(function, operation) for service, function, operation in self._calls() if service not in _ALARMS]

    def _calls(self) -> list[tuple[str, str, str]]:
        """(service, function, operation) of the application's writes since ``mark``, other than to its own state."""
        return [
            (call["service"], _short(call["caller"]), call["operation"])
            for call in self._inspect("calls")["calls"]
            if call["caller"] != "client" and call["service"] not in _BOOKKEEPING and call["error"] is None
        ]

    def happened(self) -> dict[str, list[str]]:
        """Events, runs of functions and the writes of each since ``mark``, counted, in the order of the first occurrence."""
        runs = Counter(_short(run["function"]) for run in self._inspect("invocations")["invocations"])
        happened = {
            "events": _counted(self._inspect("events")["events"]),
            "invocations": [f"{count} {function}" for function, count in runs.items()],
        }
        for function, writes in self._writes().items():
            happened[f"{function} called"] = [f"{count} {operation}" for operation, count in writes.items()]
        return happened if self._calls() else happened | {"calls": []}

    def _writes(self) -> dict[str, Counter[str]]:
        writes: dict[str, Counter[str]] = {}
        for _, function, operation in self._calls():
            writes.setdefault(function, Counter())[operation] += 1
        return writes

    def failed(self) -> list[str]:
        """Failed runs and dead letters since the start: there should be none.

        Scheduled events of the probe that expired before its first run do not count: a function's cold start takes
        seconds of real time, which are minutes here.
        """
        runs = self._read("invocations", 0)["invocations"]
        dead = [
            message for message in self._read("dead-letters", 0)["dead-letters"] if not _is_scheduled(message["body"])
        ]
        return [f"{run['function']}: {run['error']}" for run in runs if run["error"]] + [
            f"dead letter in {message['queue']}: {message['body'][:200]}" for message in dead
        ]

    def _inspect(self, page: str) -> dict[str, Any]:
        return self._read(page, self._cursors.get(page, 0))

    def _read(self, page: str, since: int) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.aws.endpoint_url}/_local_aws/{page}?since={since}") as answer:  # noqa: S310  the local AWS
            return dict(json.load(answer))


def _counted(events: list[dict[str, Any]]) -> list[str]:
    """Events by kind, counted. All task state changes are one entry."""
    tasks = [event["detail"] for event in events if event["detail-type"] == _TASKS]
    kinds = Counter(_kind(event) for event in events if event["detail-type"] != _TASKS)
    entries = [f"{count} {kind}" for kind, count in kinds.items()]
    if not tasks:
        return entries
    started = {task["taskArn"] for task in tasks if task["lastStatus"] == task["desiredStatus"] == "RUNNING"}
    stopped = {task["taskArn"] for task in tasks if task["lastStatus"] == "STOPPED"}
    return [*entries, f"{len(tasks)} task state changes ({len(started)} tasks started, {len(stopped)} stopped)"]


def _kind(event: dict[str, Any]) -> str:
    """``deployment completed`` for SERVICE_DEPLOYMENT_COMPLETED, ``steady state`` for SERVICE_STEADY_STATE."""
    name = str(event["detail"].get("eventName", event["detail-type"]))
    return name.removeprefix("SERVICE_").replace("_", " ").lower() if name.isupper() else name


def _is_scheduled(body: str) -> bool:
    """Whether a dead letter is one of the probe's scheduled events."""
    try:
        event = json.loads(body)
    except ValueError:
        return False
    resources = event.get("resources", ()) if isinstance(event, dict) else ()
    return any("TargetHealth" in resource for resource in resources)


def _short(function: str) -> str:
    """``lattice_service`` of ``ecs-lattice-LatticeServiceFunction-LGMH91M57A43``: its folder in ``functions``."""
    name = next((part for part in function.split("-") if part.endswith("Function")), function)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Function")).lower()


def example_template() -> str:
    """The example's template, as deployed on AWS."""
    return (Path(__file__).parents[2] / "examples" / "file-transfer" / "template.yaml").read_text()
