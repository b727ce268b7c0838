"""The stack's template as CloudFormation gets it: translated by SAM's own translator, without a network."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]

type Resources = dict[str, dict[str, Any]]


class _NoManagedPolicies:
    """The template names no managed policy by its short name, so none has to be looked up in IAM."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="session")
def source() -> dict[str, Any]:
    """template.yaml as written."""
    return yaml_parse((ROOT / "template.yaml").read_text())


@pytest.fixture(scope="session")
def translated() -> Iterator[dict[str, Any]]:
    """template.yaml after the transform, as after `sam build` (code is somewhere in S3)."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        properties.update({key: "s3://bucket/code" for key in ("CodeUri", "ContentUri") if key in properties})
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"  # the translator asks for a Region, never for AWS
    try:
        yield transform(template, {}, _NoManagedPolicies())
    finally:
        if before is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = before


@pytest.fixture(scope="session")
def resources(translated: dict[str, Any]) -> Resources:
    """The resources by logical id."""
    return translated["Resources"]


class Of:
    """Resources of one type, and where intrinsic functions point to."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def type(self, name: str) -> dict[str, dict[str, Any]]:
        """Properties by logical id; an empty answer is a test that asks for the wrong thing."""
        found = {key: r.get("Properties", {}) for key, r in self._resources.items() if r["Type"] == name}
        assert found, f"no {name} in the template"
        return found

    @staticmethod
    def target(intrinsic: Any) -> str:
        """The logical id that a Ref or Fn::GetAtt names."""
        if "Ref" in intrinsic:
            return intrinsic["Ref"]
        attribute = intrinsic["Fn::GetAtt"]
        return attribute[0] if isinstance(attribute, list) else attribute.split(".")[0]


@pytest.fixture(scope="session")
def of(resources: Resources) -> Of:
    return Of(resources)
