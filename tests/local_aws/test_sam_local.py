"""What `sam local` is told of a running stack, who is let in from containers, and what ``make invoke`` says; no Docker."""

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from local_aws import sam_local, server
from local_aws.runtime import start_lambda
from local_aws.runtime.functions import Functions
from local_aws.runtime.values import FunctionSettings, is_error
from local_aws.sam_local import engine, files, invoke
from local_aws.sam_local.engine import Bridge, Engine

ROOT = Path(__file__).parents[2]
EVERYBODY, NOBODY = IPv4Network("127.0.0.0/8"), IPv4Network("192.0.2.0/24")
NATIVE = Engine("arm64", Bridge("127.0.0.2", EVERYBODY), has_base_image=True)
DESKTOP = Engine("x86_64", None, has_base_image=False)


@pytest.fixture
def found(monkeypatch):
    """Lets `sam local` find this engine."""

    def finds(one):
        monkeypatch.setattr(engine, "find", lambda: one)

    return finds


@pytest.fixture
def root(tmp_path, built):
    """A root whose samconfig.toml names the stack of the fixture application."""
    (tmp_path / ".aws-sam").mkdir()
    (tmp_path / ".aws-sam" / "build").symlink_to(built)
    (tmp_path / "samconfig.toml").write_text(
        'version = 0.1\n[default.global.parameters]\nstack_name = "fixture"\n'
    )
    return tmp_path


@pytest.fixture
def desk(aws, root):
    one = aws.serve_sam_local(root)
    yield one
    one.close()
    sam_local.use(None)


def page(aws):
    with urllib.request.urlopen(f"{aws.endpoint_url}/_local_aws/sam-local", timeout=60) as answer:
        return json.load(answer)


def test_the_template_has_every_variable_and_the_file_beside_it_the_values_of_the_stack(aws, desk, found):
    found(NATIVE)
    prepared = desk.prepare()
    function = json.loads(prepared.template.read_text())["Resources"]["Worker"]["Properties"]
    values = json.loads(prepared.environment.read_text())["Worker"]
    assert set(function["Environment"]["Variables"]) == set(values), "SAM hands on what the template declares"
    assert set(function["Environment"]["Variables"].values()) == {""}
    deployed = aws.client("lambda").get_function_configuration(FunctionName=aws.outputs["Worker"])
    assert values.items() >= deployed["Environment"]["Variables"].items()
    assert values["AWS_ENDPOINT_URL"] == f"http://127.0.0.2:{aws.port}"
    assert values["AWS_LAMBDA_FUNCTION_NAME"] == function["FunctionName"] == aws.outputs["Worker"]
    assert function["Architectures"] == ["arm64"], "that of the engine, whatever was deployed"
    assert Path(function["CodeUri"]).is_dir()
    assert {key: function[key] for key in ("Handler", "Timeout", "MemorySize")} == {
        key: deployed[key] for key in ("Handler", "Timeout", "MemorySize")
    }


def test_the_layers_of_the_build_are_in_the_template(desk, found):
    found(NATIVE)
    resources = json.loads(desk.prepare().template.read_text())["Resources"]
    layers = {key: one["Properties"]["ContentUri"] for key, one in resources.items() if "Layer" in one["Type"]}
    assert layers
    assert resources["Worker"]["Properties"]["Layers"] == [{"Ref": key} for key in layers]
    assert all(Path(path).is_dir() for path in layers.values())


def test_a_container_signs_as_its_function(aws, desk, found):
    found(NATIVE)
    values = json.loads(desk.prepare().environment.read_text())["Worker"]
    assert aws.journal.caller_of(values["AWS_ACCESS_KEY_ID"]) == aws.outputs["Worker"]


def test_containers_in_a_virtual_machine_call_this_machine_by_docker_desktops_name(aws, desk, found):
    found(DESKTOP)
    values = json.loads(desk.prepare().environment.read_text())["Worker"]
    assert values["AWS_ENDPOINT_URL"] == f"http://host.docker.internal:{aws.port}"


def test_the_files_go_when_the_local_aws_goes(desk, found):
    found(NATIVE)
    prepared = desk.prepare()
    desk.close()
    assert not prepared.template.exists()
    assert not prepared.environment.exists()


def test_samconfig_names_the_files_that_are_written(desk, found):
    found(NATIVE)
    prepared = desk.prepare()
    from local_aws.stack.settings import _parameters  # noqa: F401
