"""AWS::Lambda::*. moto creates functions without layers and logging, and layer versions without Ref."""

import json
from typing import Any

from local_aws.stack.resources import Made, Properties, Provider, client

_CONFIGURATION = (
    "DeadLetterConfig", "Description", "Environment", "EphemeralStorage", "Handler", "KMSKeyArn", "Layers",
    "LoggingConfig", "MemorySize", "Role", "Runtime", "Timeout", "TracingConfig", "VpcConfig",
)  # fmt: skip
_CREATE_ONLY = ("Architectures", "PackageType")
_NUMBERS = ("MemorySize", "Timeout")


def _configuration(properties: Properties, names: tuple[str, ...]) -> dict[str, Any]:
    chosen = {name: properties[name] for name in names if name in properties}
    chosen |= {name: int(chosen[name]) for name in _NUMBERS if name in chosen}
    if "Environment" in chosen:
        variables = chosen["Environment"].get("Variables", {})
        chosen["Environment"] = {"Variables": {name: _text(value) for name, value in variables.items()}}
    return chosen


def _text(value: Any) -> str:
    """CloudFormation passes every value as a string; booleans are lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _code(properties: Properties) -> dict[str, Any]:
    code = dict(properties["Code"])
    if "ZipFile" in code:
        code["ZipFile"] = _zip_of(code["ZipFile"])
    return code


def _zip_of(source: str) -> bytes:
    import io
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", source)
    return content.getvalue()


def _create_function(properties: Properties, name: str) -> Made:
    name = str(properties.get("FunctionName", name))[:64]
    tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())}
    service = client("lambda")
    made = service.create_function(
        FunctionName=name,
        Code=_code(properties),
        Tags=tags,
        **_configuration(properties, (*_CONFIGURATION, *_CREATE_ONLY)),
    )
    _reserve(properties, name)
    return Made(name, {"Arn": made["FunctionArn"]})


def _reserve(properties: Properties, name: str) -> None:
    service, reserved = client("lambda"), properties.get("ReservedConcurrentExecutions")
    if reserved is None:
        service.delete_function_concurrency(FunctionName=name)
    else:
        service.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(reserved))


def _update_function(made: Made, properties: Properties, _name: str) -> Made:
    service = client("lambda")
    service.update_function_code(FunctionName=made.ref, **_code(properties))
    service.update_function_configuration(FunctionName=made.ref, **_configuration(properties, _CONFIGURATION))
    _reserve(properties, made.ref)
    return made


def _delete_function(made: Made, _properties: Properties) -> None:
    client("lambda").delete_function(FunctionName=made.ref)


def _create_layer(properties: Properties, name: str) -> Made:
    optional = {
        key: properties[key]
        for key in ("CompatibleRuntimes", "CompatibleArchitectures", "Description", "LicenseInfo")
        if key in properties
    }
    layer = client("lambda").publish_layer_version(
        LayerName=properties.get("LayerName", name), Content=dict(properties["Content"]), **optional
    )
    return Made(layer["LayerVersionArn"], {"LayerVersionArn": layer["LayerVersionArn"]})


def _delete_layer(made: Made, _properties: Properties) -> None:
    layer, _, version = made.ref.rpartition(":")
    client("lambda").delete_layer_version(LayerName=layer.rpartition(":")[2], VersionNumber=int(version))


def _create_permission(properties: Properties, name: str) -> Made:
    optional = {
        key: properties[key]
        for key in ("SourceArn", "SourceAccount", "EventSourceToken", "PrincipalOrgID")
        if key in properties
    }
    statement = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:100]
    client("lambda").add_permission(
        FunctionName=properties["FunctionName"],
        StatementId=statement,
        Action=properties["Action"],
        Principal=properties["Principal"],
        **optional,
    )
    return Made(statement, {"Id": statement})


def _delete_permission(made: Made, properties: Properties) -> None:
    client("lambda").remove_permission(FunctionName=properties["FunctionName"], StatementId=made.ref)


def _create_invoke_config(properties: Properties, _name: str) -> Made:
    settings = {
        key: int(properties[key]) for key in ("MaximumEventAgeInSeconds", "MaximumRetryAttempts") if key in properties
    }
    if "DestinationConfig" in properties:
        settings["DestinationConfig"] = properties["DestinationConfig"]
    client("lambda").put_function_event_invoke_config(FunctionName=properties["FunctionName"], **settings)
    return Made(f"{properties['FunctionName']}|{properties.get('Qualifier', '$LATEST')}")


def _delete_invoke_config(_made: Made, properties: Properties) -> None:
    client("lambda").delete_function_event_invoke_config(FunctionName=properties["FunctionName"])


_MAPPING = (
    "BatchSize", "Enabled", "FilterCriteria", "FunctionName", "FunctionResponseTypes", "MaximumBatchingWindowInSeconds",
    "ScalingConfig",
)  # fmt: skip


def _mapping(properties: Properties) -> dict[str, Any]:
    settings = {key: properties[key] for key in _MAPPING if key in properties}
    for key in ("BatchSize", "MaximumBatchingWindowInSeconds"):
        if key in settings:
            settings[key] = int(settings[key])
    if "Enabled" in settings:
        settings["Enabled"] = str(settings["Enabled"]).lower() == "true"
    if "ScalingConfig" in settings:
        settings["ScalingConfig"] = {key: int(value) for key, value in settings["ScalingConfig"].items()}
    for filter_ in settings.get("FilterCriteria", {}).get("Filters", ()):
        if not isinstance(filter_.get("Pattern"), str):
            filter_["Pattern"] = json.dumps(filter_["Pattern"])
    return settings


def _create_mapping(properties: Properties, _name: str) -> Made:
    mapping = client("lambda").create_event_source_mapping(
        EventSourceArn=properties["EventSourceArn"], **_mapping(properties)
    )
    return Made(mapping["UUID"], {"Id": mapping["UUID"]})


def _update_mapping(made: Made, properties: Properties, _name: str) -> Made:
    client("lambda").update_event_source_mapping(UUID=made.ref, **_mapping(properties))
    return made


def _delete_mapping(made: Made, _properties: Properties) -> None:
    client("lambda").delete_event_source_mapping(UUID=made.ref)


PROVIDERS = (
    Provider(
        "AWS::Lambda::Function",
        _create_function,
        _delete_function,
        frozenset({"Arn"}),
        "FunctionName",
        _update_function,
    ),
    Provider("AWS::Lambda::LayerVersion", _create_layer, _delete_layer, frozenset({"LayerVersionArn"}), "LayerName"),
    Provider("AWS::Lambda::Permission", _create_permission, _delete_permission, frozenset({"Id"})),
    Provider("AWS::Lambda::EventInvokeConfig", _create_invoke_config, _delete_invoke_config),
    Provider(
        "AWS::Lambda::EventSourceMapping",
        _create_mapping,
        _delete_mapping,
        frozenset({"Id"}),
        update=_update_mapping,
    ),
)
