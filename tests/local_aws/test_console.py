"""The console beside the local AWS: a page on loopback about the stack in it, or the reason why there is none."""

import json
import urllib.request

import pytest

from local_aws import server
from local_aws.console import Console

NAMES = ("EcsServiceFunctionName", "QueryFunctionName")
TEMPLATE = {
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {name: {"Value": "no-such-function"} for name in NAMES},
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """Without functions; a stack ``hooks`` that has the outputs of the product."""
    with server.running(speed=200, state_dir=tmp_path_factory.mktemp("state")) as running:
        running.client("cloudformation").create_stack(StackName="hooks", TemplateBody=json.dumps(TEMPLATE))
        yield running


def test_its_page_reads_the_local_aws_whatever_the_shell_says_and_ends_with_it(aws, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "none-such")
    monkeypatch.setenv("ECS_LATTICE_STACK", "another")
    monkeypatch.setenv("ECS_LATTICE_JSON", "1")
    console = Console(aws.endpoint_url, "hooks")
    try:
        assert console.said.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{console.said}api/status", timeout=120) as answer:
            said = json.load(answer)
    finally:
        console.stop()
    assert said["result"] is None
    assert "no-such-function" in said["error"] or said["waiting"] is not None, "on a busy machine it is still reading"
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(console.said, timeout=120)


def test_without_the_stack_it_says_why_there_is_none(aws):
    console = Console(aws.endpoint_url, "hook")
    console.stop()
    assert console.said.startswith(
        "not available. Error: There is no stack hook in Region us-east-1; did you mean hooks?"
    )
