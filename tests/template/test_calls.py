"""Every call in the adapters' source is allowed to some role, on resources that IAM authorizes it on.

Which role, and that none allows more, is proved end to end: tests/end_to_end/test_least_privilege.py.
"""

import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from cfnlint.data import AdditionalSpecs
from cfnlint.helpers import load_resource

from ecs_lattice import aws as adapters

ADAPTERS = Path(adapters.__file__).parent
# The services whose clients each adapter is given, in bootstrap.
CLIENTS = {
    "announcer": ["events"],
    "cloudwatch": ["cloudwatch"],
    "ecs": ["ecs", "ec2"],
    "history": ["dynamodb"],
    "evidence": ["ecs", "ec2", "vpc-lattice"],
    "holders": ["ecs"],
    "lattice": ["vpc-lattice"],
    "networks": ["vpc-lattice"],
    "queues": ["sqs"],
    "registry": ["dynamodb"],
    "retained": ["vpc-lattice", "logs", "iam", "dynamodb"],
    "security_groups": ["ec2"],
    "stacks": ["cloudformation"],
    "tagging": ["resourcegroupstaggingapi", "vpc-lattice"],
    "targets": ["vpc-lattice"],
    "topic": ["sns"],
}
IAM_PREFIXES = {"resourcegroupstaggingapi": "tag"}
# Operations that IAM knows by another name (Service Authorization Reference).
IAM_NAMES = {"vpc-lattice:BatchUpdateRule": "vpc-lattice:UpdateRule", "sqs:SendMessageBatch": "sqs:SendMessage"}
# A client's method is either called or, for a paginator, named in quotes.
_CALL = re.compile(r"\"([a-z_]+)\"|\.([a-z_]+)\(")


def operations() -> dict[str, dict[str, str]]:
    """Method name to operation, by service."""
    found = {}
    for service in {service for services in CLIENTS.values() for service in services}:
        client = boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        found[service] = dict(client.meta.method_to_api_mapping)
    return found


def called() -> set[str]:
    """The IAM actions of all calls in the adapters' source."""
    by_service = operations()
    actions = set()
    for name, services in CLIENTS.items():
        for quoted, method in _CALL.findall((ADAPTERS / f"{name}.py").read_text()):
            for service in services:
                operation = by_service[service].get(quoted or method)
                if operation:
                    actions.add(f"{IAM_PREFIXES.get(service, service)}:{operation}")
    return {IAM_NAMES.get(action, action) for action in actions}


def allowed(of) -> set[str]:
    return {
        action
        for key, role in of.type("AWS::IAM::Role").items()
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }


def test_every_adapter_is_looked_at():
    modules = {
        path.stem
        for path in ADAPTERS.glob("*.py")
        if path.stem != "clients"  # makes and wraps all clients, and calls nothing by itself
        and ("_client." in path.read_text() or "get_paginator" in path.read_text())
    }
    assert modules == set(CLIENTS)


def test_every_call_is_allowed(of):
    assert called() - allowed(of) == set()


@pytest.mark.parametrize("action", ["vpc-lattice:CreateRule", "ecs:UpdateService", "dynamodb:Scan", "sns:Publish"])
def test_the_calls_are_found_in_the_source(action):
    assert action in called()


def test_every_statement_names_resources_that_its_actions_are_authorized_on(of):
    """By the Service Authorization Reference, as cfn-lint carries it. Ids of this stack's own resources need no look."""
    reference = load_resource(AdditionalSpecs, "Policies.json")
    for key, role in of.type("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in listed(statement["Action"]):
                    assert_authorized(reference, key, action, listed(statement["Resource"]))


def assert_authorized(reference: dict[str, Any], key: str, action: str, resources: list[Any]) -> None:
    service, name = action.split(":")
    kinds = reference[service]["Actions"][name.lower()].get("Resources", [])
    if not kinds:
        assert resources == ["*"], (key, action, "has no resource form")
    formats = [f for kind in kinds for f in reference[service]["Resources"][kind.lower()]["ARNFormats"]]
    families = {family(tail(arn)).replace("alarm:.*", "alarm:ecs-lattice") for arn in formats}
    given = [resource["Fn::Sub"] for resource in resources if "Fn::Sub" in resource]
    named = {family(tail(arn if isinstance(arn, str) else arn[0])) for arn in given}
    assert not named or named & families, (key, action, named, families)


def family(rest: str) -> str:
    """``service`` of ``service/*``; ``log-group`` of the name of a group and its streams."""
    return "log-group" if rest.startswith("log-group:") else rest.split("/", maxsplit=1)[0]


def tail(arn: str) -> str:
    """What follows partition, service, Region and account."""
    return re.sub(r"\$\{[^}]*\}", "", arn).split(":", 5)[5]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
