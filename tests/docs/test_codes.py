"""Every public code has a section on the troubleshooting page, and every section there belongs to a code.

The codes are read from the source: the arguments that are codes wherever a problem, a cause or a status is created.
"""

import ast
import itertools
import re
from pathlib import Path

import pytest
from botocore.model import ServiceModel
from botocore.session import Session

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "layers" / "core" / "src").rglob("*.py"))
PAGE = ROOT / "docs" / "troubleshooting.md"
_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
# Callables that take a code, with its position among the positional arguments; all of them take the keyword `code`.
_TAKE_A_CODE = {
    "Problem": 0, "Notice": 0, "Finding": 0, "problem": 0, "_problem": 0, "_at": 1, "reject": 1, "Answer": 1, "_of": 3, "resolved": 99, "_adopt": 2,
    "AttachDecision": 99, "_ForeignError": 1,
}  # fmt: skip
_VARIABLES = {"AWS_REGION", "AWS_ENDPOINT_URL"}  # of the environment, set by Lambda and the local AWS
_AWS_EVENT_NAMES = {"VPC_LATTICE_TARGET_UNHEALTHY"}  # an event name of ECS, which botocore does not know


def codes_in(tree):
    for scope in ast.walk(tree):
        if isinstance(scope, ast.Module | ast.FunctionDef):
            for node in ast.walk(scope):
                yield from (text for code in _given(node) for text in _texts(code, scope) if _CODE.fullmatch(text))


def _given(node):
    """The expressions at this node that are codes."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _TAKE_A_CODE:
            yield from node.args[_TAKE_A_CODE[name] :][:1]
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "code")
        case ast.Call(func=ast.Attribute(attr="append"), args=[ast.Tuple(elts=[first, _])]):
            yield first  # pairs of code and message, until the place is known
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=text)) if name == text:
            yield node.value
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="code"), *_])], value=ast.Tuple(elts=[first, *_])):
            yield first
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict() as table) if name.endswith("CODES"):
            yield from (table.keys if name == "CODES" else table.values)


def _texts(expression, scope):
    """The strings that an expression can evaluate to, as far as they are literals in this scope."""
    match expression:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            return _texts(body, scope) | _texts(orelse, scope)
        case ast.JoinedStr(values=parts) | ast.FormattedValue(value=ast.JoinedStr(values=parts)):
            return {"".join(texts) for texts in itertools.product(*(_texts(part, scope) for part in parts))}
        case ast.FormattedValue(value=inner):
            return _texts(inner, scope)
        case ast.Name(id=name):
            found = [n.value for n in ast.walk(scope) if isinstance(n, ast.Assign) and name in map(_name, n.targets)]
            return {text for value in found if not isinstance(value, ast.Name) for text in _texts(value, scope)}
    return set()


def _name(target):
    return target.id if isinstance(target, ast.Name) else None


@pytest.fixture(scope="module")
def codes():
    return {code for path in SOURCES for code in codes_in(ast.parse(path.read_text()))}


def sections(text):
    """Heading and body of each section about a code."""
    found = re.split(r"^(##+) (.+)$", text, flags=re.MULTILINE)[1:]
    return [(title, body.strip()) for level, title, body in zip(*[iter(found)] * 3, strict=True) if level == "###"]


def test_every_code_has_a_section_and_every_section_a_code(codes):
    titles = [title for title, _ in sections(PAGE.read_text())]
    assert set(titles) == codes
    assert len(titles) == len(set(titles))


def test_every_section_has_a_short_body():
    for title, body in sections(PAGE.read_text()):
        assert body, title
        assert len(body.split()) <= 130, title


def test_no_constant_in_capitals_in_the_source_is_missed(codes):
    """What looks like a code was found as one or is a constant of AWS: a new way to create codes fails here."""
    in_capitals = {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value)
        if "_" in node.value
    }
    session = Session()
    of_aws = {
        word
        for name in ("vpc-lattice", "ecs", "cloudwatch", "cloudformation", "dynamodb")
        for model in [ServiceModel(session.get_component("data_loader").load_service_model(name, "service-2"), name)]
        for shape in model.shape_names
        for word in getattr(model.shape_for(shape), "enum", ())
    }
    left = in_capitals - codes - of_aws - _AWS_EVENT_NAMES - _VARIABLES
    assert {text for text in left if not any(word.startswith(text) for word in of_aws)} == set()


def test_every_way_to_write_a_code_is_read():
    source = """
NAMED = "NAMED"
OTHER = "NOT_NAMED"
_CODES: dict[str, str] = {"X": "BY_VALUE"}
CODES: dict[str, str] = {"BY_KEY": "Text"}
def f():
    kind = "ONE" if x else "TWO"
    raise _ForeignError(1, f"A_{kind}", "SAID")
    AttachDecision(r, code="BY_KEYWORD"); claim.reject("Refused", "SECOND", "M"); found.append(("PAIR", "text"))
    Problem("FIRST", "MESSAGE"); service.get("NEVER")
"""
    assert set(codes_in(ast.parse(source))) == {
        "NAMED", "BY_VALUE", "BY_KEY", "A_ONE", "A_TWO", "BY_KEYWORD", "SECOND", "PAIR", "FIRST"
    }  # fmt: skip
