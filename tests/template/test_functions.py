"""Functions: what each has, and that environment and settings are the same list."""

import dataclasses
import json
import re
from typing import Any

from ecs_lattice import settings
from local_aws.runtime.logs import is_kept

METRICS = json.dumps({"Impaired": [0.0], "_aws": {"CloudWatchMetrics": []}})
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
FUNCTIONS = {
    "EcsEventsFunction",
    "EcsServiceFunction",
    "LatticeServiceFunction",
    "ResyncFunction",
    "LatticeIngressFunction",
    "TargetHealthFunction",
    "QueryFunction",
    "AlarmFunction",
}
ON_THE_RING = {"EcsEventsFunction", "EcsServiceFunction", "LatticeServiceFunction", "AlarmFunction"}
ENVIRONMENT_BYTES = 4096  # AWS Lambda quotas, environment variables of a function together


def named(value: Any) -> set[str]:
    """The logical ids and parameters that a value is made of."""
    if isinstance(value, list):
        return set().union(*map(named, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(named, value.values()))
    if "Ref" in value:
        found.add(value["Ref"])
    if "Fn::GetAtt" in value:
        found.add(
            value["Fn::GetAtt"][0] if isinstance(value["Fn::GetAtt"], list) else value["Fn::GetAtt"].split(".")[0]
        )
    return found


def test_these_are_the_functions(of):
    assert set(of.type("AWS::Lambda::Function")) == FUNCTIONS


def test_every_function_logs_json_into_its_own_group_which_has_a_retention(of):
    groups = of.type("AWS::Logs::LogGroup")
    used = [of.target(f["LoggingConfig"]["LogGroup"]) for f in of.type("AWS::Lambda::Function").values()]
    assert len(set(used)) == len(FUNCTIONS)
    for group in used:
        assert groups[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert "LogGroupName" not in groups[group], "a fixed name collides with what an earlier installation left"
    for function in of.type("AWS::Lambda::Function").values():
        assert function["LoggingConfig"]["LogFormat"] == "JSON"


def test_no_log_level_drops_the_lines_of_metrics(source, of):
    """Whatever LogLevel is, Lambda keeps a line that our metrics print, and every level that the logger lets through."""
    for level in source["Parameters"]["LogLevel"]["AllowedValues"]:
        for function in of.type("AWS::Lambda::Function").values():
            filtered = function["LoggingConfig"]["ApplicationLogLevel"]
            if "Fn::If" in filtered:
                condition, when, otherwise = filtered["Fn::If"]
                assert source["Conditions"][condition] == {"Fn::Equals": [{"Ref": "LogLevel"}, "DEBUG"]}
                filtered = when if level == "DEBUG" else otherwise
            filtered = level if filtered == {"Ref": "LogLevel"} else filtered
            assert is_kept(METRICS, "JSON", filtered), level
            assert is_kept(json.dumps({"level": level}), "JSON", filtered), level
            assert function["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == {"Ref": "LogLevel"}


def test_every_function_is_traced_described_and_runs_on_the_chosen_architecture(of):
    for function in of.type("AWS::Lambda::Function").values():
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["Description"]
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == [{"Ref": "Architecture"}]
        assert function["Handler"] == "app.handler"
        assert len(function["Layers"]) == 1


def test_the_default_architecture_is_arm64(source):
    assert source["Parameters"]["Architecture"]["Default"] == "arm64"


def test_functions_that_invoke_each_other_are_exempt_from_loop_detection_and_no_other_is(of):
    allowed = {key for key, f in of.type("AWS::Lambda::Function").items() if f.get("RecursiveLoop") == "Allow"}
    assert allowed == ON_THE_RING


def test_every_setting_has_its_environment_variable_and_every_variable_is_a_setting(of):
    fields = {settings.variable_of(field) for field in dataclasses.fields(settings.Settings)}
    for function in of.type("AWS::Lambda::Function").values():
        assert set(function["Environment"]["Variables"]) == fields | POWERTOOLS


def test_the_environment_has_room_for_the_lists_beside_the_longest_auth_policy(of, source):
    """Lists of networks, domains, clusters and roles have no longest value: half a kilobyte has to be left for them."""
    longest = {"Ref": 95, "Fn::GetAtt": 110, "Fn::If": 60}  # a queue's URL, a role's ARN, an owner
    variables = of.type("AWS::Lambda::Function")["EcsServiceFunction"]["Environment"]["Variables"]
    lists = {"OTHER_INFRASTRUCTURE_ROLES", "CLUSTERS", "DEFAULT_NETWORKS", "ALLOWED_NETWORKS", "ALLOWED_DOMAINS"}
    used = sum(map(len, variables))
    for name in set(variables) - lists:
        value = variables[name]
        parameter = source["Parameters"].get(value.get("Ref", ""), {}) if isinstance(value, dict) else {}
        if isinstance(value, str):
            used += len(value)
        elif parameter.get("Type") == "Number":
            used += len(str(parameter["MaxValue"]))
        elif parameter:
            used += (
                parameter["MaxLength"]
                if "MaxLength" in parameter
                else max(map(len, parameter.get("AllowedValues", ["x" * 32])))
            )
        else:
            used += longest[next(iter(value))]
    assert ENVIRONMENT_BYTES - used > 512


def test_every_variable_but_the_fixed_names_comes_from_a_parameter_or_resource(of, translated):
    known = set(translated["Parameters"]) | set(translated["Resources"]) | {"AWS::StackName"}
    for function in of.type("AWS::Lambda::Function").values():
        for name, value in function["Environment"]["Variables"].items():
            if name in {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}:
                continue
            assert named(value), f"{name} is fixed"
            assert named(value) <= known, name


def test_the_parameters_defaults_are_the_settings_defaults(source):
    parameters = source["Parameters"]
    for field in dataclasses.fields(settings.Settings):
        variable = settings.variable_of(field)
        parameter = parameters.get("".join(part.capitalize() for part in variable.split("_")))
        if parameter is None or field.default is dataclasses.MISSING or field.name == "clusters":
            continue
        text = " ".join(str(parameter["Default"]).split(","))
        assert settings.read({**REQUIRED, variable: text}) == settings.read(REQUIRED), field.name


def test_all_clusters_is_the_default(source):
    assert source["Parameters"]["Clusters"]["Default"] == "*"
    assert settings.read(REQUIRED).clusters == ()


def test_every_parameter_is_used_described_grouped_and_bounded(source):
    text = repr({key: value for key, value in source.items() if key not in {"Parameters", "Metadata"}})
    groups = source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(source["Parameters"])
    for name, parameter in source["Parameters"].items():
        assert f"'{name}'" in text, f"{name} is used nowhere"
        assert parameter["Description"], name
        bounds = {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter)
        assert bounds, f"{name} accepts anything"
        if "AllowedPattern" in parameter:
            assert parameter["ConstraintDescription"], name


def test_every_default_is_allowed(source):
    for name, parameter in source["Parameters"].items():
        default = parameter["Default"]
        if "AllowedPattern" in parameter:
            values = str(default).split(",") if parameter["Type"] == "CommaDelimitedList" else [default]
            assert all(re.fullmatch(parameter["AllowedPattern"], value) for value in values), name
        if "AllowedValues" in parameter:
            assert default in parameter["AllowedValues"], name
        if "MinValue" in parameter:
            assert parameter["MinValue"] <= default <= parameter["MaxValue"], name


REQUIRED = {
    "OWNER": "o",
    "TABLE": "t",
    "ECS_EVENTS_QUEUE": "e",
    "ECS_SERVICES_QUEUE": "s",
    "LATTICE_SERVICES_QUEUE": "l",
    "DEAD_LETTER_QUEUE": "d",
    "ALARMS_QUEUE": "a",
    "NOTIFY_TOPIC": "n",
}
