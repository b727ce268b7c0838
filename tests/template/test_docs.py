"""What the operator's pages name exists: parameters, outputs, payloads and the codes of statuses."""

import re
from pathlib import Path

import pytest

import ecs_lattice
from ecs_lattice import errors
from ecs_lattice.custom_resource import properties, resource
from ecs_lattice.health import metric_names

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
README = (ROOT / "examples" / "file-transfer" / "README.md").read_text()
CUSTOM_RESOURCE = (ROOT / "docs" / "custom-resource.md").read_text()
INGRESS_README = (ROOT / "examples" / "ingress" / "README.md").read_text()
LIBRARY = "\n".join(path.read_text() for path in Path(ecs_lattice.__file__).parent.rglob("*.py"))
# Words in code font and camel case that are AWS's, not ours.
OF_AWS = {
    "AWSLambdaBasicExecutionRole",
    "AWSXrayWriteOnlyAccess",
    "AWSLambdaSQSQueueExecutionRole",
    "AmazonECSInfrastructureRolePolicyForVpcLattice",
    "CreateRule",
    "RegisterTaskDefinition",
    "ServiceToken",
    "SubscribeURL",
    "Reconciled",
}
STATES = {"Pending", "Wired", "Attaching", "Live", "Parked", "Removing", "Paused", "Refused", "Conflicted"}


def in_code(text: str, pattern: str) -> set[str]:
    return set(re.findall(rf"`({pattern})(?:=[^`]*)?`", text))


@pytest.mark.parametrize("page", [OPERATIONS, SECURITY], ids=["operations", "security"])
def test_every_name_in_camel_case_is_a_parameter_or_an_output(page, source):
    metrics = {value for value in vars(metric_names).values() if isinstance(value, str)}
    raised = set(vars(errors))
    known = set(source["Parameters"]) | set(source["Outputs"]) | OF_AWS | STATES | metrics | raised
    assert in_code(page, r"[A-Z][A-Za-z]+[a-z]") - known == set()


def test_every_code_and_state_in_the_operations_page_is_one_of_the_library():
    codes = in_code(OPERATIONS, r"[A-Z]+_[A-Z_]+") - {"CAPABILITY_IAM", "ERROR_CODE", "ERROR_MESSAGE", "RULE_ARN"}
    assert len(codes) >= 6
    assert {code for code in codes if f'"{code}"' not in LIBRARY} == set()
    assert {state for state in STATES if f"`{state}`" not in OPERATIONS or f'"{state}"' not in LIBRARY} == set()


def test_every_dead_letter_queue_has_its_line(source):
    queues = {name for name in source["Outputs"] if name.endswith("DeadLetterQueueUrl")}
    assert {name for name in queues if f"| `{name}` |" not in OPERATIONS} == set()
    assert len(queues) == 5


@pytest.mark.parametrize(
    ("page", "folder"),
    [
        (OPERATIONS, "docs"),
        (SECURITY, "docs"),
        (CUSTOM_RESOURCE, "docs"),
        (README, "examples/file-transfer"),
        (INGRESS_README, "examples/ingress"),
    ],
    ids=["operations", "security", "custom resource", "example", "ingress example"],
)
def test_every_link_leads_somewhere(page, folder):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page) if "://" not in link]
    assert [link for link in links if not (ROOT / folder / link).resolve().exists()] == []


def test_every_alarm_of_the_stack_has_its_line(source):
    alarms = [
        r["Properties"]["AlarmName"] for r in source["Resources"].values() if r["Type"] == "AWS::CloudWatch::Alarm"
    ]
    kinds = {re.sub(r"^.*-(errors|throttles|dead-letters|age)$", r"-\1", alarm["Fn::Join"][1][-1]) for alarm in alarms}
    assert kinds == {"probe-silent", "-errors", "-throttles", "-dead-letters", "dead-letters", "-age"}
    rows = "\n".join(re.findall(r"^\| `…/stack/.*", OPERATIONS, flags=re.MULTILINE))
    assert {kind for kind in kinds if f"{kind}`" not in rows} == set()


def test_the_page_of_the_custom_resource_names_every_property_attribute_and_code():
    known = {*properties._PATTERNS, "ServiceTimeout"}
    rows = {
        name
        for row in re.findall(r"^\| (`.*?) \|", CUSTOM_RESOURCE, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    attributes = {"RuleIds", "RuleCount", "PrefixListIds", "PrefixListIdIPv4", "PrefixListIdIPv6"}
    assert {name for name in rows if not name.isupper() and "_" not in name} == known | attributes
    assert set(resource._data(resource.OpenedGroups())) == attributes
    source = "".join(path.read_text() for path in Path(resource.__file__).parent.glob("*.py"))
    codes = set(re.findall(r'Problem\(\s*"([A-Z_]+)"', source))
    assert codes == {name for name in rows if "_" in name}


def test_the_example_page_explains_every_label_of_the_example():
    template = (ROOT / "examples" / "file-transfer" / "template.yaml").read_text()
    labels = re.findall(r"^ +(lattice\.[a-z.-]+):", template, flags=re.MULTILINE)
    assert len(labels) == 16
    missing = [label for label in labels if label not in README and f"`….{label.split('.', 3)[-1]}" not in README]
    assert missing == []
