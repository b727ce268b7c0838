"""The example's labels mean what its README says."""

from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from ecs_lattice.custom_resource import properties, resource
from ecs_lattice.declaration import Bounds, declare
from ecs_lattice.facts import PortMapping, TaskDefinition
from ecs_lattice.model import Declaration, ListenerKey, Match, PathMatch, Route

TEMPLATE = Path(__file__).parents[2] / "examples" / "file-transfer" / "template.yaml"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return yaml_parse(TEMPLATE.read_text())


@pytest.fixture(scope="module")
def container(template) -> dict[str, Any]:
    (container,) = template["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    return container


@pytest.fixture(scope="module")
def routes(template, container) -> dict[str, Route]:
    """The declaration of the example with the parameters' defaults."""
    defaults = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    labels = {
        key: defaults[value["Ref"]] if isinstance(value, dict) else value
        for key, value in container["DockerLabels"].items()
        if not (isinstance(value, dict) and "Fn::If" in value)  # without NetworkName it is not there
    }
    definition = TaskDefinition(
        "arn:aws:ecs:us-east-1:123456789012:task-definition/file-transfer:1",
        "awsvpc",
        tuple(
            PortMapping(port["Name"], port["ContainerPort"], None, port["Protocol"], container["Name"])
            for port in container["PortMappings"]
        ),
        tuple((container["Name"], key, value) for key, value in labels.items()),
    )
    declaration = declare(definition, (), "ECS", Bounds(default_networks=("platform",)))
    assert isinstance(declaration, Declaration), declaration
    return {route.name: route for route in declaration.routes}


def test_there_are_three_routes_on_two_lattice_services(routes):
    assert {name: (route.lattice_service, route.port_name) for name, route in routes.items()} == {
        "admin": ("file-transfer", "admin"),
        "api": ("file-transfer", "api"),
        "transfer": ("file-transfer-stream", "transfer"),
    }


def test_the_api_has_its_path_and_the_admin_ui_answers_the_rest(routes):
    assert routes["api"].match == Match(path=PathMatch("prefix", "/api", True))
    assert routes["admin"].match is None
    assert routes["admin"].listeners == routes["api"].listeners == (ListenerKey("HTTP", 80),)


def test_transfers_are_passed_through_by_domain_and_checked_on_the_admin_port(routes):
    transfer = routes["transfer"]
    assert transfer.listeners == (ListenerKey("TLS_PASSTHROUGH", 8443),)
    assert (transfer.domain, transfer.protocol, transfer.idle_timeout) == ("transfer.example.com", "TCP", 600)
    assert (transfer.health.enabled, transfer.health.port, transfer.health.path) == (True, 8080, "/healthz")


def test_the_security_group_is_closed_and_left_to_the_routes(template, routes):
    group = template["Resources"]["SecurityGroup"]["Properties"]
    assert not [name for name in group if "Ingress" in name]
    assert not [kind for kind in template["Resources"].values() if kind["Type"] == "AWS::EC2::SecurityGroupIngress"]
    assert {route.ingress for route in routes.values()} == {"default"}


def test_the_example_has_no_load_balancer_and_makes_nothing_of_lattice_itself(template):
    types = {resource["Type"] for resource in template["Resources"].values()}
    assert not [kind for kind in types if "LoadBalanc" in kind or "VpcLattice" in kind]
    assert "VpcLatticeConfigurations" not in template["Resources"]["Service"]["Properties"]


INGRESS = Path(__file__).parents[2] / "examples" / "ingress" / "template.yaml"


def test_the_ingress_example_imports_what_the_stack_exports(translated):
    template = yaml_parse(INGRESS.read_text())
    imported = template["Resources"]["LatticeIngress"]["Properties"]["ServiceToken"]["Fn::ImportValue"]["Fn::Sub"]
    exported = {output["Export"]["Name"]["Fn::Sub"] for output in translated["Outputs"].values() if "Export" in output}
    assert imported.replace("${EcsLatticeStack}", "${AWS::StackName}") in exported
    # samconfig.toml names the stack so.
    assert template["Parameters"]["EcsLatticeStack"]["Default"] == "ecs-lattice"


def test_the_ingress_examples_properties_are_accepted_and_it_reads_what_is_answered():
    template = yaml_parse(INGRESS.read_text())
    given = dict(template["Resources"]["LatticeIngress"]["Properties"])
    given["SecurityGroupIds"] = ["sg-0123456789abcdef0"]
    given["Ports"] = template["Parameters"]["Ports"]["Default"].split(",")
    given["Description"] = given["Description"]["Fn::Sub"].replace("${AWS::StackName}", "transfer-network")
    assert isinstance(properties.read(given), properties.IngressProperties), properties.read(given)
    read = {output["Value"]["Fn::GetAtt"][1] for output in template["Outputs"].values()} - {"GroupId"}
    assert read <= set(resource._data(resource.OpenedGroups()))


def test_the_ingress_example_waits_for_as_long_as_lambda_may_try(of):
    properties_ = yaml_parse(INGRESS.read_text())["Resources"]["LatticeIngress"]["Properties"]
    timeout = of.type("AWS::Lambda::Function")["LatticeIngressFunction"]["Timeout"]
    (invoke,) = [
        c
        for c in of.type("AWS::Lambda::EventInvokeConfig").values()
        if of.target(c["FunctionName"]) == "LatticeIngressFunction"
    ]
    # Lambda retries after one and after two minutes (Lambda Developer Guide, asynchronous invocation).
    attempts = timeout * (invoke["MaximumRetryAttempts"] + 1) + 60 + 120
    assert attempts < int(properties_["ServiceTimeout"])
    assert invoke["MaximumEventAgeInSeconds"] < int(properties_["ServiceTimeout"])
