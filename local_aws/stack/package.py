"""Deploy a build (``sam build``) to the local AWS like ``sam deploy`` (decision 39): artifacts to S3, change set,
execution."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local_aws.eventbus import REGION
from local_aws.stack.resources import client
from local_aws.stack.transform import parse

BUCKET = "local-aws-artifacts"
_CHANGE_SET = "make-local"
_ARTEFACTS = {
    "AWS::Serverless::Function": ("CodeUri", "Bucket", "Key"),
    "AWS::Serverless::LayerVersion": ("ContentUri", "Bucket", "Key"),
    "AWS::Lambda::Function": ("Code", "S3Bucket", "S3Key"),
    "AWS::Lambda::LayerVersion": ("Content", "S3Bucket", "S3Key"),
}
_READY_SECONDS = 60.0
_OLDEST = (1980, 1, 1, 0, 0, 0)


class StackError(RuntimeError):
    """The stack could not be created; the text names the resource and the reason."""


def load(
    build: Path,
    stack_name: str,
    parameters: Mapping[str, str] | None = None,
    cache: Path | None = None,
    *,
    capabilities: Sequence[str] = ("CAPABILITY_IAM",),
    tags: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Create the stack of a build directory (with the built ``template.yaml``) and return its outputs.

    As ``sam deploy``: artifacts and template go to S3, and a change set of the template with its transform is created
    and executed. ``cache`` keeps the zips between starts. StackError if there is no build or the stack fails.
    """
    template_file = build / "template.yaml"
    if not template_file.is_file():
        raise StackError(f"There is no built template {template_file}: run `sam build` (or `make build`) first.")
    storage = client("s3")
    storage.create_bucket(Bucket=BUCKET)
    template = package(parse(template_file.read_text(encoding="utf-8")), build, cache)
    text = json.dumps(template)
    key = f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.template"
    storage.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
    service = client("cloudformation")
    try:
        made = service.create_change_set(
            StackName=stack_name,
            ChangeSetName=_CHANGE_SET,
            ChangeSetType="CREATE",
            TemplateURL=f"https://s3.{REGION}.amazonaws.com/{BUCKET}/{key}",
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in (parameters or {}).items()],
            Capabilities=list(capabilities),
            Tags=[{"Key": name, "Value": value} for name, value in (tags or {}).items()],
        )
    except ClientError as error:
        raise StackError(
            f"The stack {stack_name} could not be created: {error.response['Error']['Message']}"
        ) from error
    described = service.describe_change_set(ChangeSetName=made["Id"])
    if described["Status"] == "FAILED":
        raise StackError(f"The stack {stack_name} could not be created: {described['StatusReason']}")
    service.execute_change_set(ChangeSetName=made["Id"])
    stack = _settled(service, stack_name)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


def package(template: dict[str, Any], build: Path, cache: Path | None) -> dict[str, Any]:
    """``template`` with every artifact path replaced by the location of its zip in the local AWS's S3."""
    for name, resource in template["Resources"].items():
        if resource.get("Type") not in _ARTEFACTS:
            continue
        key, bucket_key, object_key = _ARTEFACTS[resource["Type"]]
        path = resource.get("Properties", {}).get(key)
        if isinstance(path, str) and not path.startswith("s3://"):
            source = (build / path).resolve()
            if not source.exists():
                raise StackError(f"{name}: the built artifact {source} does not exist: run `sam build` again.")
            resource["Properties"][key] = {bucket_key: BUCKET, object_key: _upload(source, cache)}
    return template


def _upload(source: Path, cache: Path | None) -> str:
    digest = _digest(source)
    cached = cache / f"{digest}.zip" if cache else None
    if cached and cached.is_file():
        content = cached.read_bytes()
    else:
        content = source.read_bytes() if source.is_file() else _zipped(source)
        if cached:
            cached.parent.mkdir(parents=True, exist_ok=True)
            cached.write_bytes(content)
    client("s3").put_object(Bucket=BUCKET, Key=f"{digest}.zip", Body=content)
    return f"{digest}.zip"


def _digest(source: Path) -> str:
    """A digest of the names, sizes and times of files."""
    digest = hashlib.sha256(str(source).encode())
    for path in _files(source):
        status = path.stat()
        digest.update(f"{path.relative_to(source)}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _zipped(source: Path) -> bytes:
    """A reproducible zip; uncompressed, because it only goes to the next process."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path in _files(source):
            archive.writestr(zipfile.ZipInfo(str(path.relative_to(source)), _OLDEST), path.read_bytes())
    return content.getvalue()


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    return sorted(path for path in source.rglob("*") if path.is_file())


def _settled(service: Any, stack_name: str) -> dict[str, Any]:
    """The stack once it is complete. Associations become active in the local AWS's time."""
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        stack: dict[str, Any] = service.describe_stacks(StackName=stack_name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return stack
        if stack["StackStatus"] != "CREATE_IN_PROGRESS":
            raise StackError(f"The stack {stack_name} could not be created: {_first_failure(service, stack_name)}")
        if time.monotonic() > deadline:
            raise StackError(f"The stack {stack_name} has been {stack['StackStatus']} for {_READY_SECONDS:.0f} s")
        time.sleep(0.05)


def _first_failure(service: Any, stack_name: str) -> str:
    events = service.describe_stack_events(StackName=stack_name)["StackEvents"]
    failed = [event for event in reversed(events) if event["ResourceStatus"] == "CREATE_FAILED"]
    told = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed]
    return told[0] if told else str(events[0].get("ResourceStatusReason"))
