"""The functions to start: those of the built template, with the environment that the loaded stack gives them."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.cold.layers import ROOT
from bench.cold.starting import Function
from bench.cold.subjects import Subjects, prepare
from local_aws.environment import ACCESS_KEY, SECRET_KEY
from local_aws.runtime import artifacts
from local_aws.server import LocalAws

_EVENTS = ROOT / "events"
_BUCKET = "cold-start-answers"
_SPY = """
import importlib, json, os, sys, types
import botocore.session
made, create = [], botocore.session.Session.create_client
def note(session, service, *arguments, **options):
    made.append(service)
    return create(session, service, *arguments, **options)
botocore.session.Session.create_client = note
module, _, name = os.environ["_HANDLER"].rpartition(".")
context = types.SimpleNamespace(
    function_name="f", function_version="1", memory_limit_in_mb=256, invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
    aws_request_id="r", log_group_name="g", log_stream_name="s", get_remaining_time_in_millis=lambda: 60000)
getattr(importlib.import_module(module), name)(json.load(sys.stdin), context)
print("\\n" + json.dumps(sorted(set(made))))
"""
_FLOOR = """\
import boto3

CLIENTS = [boto3.client(service) for service in {services}]


def handler(event, context):
    return len(CLIENTS)
"""


def of_the_stack(aws: LocalAws, layer: Path) -> list[Function]:
    """Every function of the stack that ``aws`` has loaded, with the layer that is shipped."""
    aws.client("s3").create_bucket(Bucket=_BUCKET)
    described = aws.client("cloudformation").describe_stack_resources(StackName="ecs-lattice")["StackResources"]
    names = {
        r["LogicalResourceId"]: r["PhysicalResourceId"]
        for r in described
        if r.get("ResourceType", "").endswith("Lambda::Function")
    }
    subjects = prepare(aws, names["EcsServiceFunction"])
    found = []
    for logical_id, name in sorted(names.items()):
        configuration = aws.client("lambda").get_function_configuration(FunctionName=name)
        variables = {**configuration["Environment"]["Variables"], **_access(aws), "_HANDLER": configuration["Handler"]}
        code = ROOT / ".aws-sam" / "build" / logical_id
        payload = json.dumps(_event(logical_id, aws, subjects)).encode()
        found.append(Function(logical_id, code, layer, configuration["Handler"], variables, payload))
    return found


def clients_of(function: Function) -> list[str]:
    """The services whose clients the function makes in its first invocation; RuntimeError if that fails."""
    environment = {**function.variables, "PYTHONPATH": f"{function.code}:{function.layer}"}
    command = [sys.executable, "-B", "-S", "-c", _SPY]
    done = subprocess.run(  # noqa: S603  this Python with the function that is measured
        command, input=function.payload, env=environment, cwd=function.code, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{function.name} failed:\n{done.stdout.decode()}{done.stderr.decode()}")
    return list(json.loads(done.stdout.splitlines()[-1]))


def floor_of(function: Function, sdk: Path, into: Path) -> Function:
    """A function that only imports boto3 and makes the same clients, on the bare SDK."""
    code = into / f"floor-{function.name}"
    code.mkdir()
    (code / "app.py").write_text(_FLOOR.format(services=clients_of(function)), encoding="utf-8")
    return Function(f"{function.name} (floor)", code, sdk, "app.handler", function.variables, b"{}")


def runtime(into: Path) -> Path:
    """Lambda's runtime as the local AWS has it, with the interface client's compiled part where there is one."""
    directory = artifacts.runtime_directory(into)
    compiled = find_spec("runtime_client")
    if compiled is not None and compiled.origin is not None:
        (directory / Path(compiled.origin).name).symlink_to(compiled.origin)
    return directory


def quiet(aws: LocalAws) -> None:
    """Let nothing else run: queues are read by nobody and schedules do not fire."""
    functions, events = aws.client("lambda"), aws.client("events")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.delete_event_source_mapping(UUID=mapping["UUID"])
    for rule in events.list_rules()["Rules"]:
        events.disable_rule(Name=rule["Name"])


def _access(aws: LocalAws) -> Mapping[str, str]:
    return {
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _event(logical_id: str, aws: LocalAws, subjects: Subjects) -> dict[str, Any]:
    """What a function is first invoked with. KeyError for a function that is new here: give it an event."""
    events: dict[str, Callable[[], dict[str, Any]]] = {
        "AlarmFunction": lambda: _alarm(subjects.lattice_service),
        "EcsEventsFunction": lambda: _recorded("sqs/ecs-events.json"),
        "EcsServiceFunction": lambda: _reconcile("ecsService", subjects.new),
        "LatticeIngressFunction": lambda: _request(aws),
        "LatticeServiceFunction": lambda: _reconcile("latticeService", subjects.lattice_service),
        "QueryFunction": lambda: _recorded("query/status.json"),
        "ResyncFunction": lambda: _recorded("schedule/resync.json"),
        "TargetHealthFunction": lambda: _recorded("schedule/target-health.json"),
    }
    return events[logical_id]()


def _recorded(file: str) -> dict[str, Any]:
    return dict(json.loads((_EVENTS / file).read_text("utf-8")))


def _alarm(name: str) -> dict[str, Any]:
    """The recorded alarm of a route, as one of the service ``name`` in the default cluster, which the registry knows."""
    batch = _recorded("sqs/alarms.json")
    recorded = str(batch["Records"][0]["body"])
    body = recorded.replace("transfer/file-transfer", f"default/{name}").replace("file-transfer", name)
    return {"Records": [{**batch["Records"][0], "body": body}]}


def _reconcile(kind: str, key: str) -> dict[str, Any]:
    batch = _recorded("sqs/ecs-service.json")
    batch["Records"][0]["body"] = json.dumps({"kind": kind, "key": key})
    return batch


def _request(aws: LocalAws) -> dict[str, Any]:
    """CloudFormation's request for an open port; the answer goes to a bucket of the local AWS.

    A stack waits for it, because the function asks: its resource is asked of a function that answers no such request.
    """
    groups = aws.client("ec2").describe_security_groups()["SecurityGroups"]
    named = {"SecurityGroupIds": [groups[0]["GroupId"]], "Ports": ["8080"]}
    described = aws.client("cloudformation").describe_stack_resource
    events = described(StackName="ecs-lattice", LogicalResourceId="EcsEventsFunction")["StackResourceDetail"]
    arn = aws.client("lambda").get_function(FunctionName=events["PhysicalResourceId"])["Configuration"]["FunctionArn"]
    resource = {"Type": "Custom::LatticeIngress", "Properties": {"ServiceToken": arn, **named}}
    template = json.dumps({"Resources": {"Ingress": resource}})
    stack = aws.client("cloudformation").create_stack(StackName="cold", TemplateBody=template)["StackId"]
    return {
        "RequestType": "Create",
        "RequestId": "cold-start",
        "ResponseURL": aws.client("s3").generate_presigned_url("put_object", {"Bucket": _BUCKET, "Key": "answer"}),
        "StackId": stack,
        "LogicalResourceId": "Ingress",
        "ResourceType": "Custom::LatticeIngress",
        "ResourceProperties": named,
    }
