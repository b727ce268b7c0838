"""The layer that `sam build` made: what is in it is enough, and starts fast."""

import ast
import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_lattice.settings import Settings
from local_aws.__main__ import build

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "layers" / "core" / "src" / "ecs_lattice"
LAYER = ROOT / ".aws-sam" / "build" / "CoreLayer" / "python"
MOST_BYTES = 15_000_000
NEEDED = {field.name.upper(): "x" for field in dataclasses.fields(Settings) if field.default is dataclasses.MISSING}
UNCHECKED_HASH = 0b01  # PEP 552: hash-based, not checked against the source


@pytest.fixture(scope="module")
def layer() -> Path:
    if not LAYER.exists():
        build(ROOT)
    return LAYER


def modules(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.py")}


def in_lambda(layer: Path, code: str, folder: Path = ROOT / "functions") -> subprocess.CompletedProcess[str]:
    """Run code as in Lambda without the runtime's own SDK: the folder, the layer and the standard library, nothing else."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "us-east-1",
        **NEEDED,
        "PYTHONPATH": os.pathsep.join([str(folder), str(layer)]),
    }
    command = [sys.executable, "-B", "-S", "-W", "ignore", "-c", code]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )


def test_it_holds_the_library_as_it_is(layer):
    assert modules(layer / "ecs_lattice") == modules(SOURCE), "out of date: run sam build (make build)"


def test_unpacked_it_is_at_most_15_mb(layer):
    assert sum(path.stat().st_size for path in layer.rglob("*") if path.is_file()) <= MOST_BYTES


def test_every_module_has_bytecode_that_python_takes_without_looking_at_the_source(layer):
    sources = list(layer.rglob("*.py"))
    assert sources
    for source in sources:
        header = Path(importlib.util.cache_from_source(str(source))).read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER, source
        assert int.from_bytes(header[4:], "little") == UNCHECKED_HASH, source


def test_nothing_of_the_layer_is_compiled_at_a_start(layer):
    verbose = subprocess.run(
        [sys.executable, "-B", "-S", "-v", "-c", "import ecs_lattice.bootstrap.alarm"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(layer)},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    own = [line for line in verbose.splitlines() if str(layer) in line]
    assert any(line.startswith("# code object from") and ".pyc" in line for line in own)
    assert [line for line in own if line.startswith("# code object from") and ".pyc" not in line] == []


@pytest.mark.parametrize("function", sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py")))
def test_a_function_finds_all_it_imports(layer, function):
    started = in_lambda(layer, "import app; print(callable(app.handler))", ROOT / "functions" / function)
    assert (started.returncode, started.stdout) == (0, "True\n"), started.stderr


# What a function loads of the packages and modules that not all of them need: what it does not work with costs every start.
LOADED = {
    "alarm": {"diagnosis", "ecs_side", "facts", "graph", "health", "ingress", "consumers"},
    "ecs_events": {"consumers"},
    "ecs_service": {"declaration", "ecs_side", "facts", "ingress", "consumers"},
    "lattice_ingress": {"custom_resource", "ingress"},
    "lattice_service": {"graph", "lattice_side", "consumers"},
    "query": {"ecs_side", "facts", "health", "ingress", "query"},
    "resync": {"ecs_side", "facts", "graph", "health", "ingress", "lattice_side", "rebuild", "resync", "uninstall"},
    "target_health": {"ecs_side", "facts", "graph", "health"},
}


@pytest.mark.parametrize("function", LOADED)
def test_a_start_loads_the_functions_own_parts_and_nothing_heavy(layer, function):
    code = "import app, sys; print(*sys.modules)"
    started = in_lambda(layer, code, ROOT / "functions" / function)
    assert started.returncode == 0, started.stderr
    modules = set(started.stdout.split())
    own = {name.split(".")[1] for name in modules if name.startswith("ecs_lattice.")}
    assert own & set.union(*LOADED.values()) == LOADED[function]
    # boto3 itself imports s3transfer and multiprocessing (decision 43), but none of its extras for single services.
    assert modules & {"boto3.s3", "boto3.dynamodb", "asyncio", "unittest", "pydantic", "aws_xray_sdk"} == set()


def test_every_module_of_the_library_finds_all_it_imports(layer):
    names = sorted(str(path.relative_to(layer).with_suffix("")) for path in (layer / "ecs_lattice").rglob("*.py"))
    imports = "\n".join(f"import {name.replace('/', '.').removesuffix('.__init__')}" for name in names)
    done = in_lambda(layer, imports)
    assert done.returncode == 0, done.stderr


def test_every_client_has_the_data_it_needs_and_no_other_service_has_any(layer):
    code = """
import json, os
import boto3
from ecs_lattice.aws.clients import Clients
made = [client for name, client in vars(Clients()).items() if not name.startswith("_")]
for client in made:
    for method in client.meta.method_to_api_mapping:
        if client.can_paginate(method):
            client.get_paginator(method)
print(json.dumps([
    sorted(client.meta.service_model.service_name for client in made),
    sorted(boto3.Session().get_available_services()),
    [client.meta.endpoint_url for client in made],
]))
"""
    done = in_lambda(layer, code)
    assert done.returncode == 0, done.stderr
    made, brought, endpoints = json.loads(done.stdout)
    assert made == brought
    assert all(re.match(r"https://[a-z0-9.-]+$", endpoint) for endpoint in endpoints)


def test_nothing_else_makes_clients():
    """The build reads the services from one module; a client made elsewhere would lack its data."""
    found = []
    for path in [*SOURCE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "boto3" or name == "botocore.session" for name in imported):
                found.append(path.relative_to(ROOT).as_posix())
    assert sorted(set(found)) == ["layers/core/src/ecs_lattice/aws/clients.py"]


def test_an_exception_shows_the_line_of_the_library_where_it_arose(layer):
    done = in_lambda(layer, "from ecs_lattice import settings; settings.read({})")
    assert "raise SettingsError(" in done.stderr


def test_licences_of_all_that_is_distributed_are_in_it(layer):
    packages = list(layer.glob("*.dist-info"))
    assert packages
    for package in packages:
        kept = [path.name.lower() for path in package.iterdir()]
        assert "metadata" in kept
        assert any(name.startswith(("licen", "notice", "copying")) for name in kept), package.name
