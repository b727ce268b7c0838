"""The built function answers CloudFormation over HTTP: the example of another stack, made, changed, refused and deleted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_aws.services import current

EXAMPLE = Path(__file__).parents[2] / "examples" / "ingress" / "template.yaml"
NAME = "transfer-network"


def settled(operator) -> str:
    def status() -> str | None:
        (stack,) = operator.cli("cloudformation", "describe-stacks", "--stack-name", NAME)["Stacks"]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack["StackStatus"]

    return operator.until(status, "the stack to settle")


def parameters(operator, **more: str) -> list[str]:
    vpc = operator.cli("ec2", "describe-vpcs")["Vpcs"][0]["VpcId"]
    given = {"VpcId": vpc, **more}
    return ["--parameters", *(f"ParameterKey={key},ParameterValue={value}" for key, value in given.items())]


def opened(operator, group: str) -> set[tuple[int, int]]:
    found = operator.cli("ec2", "describe-security-group-rules", "--filters", f"Name=group-id,Values={group}")
    return {(rule["FromPort"], rule["ToPort"]) for rule in found["SecurityGroupRules"] if not rule["IsEgress"]}


def test_another_stack_opens_its_group_by_the_exported_token(operator):
    stack = ("--stack-name", NAME)
    template = ("--template-body", f"file://{EXAMPLE}")
    operator.cli("cloudformation", "create-stack", *stack, *template, *parameters(operator))
    assert settled(operator) == "CREATE_COMPLETE"
    (made,) = operator.cli("cloudformation", "describe-stacks", *stack)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in made["Outputs"]}
    group = outputs["SecurityGroupId"]
    assert opened(operator, group) == {(8080, 8081), (8443, 8443)}
    assert len(outputs["RuleIds"].split(",")) == 4  # two ranges, IPv4 and IPv6
    assert all(one.startswith("pl-") for one in outputs["PrefixListIds"].split(","))

    operator.cli("cloudformation", "update-stack", *stack, *template, *parameters(operator, Ports="9090"))
    assert settled(operator) == "UPDATE_COMPLETE"
    assert opened(operator, group) == {(9090, 9090)}

    operator.cli("cloudformation", "update-stack", *stack, *template, *parameters(operator, Ports="99999"))
    assert settled(operator) == "UPDATE_ROLLBACK_COMPLETE"
    events = operator.cli("cloudformation", "describe-stack-events", *stack)["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert "BAD_PROPERTY: Ports = '99999': TCP ports from 1 to 65535" in reasons
    assert opened(operator, group) == {(9090, 9090)}

    for event in forged(operator, made["StackId"], group):
        answer = operator.invoke("LatticeIngress", event)
        assert answer.get("status") == "FAILED" or "Nothing was done" in answer["errorMessage"], answer
        assert opened(operator, group) == {(9090, 9090)}

    operator.cli("cloudformation", "delete-stack", *stack)
    operator.until(lambda: group not in groups(operator), "the group of the deleted stack to go")


def forged(operator, stack_id: str, group: str) -> Iterator[dict[str, Any]]:
    """Events of somebody who may invoke the function: each names the live resource of the stack, which is at rest."""
    responses = current().responses
    assert responses
    here = responses.manual_url(operator.aws.endpoint_url)
    described = operator.cli(
        "cloudformation", "describe-stack-resource", "--stack-name", NAME, "--logical-resource-id", "LatticeIngress"
    )["StackResourceDetail"]
    assert described["ResourceStatus"] == "UPDATE_COMPLETE"
    for kind, url in (
        ("Delete", here),
        ("Update", here),
        ("Create", here),
        ("Delete", "http://169.254.169.254/latest/"),
    ):
        yield {
            "RequestType": kind,
            "ResponseURL": url,
            "StackId": stack_id,
            "RequestId": f"forged-{kind}",
            "LogicalResourceId": "LatticeIngress",
            "ResourceType": "Custom::LatticeIngress",
            "PhysicalResourceId": described["PhysicalResourceId"],
            "ResourceProperties": {"SecurityGroupIds": [group], "Ports": "22"},
        }


def groups(operator) -> set[str]:
    return {one["GroupId"] for one in operator.cli("ec2", "describe-security-groups")["SecurityGroups"]}
