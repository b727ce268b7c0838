"""What `sam local` is told of a running stack, who is let in from containers, and what ``make invoke`` says; no Docker."""

import json
import socket
import threading
import tomllib
import urllib.error
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace

import pytest

from local_aws import sam_local, server
from local_aws.clock import ManualClock, ScaledClock
from local_aws.inspection import Inspection
from local_aws.journal import Journal
from local_aws.runtime import start_lambda
from local_aws.runtime.environment import ExecutionEnvironment, Platform
from local_aws.runtime.functions import Functions, _pick, _Pool
from local_aws.runtime.logs import LogFiles
from local_aws.runtime.values import FunctionSettings, is_error
from local_aws.sam_local import contents, engine, invoke
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
    (tmp_path / "samconfig.toml").write_text('version = 0.1\n[default.global.parameters]\nstack_name = "fixture"\n')
    return tmp_path


@pytest.fixture
def files(aws, root):
    served = aws.serve_sam_local(root)
    yield served
    served.close()


def page(aws):
    with urllib.request.urlopen(f"{aws.endpoint_url}/_local_aws/sam-local", timeout=60) as answer:
        return json.load(answer)


def test_the_template_has_every_variable_and_the_file_beside_it_the_values_of_the_stack(aws, files, found):
    found(NATIVE)
    prepared = files.prepare()
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


def test_the_layers_of_the_build_are_in_the_template(files, found):
    found(NATIVE)
    resources = json.loads(files.prepare().template.read_text())["Resources"]
    layers = {key: one["Properties"]["ContentUri"] for key, one in resources.items() if "Layer" in one["Type"]}
    assert layers
    assert resources["Worker"]["Properties"]["Layers"] == [{"Ref": key} for key in layers]
    assert all(Path(path).is_dir() for path in layers.values())


def test_a_container_signs_as_its_function(aws, files, found):
    found(NATIVE)
    values = json.loads(files.prepare().environment.read_text())["Worker"]
    assert aws.journal.caller_of(values["AWS_ACCESS_KEY_ID"]) == aws.outputs["Worker"]


def test_containers_in_a_virtual_machine_call_this_machine_by_docker_desktops_name(aws, files, found):
    found(DESKTOP)
    values = json.loads(files.prepare().environment.read_text())["Worker"]
    assert values["AWS_ENDPOINT_URL"] == f"http://host.docker.internal:{aws.port}"


def test_the_files_go_when_the_local_aws_goes(files, found):
    found(NATIVE)
    prepared = files.prepare()
    files.close()
    assert not prepared.template.exists()
    assert not prepared.environment.exists()


def test_old_files_go_when_new_ones_cannot_be_written(files, found, monkeypatch):
    found(NATIVE)
    prepared = files.prepare()
    monkeypatch.undo()
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(engine.EngineError):
        files.prepare()
    assert not prepared.environment.exists()


def test_samconfig_names_the_files_that_are_written(files, found):
    found(NATIVE)
    prepared = files.prepare()
    sections = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    for command in ("local_invoke", "local_start_lambda"):
        given = sections[command]["parameters"]
        assert given["template_file"] == f"{server.DEFAULT_STATE}/{sam_local.DIRECTORY}/{prepared.template.name}"
        assert given["env_vars"] == f"{server.DEFAULT_STATE}/{sam_local.DIRECTORY}/{prepared.environment.name}"


def test_a_build_without_a_function_of_the_stack_is_said_and_so_is_no_build(aws, files, found):
    found(NATIVE)
    (files.root / ".aws-sam" / "build").unlink()
    with pytest.raises(contents.BuildMissingError, match="run sam build"):
        files.prepare()
    (files.root / ".aws-sam" / "build").mkdir()
    (files.root / ".aws-sam" / "build" / "template.yaml").write_text("Resources: {}")
    with pytest.raises(contents.BuildMissingError, match="The stack has Worker, and the build has not"):
        files.prepare()


def test_a_stack_that_is_not_there_is_said(aws, root, found):
    found(NATIVE)
    (root / "samconfig.toml").write_text('version = 0.1\n[default.global.parameters]\nstack_name = "nowhere"\n')
    files = aws.serve_sam_local(root)
    with pytest.raises(contents.BuildMissingError, match="no stack nowhere"):
        files.prepare()


def test_the_page_says_where_the_files_are_or_why_there_are_none(aws, files, found, monkeypatch):
    found(NATIVE)
    assert Path(page(aws)["template"]).is_file()
    monkeypatch.undo()
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert page(aws) == {
        "error": "No Docker engine answers at unix:///nowhere/docker.sock (No such file or directory). "
        "Start Docker, or set DOCKER_HOST to its address."
    }
    inspection = Inspection(aws.services, aws.journal, aws.authorization_log)
    (answer,) = inspection({"PATH_INFO": "/_local_aws/sam-local"}, lambda *_: None)
    assert "make local" in json.loads(answer)["error"]


# --- Who is let in


def answers(url):
    try:
        with urllib.request.urlopen(f"{url}/_local_aws/health", timeout=60) as answer:
            return answer.status
    except (urllib.error.URLError, OSError):
        return None


def test_the_containers_of_the_bridge_are_let_in_and_nobody_else(aws):
    assert answers(aws.open_to(Bridge("127.0.0.5", EVERYBODY))) == 200
    assert answers(aws.open_to(Bridge("127.0.0.6", NOBODY))) is None


def test_the_bridge_is_opened_once(aws):
    bridge = Bridge("127.0.0.7", EVERYBODY)
    assert aws.open_to(bridge) == aws.open_to(bridge) == f"http://127.0.0.7:{aws.port}"


def test_an_engine_whose_bridge_is_not_on_this_machine_is_said(files, found):
    found(Engine("arm64", Bridge("192.0.2.1", NOBODY), has_base_image=True))
    with pytest.raises(
        engine.EngineError, match=r"call this machine 192\.0\.2\.1, and the local AWS cannot listen there"
    ):
        files.prepare()


IPV6 = {"Subnet": "fd00::/64", "Gateway": "fd00::1"}


@pytest.mark.parametrize(
    ("config", "bridge"),
    [
        ([{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}], Bridge("172.17.0.1", IPv4Network("172.17.0.0/16"))),
        ([{"Subnet": "172.17.0.0/16"}], Bridge("172.17.0.1", IPv4Network("172.17.0.0/16"))),
        ([{"Subnet": "10.9.8.0/24", "Gateway": ""}], Bridge("10.9.8.1", IPv4Network("10.9.8.0/24"))),
        ([{"Subnet": "10.9.8.0/24", "Gateway": "10.9.8.7"}], Bridge("10.9.8.7", IPv4Network("10.9.8.0/24"))),
        ([IPV6, {"Subnet": "172.17.0.0/16"}], Bridge("172.17.0.1", IPv4Network("172.17.0.0/16"))),
    ],
)
def test_the_bridge_of_an_engine_has_a_gateway_whether_or_not_the_engine_reports_it(config, bridge, engine_with):
    engine_with([{"IPAM": {"Config": config}}])
    assert engine.find() == Engine("x86_64", bridge, has_base_image=True)


@pytest.mark.parametrize("networks", [[], [{"IPAM": {"Config": None}}], [{"IPAM": {"Config": [IPV6]}}]])
def test_an_engine_without_an_ipv4_bridge_is_refused(networks, engine_with):
    engine_with(networks)
    with pytest.raises(engine.EngineError, match="no default bridge network with IPv4"):
        engine.find()


@pytest.fixture
def engine_with(monkeypatch):
    """Makes an engine on Linux with these bridge networks answer."""

    class Client:
        def __init__(self, networks):
            self.networks = SimpleNamespace(list=lambda **_: [SimpleNamespace(attrs=each) for each in networks])
            self.images = SimpleNamespace(get=lambda _name: None)

        def info(self):
            return {"Architecture": "x86_64", "OperatingSystem": "Debian GNU/Linux"}

        def close(self):
            pass

    def answers(networks):
        monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
        monkeypatch.setattr("platform.system", lambda: "Linux")
        monkeypatch.setattr("docker.from_env", lambda **_: Client(networks))

    return answers


# --- make invoke


@pytest.fixture
def at(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint_url)


EVENT = "events/invoke/plan-ecs-service.json"


@pytest.mark.parametrize(
    ("function", "event", "said"),
    [
        ("", "", "Say which function: one of EcsEventsFunction, "),
        ("Ecs", EVENT, "There is no function Ecs: one of EcsEventsFunction, "),
        ("EcsServiceFunction", "", "Those for EcsServiceFunction are:\n  events/invoke/apply-ecs-service.json\n"),
        ("EcsServiceFunction", "events/none.json", "EVENT=events/none.json cannot be read: No such file or directory."),
        ("EcsServiceFunction", "README.md", "EVENT=README.md is not JSON: "),
        ("EcsServiceFunction", EVENT, "No local AWS answers at http://127.0.0.1:1: start it with make local"),
    ],
)
def test_what_is_missing_is_one_sentence(function, event, said, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert invoke.main([function, event, "--root", str(ROOT)]) == 1
    assert said in capsys.readouterr().err


def test_a_stack_without_the_function_is_said(at, files, found, capsys):
    found(NATIVE)
    assert invoke.main(["EcsServiceFunction", EVENT, "--root", str(ROOT)]) == 1
    assert capsys.readouterr().err == "The stack has no EcsServiceFunction; it has Worker.\n"


def test_no_engine_is_said(at, files, monkeypatch, capsys):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert invoke.main(["EcsServiceFunction", EVENT, "--root", str(ROOT)]) == 1
    assert capsys.readouterr().err.startswith("No Docker engine answers at unix:///nowhere/docker.sock")


@pytest.mark.parametrize("has_base_image", [True, False])
def test_the_registry_is_not_asked_for_an_image_that_is_here(has_base_image):
    prepared = {"template": "t", "environment": "e", "hasBaseImage": has_base_image}
    assert ("--skip-pull-image" in invoke.command(prepared, "Worker")) is has_base_image


def test_a_request_of_a_custom_resource_is_answered_at_the_local_aws(aws, files, found):
    found(NATIVE)
    told = json.loads(
        invoke.answered_here({"ResponseURL": "https://example.com", "RequestId": "1"}, page(aws)["responseUrl"])
    )
    assert told["RequestId"] == "1"
    put = urllib.request.Request(told["ResponseURL"], b"{}", {"Content-Type": ""}, method="PUT")
    with urllib.request.urlopen(put, timeout=60) as answer:
        assert answer.status == 200


def test_any_other_event_is_handed_over_as_it_is():
    event = json.loads((ROOT / EVENT).read_text())
    assert json.loads(invoke.answered_here(event, "http://here")) == event


# --- start-lambda


@pytest.fixture
def lambda_of_sam():
    """Something that answers Invoke: its ``answer`` is (status, body), or an event that is waited for."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            if isinstance(http.answer, threading.Event):
                http.answer.wait(30)
                return
            status, body = http.answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    asked = []
    http = HTTPServer(("127.0.0.1", 0), Handler)
    http.asked, http.answer = asked, (200, b"{}")
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    yield http
    http.shutdown()
    http.server_close()
    thread.join()


SETTINGS = FunctionSettings("worker", "arn", "$LATEST", "app.handler", Path(), (), {}, 2.0, 128, "/aws/lambda/worker")


def container(http):
    return start_lambda.ContainerEnvironment(SETTINGS, f"http://127.0.0.1:{http.server_address[1]}")


def test_an_invocation_goes_to_the_function_by_its_name_and_its_answer_comes_back(lambda_of_sam):
    lambda_of_sam.answer = (200, b'{"done": 1}')
    outcome = container(lambda_of_sam).invoke(b'{"do": "it"}')
    assert lambda_of_sam.asked == [("/2015-03-31/functions/worker/invocations", b'{"do": "it"}')]
    assert (outcome.payload, outcome.error) == (b'{"done": 1}', None)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        # With requestId, which SAM itself does not take for a record of an error.
        ((200, b'{"errorMessage": "m", "errorType": "E", "requestId": "1", "stackTrace": []}'), "E"),
        ((200, b'{"errorMessage": "m", "errorType": "E"}'), "E"),
        ((200, b""), "Sandbox.Timedout"),
        ((404, b'{"Type": "User"}'), "StartLambda.Refused"),
    ],
)
def test_what_fails_in_the_container_or_before_it_is_a_failed_invocation(lambda_of_sam, answer, kind):
    lambda_of_sam.answer = answer
    outcome = container(lambda_of_sam).invoke(b"{}")
    assert outcome.error == "Unhandled"
    assert json.loads(outcome.payload)["errorType"] == kind


def test_nobody_at_the_address_is_a_failed_invocation():
    outcome = start_lambda.ContainerEnvironment(SETTINGS, "http://127.0.0.1:1").invoke(b"{}")
    assert outcome.error == "Unhandled"
    assert "does not answer at http://127.0.0.1:1" in json.loads(outcome.payload)["errorMessage"]


def test_an_environment_that_is_closed_waits_no_longer(lambda_of_sam):
    lambda_of_sam.answer = threading.Event()
    environment, outcomes = container(lambda_of_sam), []
    waiting = threading.Thread(target=lambda: outcomes.append(environment.invoke(b"{}")))
    waiting.start()
    while not lambda_of_sam.asked:
        waiting.join(0.01)
    environment.close()
    waiting.join(60)
    lambda_of_sam.answer.set()
    assert [outcome.error for outcome in outcomes] == ["Unhandled"]


@pytest.mark.parametrize(
    "url", ["3001", "127.0.0.1:3001", "https://127.0.0.1:3001", "http://127.0.0.1", "http://h:1/x", "http://h:x"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(start_lambda.AddressError, match="such as http://127.0.0.1:3001"):
        start_lambda.address(url)


def test_containers_keep_real_time_so_the_local_aws_has_to(monkeypatch, tmp_path):
    monkeypatch.setenv("LOCAL_AWS_START_LAMBDA", "http://127.0.0.1:3001")
    with clock_of(60) as clock, pytest.raises(ValueError, match="LOCAL_AWS_SPEED=1 only"):
        start_lambda.from_environment(clock)
    with clock_of(1) as clock:
        assert start_lambda.from_environment(clock) is not None
        assert Functions(Platform("", tmp_path, LogFiles(tmp_path), clock), Journal())._limit == 1, (
            "start-lambda has one container a function"
        )


def test_start_lambda_takes_over_when_it_first_listens_and_for_good(lambda_of_sam, monkeypatch):
    """What the containers need to know is written once the stack is there, and the stack may need a function for that."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    monkeypatch.setenv("LOCAL_AWS_START_LAMBDA", f"http://127.0.0.1:{port}")
    with clock_of(1) as clock:
        containers = start_lambda.from_environment(clock)
        assert not containers.has_started()
        monkeypatch.setattr(containers, "_port", lambda_of_sam.server_address[1])
        assert containers.has_started()
        lambda_of_sam.shutdown()
        lambda_of_sam.server_close()
        assert containers.has_started(), "one that ended makes invocations fail; nobody goes back"


def test_an_environment_of_another_place_is_not_taken(lambda_of_sam):
    kept = container(lambda_of_sam)
    assert _pick(_Pool(idle=[kept]), SETTINGS, start_lambda.ContainerEnvironment) == (kept, [])
    assert _pick(_Pool(idle=[kept]), SETTINGS, ExecutionEnvironment) == (None, [kept])


def test_functions_run_in_worker_processes_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("LOCAL_AWS_START_LAMBDA", raising=False)
    assert start_lambda.from_environment(ManualClock()) is None


@contextmanager
def clock_of(speed):
    clock = ScaledClock(speed)
    yield clock
    clock.stop()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"errorType": "E", "errorMessage": ""}', True),
        ("", True),
        ('{"errorType": "E"}', False),
        ("null", False),
        ('["errorType", "errorMessage"]', False),
    ],
)
def test_an_error_is_told_from_an_answer(answer, expected):
    assert is_error(answer) is expected
