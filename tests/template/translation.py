"""template.yaml by SAM's own translator, without a network, and where its intrinsic functions point."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]


class _NoManagedPolicies:
    """The template names no managed policy by its short name, so none has to be looked up in IAM."""

    def load(self) -> dict[str, str]:
        return {}


def translated_with(parameters: Mapping[str, str]) -> dict[str, Any]:
    """template.yaml after the transform, as after `sam build` (code is somewhere in S3), with these parameters."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        properties.update({key: "s3://bucket/code" for key in ("CodeUri", "ContentUri") if key in properties})
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION="us-east-1"):  # the translator asks for a Region, never for AWS
        return transform(template, dict(parameters), _NoManagedPolicies())


def target(intrinsic: Any) -> str:
    """The logical id that a Ref or Fn::GetAtt names."""
    if "Ref" in intrinsic:
        return intrinsic["Ref"]
    attribute = intrinsic["Fn::GetAtt"]
    return attribute[0] if isinstance(attribute, list) else attribute.split(".")[0]


def listed(value: Any) -> list[Any]:
    """``value`` as a list; a single value becomes a list of it."""
    return value if isinstance(value, list) else [value]
