"""Processing of a template for moto: expands SAM, rejects unknown resource types. Pure, offline."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import boto3
from moto.cloudformation.parsing import NULL_MODELS, get_model_map
from samtranslator.internal.managed_policies import get_bundled_managed_policy_map
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local_aws.eventbus import REGION
from local_aws.stack.references import dangling

SERVERLESS = "AWS::Serverless-2016-10-31"


class TemplateError(ValueError):
    """A template that the local AWS cannot deploy; the text is for people."""


def expand(template: str | Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """The CloudFormation template for ``template`` (YAML, JSON or parsed; with SAM or without).

    TemplateError if SAM rejects it, if it has an unsupported resource type or an unresolved reference.
    """
    parsed = parse(template)
    transforms = _listed(parsed.pop("Transform", None))
    strange = [str(name) for name in transforms if name != SERVERLESS]
    if strange:
        raise TemplateError(f"The local AWS does not support the transforms {', '.join(strange)}")
    if transforms:
        parsed = _expand_serverless(parsed, parameters)
    reject_unknown(parsed)
    missing = dangling(parsed)
    if missing:
        raise TemplateError(f"Template error: unresolved references: {', '.join(missing)}")
    expanded: dict[str, Any] = _normal(parsed)
    return expanded


def has_transform(template: Mapping[str, Any]) -> bool:
    """Whether a parsed template has a transform; CloudFormation processes it after the call."""
    return bool(_listed(template.get("Transform")))


def parse(template: str | Mapping[str, Any]) -> dict[str, Any]:
    """Parse a template, with short forms of functions expanded."""
    parsed = json.loads(json.dumps(template)) if isinstance(template, Mapping) else yaml_parse(template)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("Resources"), dict):
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    plain: dict[str, Any] = json.loads(json.dumps(parsed, default=str))
    return plain


def reject_unknown(template: Mapping[str, Any]) -> None:
    """Raise TemplateError with every resource of an unsupported type, which moto would ignore."""
    known = known_types()
    unknown = [
        f"{name} ({resource.get('Type')})"
        for name, resource in template["Resources"].items()
        if resource.get("Type") not in known and not str(resource.get("Type")).startswith("Custom::")
    ]
    if unknown:
        raise TemplateError(
            f"The local AWS does not support these resources: {', '.join(unknown)}. "
            "Add a provider for the type to local_aws/stack/providers, or remove the resource from the template."
        )


def known_types() -> Collection[str]:
    return {*get_model_map(), *NULL_MODELS}


def _expand_serverless(template: dict[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    session = boto3.Session(region_name=REGION)
    translator = Translator(None, Parser(), boto_session=session)
    try:
        expanded: dict[str, Any] = translator.translate(
            template, dict(parameters), get_managed_policy_map=lambda: get_bundled_managed_policy_map("aws") or {}
        )
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise TemplateError(f"SAM does not accept the template: {causes}") from error
    return expanded


def _normal(value: Any) -> Any:
    """The form that moto's parser supports: Fn::GetAtt as a list."""
    if isinstance(value, dict):
        attribute = value.get("Fn::GetAtt")
        if isinstance(attribute, str):
            return {"Fn::GetAtt": attribute.split(".", 1)}
        if isinstance(attribute, list) and len(attribute) > 2:
            return {"Fn::GetAtt": [attribute[0], ".".join(attribute[1:])]}
        return {key: _normal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_normal(inner) for inner in value]
    return value


def all_parameters(template: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """The value of every parameter: given, or its default. moto neither validates them nor splits defaults of lists.

    TemplateError names every parameter that is unknown, missing or invalid.
    """
    declared: Mapping[str, Mapping[str, Any]] = template.get("Parameters") or {}
    values = {name: str(spec["Default"]) for name, spec in declared.items() if "Default" in spec}
    values |= {name: str(value) for name, value in given.items()}
    problems = [f"{name} is not a parameter of the template" for name in values if name not in declared]
    problems += [f"{name} has no value" for name in declared if name not in values]
    problems += [
        problem
        for name, value in values.items()
        if name in declared and (problem := _problem(name, value, declared[name]))
    ]
    if problems:
        raise TemplateError(f"Parameters: {'; '.join(problems)}")
    return values


def _problem(name: str, value: str, spec: Mapping[str, Any]) -> str | None:
    wanted = spec.get("ConstraintDescription")
    elements = value.split(",") if str(spec.get("Type")) == "CommaDelimitedList" else [value]
    allowed = [str(allowed) for allowed in spec.get("AllowedValues", ())]
    if allowed and any(element not in allowed for element in elements):
        return f"{name} = {value!r}: allowed are {', '.join(allowed)}"
    if "AllowedPattern" in spec and not all(re.fullmatch(spec["AllowedPattern"], element) for element in elements):
        return f"{name} = {value!r}: {wanted or 'must match ' + spec['AllowedPattern']}"
    if not int(spec.get("MinLength", 0)) <= len(value) <= int(spec.get("MaxLength", len(value))):
        return f"{name} = {value!r}: {wanted or 'its length is not allowed'}"
    if spec.get("Type") == "Number" and not _is_number_within(value, spec):
        return f"{name} = {value!r}: a number from {spec.get('MinValue', 'any')} to {spec.get('MaxValue', 'any')}"
    return None


def _is_number_within(value: str, spec: Mapping[str, Any]) -> bool:
    try:
        number = float(value)
    except ValueError:
        return False
    return float(spec.get("MinValue", number)) <= number <= float(spec.get("MaxValue", number))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
