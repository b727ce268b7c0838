"""``python -m local_aws``, as ``make local`` runs it: a process that is talked to from outside."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

import boto3
import pytest

from local_aws.__main__ import BuildError, build
from tests.local_aws.conftest import APPLICATION


@pytest.fixture
def root(tmp_path):
    shutil.copytree(APPLICATION, tmp_path / "application")
    (tmp_path / "application" / "samconfig.toml").write_text(
        'version = 0.1\n[default.global.parameters]\nstack_name = "commanded"\n'
        '[default.deploy.parameters]\ncapabilities = "CAPABILITY_IAM"\n'
        "parameter_overrides = 'Greeting=\"goodday\"'\n"
    )
    return tmp_path / "application"


def free_port():
    """A port that is free with the two after it, below those that the system gives to clients and to port 0."""
    for port in range(20_000 + os.getpid() % 4000 * 3, 32_700, 3):
        with contextlib.ExitStack() as held:
            try:
                for offset in range(3):
                    held.enter_context(socket.create_server(("127.0.0.1", port + offset)))
            except OSError:
                continue
            return port
    raise AssertionError("no three free ports in a row")


def started(root, port, *options):
    environment = {**os.environ, "LOCAL_AWS_PORT": str(port), "LOCAL_AWS_SPEED": "200", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "local_aws", "--root", str(root), *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process, words):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_it_builds_serves_and_stops_cleanly_on_ctrl_c(root):
    serves_and_stops(root, signal.SIGINT)


def test_it_takes_a_build_as_it_is_and_stops_cleanly_on_sigterm(root, built):
    shutil.copytree(built, root / ".aws-sam" / "build")
    serves_and_stops(root, signal.SIGTERM, "--no-build")


def serves_and_stops(root, signal_number, *options):
    port = free_port()
    process = started(root, port, *options)
    try:
        said = read_until(process, "Ctrl-C stops it")
        assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{port}" in said
        assert "export AWS_DEFAULT_REGION=us-east-1" in said
        assert "  export AWS_PAGER=\n" in said
        assert f"curl http://127.0.0.1:{port}/_local_aws/mail" in said
        assert "console        not available. Error: Stack commanded in us-east-1 is no ecs-lattice stack" in said
        access = {
            line.split("=")[0].split()[-1]: line.split("=")[1].strip() for line in said.splitlines() if "export" in line
        }
        clients = {
            "endpoint_url": access["AWS_ENDPOINT_URL"],
            "region_name": access["AWS_DEFAULT_REGION"],
            "aws_access_key_id": access["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": access["AWS_SECRET_ACCESS_KEY"],
        }
        stack = boto3.client("cloudformation", **clients).describe_stacks(StackName="commanded")["Stacks"][0]
        worker = next(output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == "Worker")
        answer = boto3.client("lambda", **clients).invoke(FunctionName=worker, Payload=b'{"do": "tell"}')
        told = json.loads(answer["Payload"].read())
        assert told["environment"]["GREETING"] == "goodday"
        assert (root / ".local_aws" / "logs" / f"{worker}.log").is_file()
        urllib.request.urlopen(f"http://127.0.0.1:{port}/_local_aws/health", timeout=60).close()
        process.send_signal(signal_number)
        rest, _ = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert process.returncode == 0, rest
    assert "Traceback" not in rest
    with pytest.raises(ProcessLookupError):
        os.kill(told["pid"], 0)


def test_an_empty_one_waits_for_sam_deploy_with_no_stack_in_it(root):
    port = free_port()
    process = started(root, port, "--no-build", "--empty")
    try:
        assert "sam deploy --config-env default" in read_until(process, "Ctrl-C stops it")
        clients = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": "us-east-1"}
        access = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        assert boto3.client("cloudformation", **clients, **access).describe_stacks()["Stacks"] == []
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert process.returncode == 0, rest


def test_what_cannot_be_built_is_said_with_what_sam_wrote(root):
    (root / "template.yaml").write_text(
        "Resources: {Nameless: {Type: AWS::Serverless::Function, Properties: {CodeUri: function, Runtime: python3.13}}}"
    )
    with pytest.raises(BuildError) as refused:
        build(root)
    assert "Nameless" in str(refused.value)
    assert "sam build failed with exit code" in str(refused.value)


def test_a_directory_without_a_template_is_refused(tmp_path):
    with pytest.raises(BuildError, match=f"There is no template.yaml in {tmp_path}"):
        build(tmp_path)


def test_a_port_that_is_taken_is_told_before_anything_is_built(root):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = started(root, taken.getsockname()[1])
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "is in use" in said
    assert "LOCAL_AWS_PORT=" in said
    assert "Building" not in said


def test_a_signal_that_another_thread_receives_stops_it_too():
    program = """
import signal, threading
from local_aws import __main__ as command
signal.signal(signal.SIGTERM, command._stop)
def deliver():
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
threading.Timer(1, deliver).start()
try:
    command._wait()
except command._StoppedError:
    print("stopped")
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert finished.stdout == "stopped\n", finished.stderr
