"""What the operator's pages name exists: parameters, outputs, payloads and the codes of statuses."""

import re
from pathlib import Path

import pytest

import ecs_lattice

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
README = (ROOT / "examples" / "file-transfer" / "README.md").read_text()
LIBRARY = "\n".join(path.read_text() for path in Path(ecs_lattice.__file__).parent.rglob("*.py"))
# Words in code font and camel case that are AWS's, not ours.
OF_AWS = {
    "ApproximateNumberOfMessagesVisible",
    "AWSLambdaBasicExecutionRole",
    "AWSXrayWriteOnlyAccess",
    "AWSLambdaSQSQueueExecutionRole",
    "AmazonECSInfrastructureRolePolicyForVpcLattice",
    "CreateRule",
    "Errors",
    "Reconciled",
}
STATES = {"Pending", "Wired", "Attaching", "Live", "Parked", "Removing", "Paused", "Refused", "Conflicted"}


def in_code(text: str, pattern: str) -> set[str]:
    return set(re.findall(rf"`({pattern})(?:=[^`]*)?`", text))


@pytest.mark.parametrize("page", [OPERATIONS, SECURITY], ids=["operations", "security"])
def test_every_name_in_camel_case_is_a_parameter_or_an_output(page, source):
    known = set(source["Parameters"]) | set(source["Outputs"]) | OF_AWS | STATES
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
    [(OPERATIONS, "docs"), (SECURITY, "docs"), (README, "examples/file-transfer")],
    ids=["operations", "security", "example"],
)
def test_every_link_leads_somewhere(page, folder):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page) if "://" not in link]
    assert [link for link in links if not (ROOT / folder / link).resolve().exists()] == []


def test_the_example_page_explains_every_label_of_the_example():
    template = (ROOT / "examples" / "file-transfer" / "template.yaml").read_text()
    labels = re.findall(r"^ +(lattice\.[a-z.-]+):", template, flags=re.MULTILINE)
    assert len(labels) == 16
    missing = [label for label in labels if label not in README and f"`….{label.split('.', 3)[-1]}" not in README]
    assert missing == []
