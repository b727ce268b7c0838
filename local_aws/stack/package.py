"""Bring a build (``sam build``) into the local AWS: zip its artefacts into S3, as ``sam package`` does, make the stack."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.s3.models import s3_backends

from local_aws.eventbus import ACCOUNT, REGION
from local_aws.stack.resources import client
from local_aws.stack.transform import parse

BUCKET = "local-aws-artefacts"
_ARTEFACTS = {
    "AWS::Serverless::Function": ("CodeUri", "Bucket", "Key"),
    "AWS::Serverless::LayerVersion": ("ContentUri", "Bucket", "Key"),
    "AWS::Lambda::Function": ("Code", "S3Bucket", "S3Key"),
    "AWS::Lambda::LayerVersion": ("Content", "S3Bucket", "S3Key"),
}
_READY_SECONDS = 30.0
_OLDEST = (1980, 1, 1, 0, 0, 0)


class StackError(RuntimeError):
    """The stack could not be made; the text says which resource and why."""


def load(
    build: Path, stack_name: str, parameters: Mapping[str, str] | None = None, cache: Path | None = None
) -> dict[str, str]:
    """Make the stack of a build directory (the one with the built ``template.yaml``) and give its outputs.

    ``cache`` keeps the zips between starts. StackError if there is no build or the stack cannot be made.
    """
    template_file = build / "template.yaml"
    if not template_file.is_file():
        raise StackError(f"There is no built template {template_file}: run `sam build` (or `make build`) first.")
    template = package(parse(template_file.read_text(encoding="utf-8")), build, cache)
    service = client("cloudformation")
    try:
        created = cloudformation_backends[ACCOUNT][REGION].create_stack(
            stack_name, json.dumps(template), dict(parameters or {})
        )
    except Exception as error:
        message = getattr(error, "message", None) or str(error)
        raise StackError(f"The stack {stack_name} could not be made: {message}") from error
    _await(created)
    described = service.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}


def package(template: dict[str, Any], build: Path, cache: Path | None) -> dict[str, Any]:
    """``template`` with every path of an artefact replaced by where its zip lies in the local AWS's S3."""
    for name, resource in template["Resources"].items():
        if resource.get("Type") not in _ARTEFACTS:
            continue
        key, bucket_key, object_key = _ARTEFACTS[resource["Type"]]
        path = resource.get("Properties", {}).get(key)
        if isinstance(path, str) and not path.startswith("s3://"):
            source = (build / path).resolve()
            if not source.exists():
                raise StackError(f"{name}: the built artefact {source} is not there: run `sam build` again.")
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
    storage = s3_backends[ACCOUNT]["aws"]
    if BUCKET not in storage.buckets:
        storage.create_bucket(BUCKET, REGION)
    storage.put_object(BUCKET, f"{digest}.zip", content)
    return f"{digest}.zip"


def _digest(source: Path) -> str:
    """Changes when a file's name, size or time does."""
    digest = hashlib.sha256(str(source).encode())
    for path in _files(source):
        status = path.stat()
        digest.update(f"{path.relative_to(source)}|{status.st_size}|{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _zipped(source: Path) -> bytes:
    """The same bytes for the same content; stored, because it only goes to the next process."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path in _files(source):
            archive.writestr(zipfile.ZipInfo(str(path.relative_to(source)), _OLDEST), path.read_bytes())
    return content.getvalue()


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    return sorted(path for path in source.rglob("*") if path.is_file())


def _await(stack: Any) -> None:
    """Associations become active in the local AWS's time; the stack is complete when the last one is."""
    deadline = time.monotonic() + _READY_SECONDS
    while stack.status != "CREATE_COMPLETE":
        if stack.status not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            raise StackError(f"The stack {stack.name} could not be made: {_first_failure(stack)}")
        if time.monotonic() > deadline:
            late = [name for name, made in stack.resource_map.items() if made is None or not made.is_created()]
            raise StackError(f"These resources of {stack.name} did not become ready: {', '.join(late)}")
        stack.verify_readiness()
        time.sleep(0.05)


def _first_failure(stack: Any) -> str:
    failed = [event for event in stack.events if event.resource_status == "CREATE_FAILED"]
    return f"{failed[0].logical_resource_id}: {failed[0].resource_status_reason}" if failed else stack.status
