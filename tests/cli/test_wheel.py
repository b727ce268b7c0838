"""The wheel: built, installed into an empty folder, and run where nothing but click can be imported."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest

from tests.world import ROOT

CLI = ROOT / "cli"
LABELS = {"lattice.service": "orders", "lattice.path.prefix": "/orders"}
CONTAINER = {"name": "app", "portMappings": [{"name": "web", "containerPort": 80}], "dockerLabels": LABELS}


def build_hook():
    spec = importlib.util.spec_from_file_location("hatch_build", CLI / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built by hatchling, without an index."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=CLI, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Python with the installed wheel and click, and without the repository's environment."""
    target = tmp_path_factory.mktemp("installed")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(pip, capture_output=True, check=True)
    (target / "click").symlink_to(Path(click.__file__).parent)

    def run(*arguments: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(target)}
        # -S: no site-packages
        command = [sys.executable, "-S", *arguments]
        return subprocess.run(command, env=environment, cwd=target, capture_output=True, text=True, check=False)

    return run


def test_it_holds_the_command_and_what_it_carries_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    own = CLI / "src"
    of_command = {
        str(path.relative_to(own)) for path in own.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == of_command | set(build_hook().CARRIED.values())


def test_it_carries_exactly_what_the_parser_the_matches_and_the_findings_import(python):
    code = (
        "import sys, ecs_lattice.declaration, ecs_lattice.matching, ecs_lattice.version, ecs_lattice.aws.lattice_shapes\n"
        "import ecs_lattice.diagnosis.findings\n"
        "import ecs_lattice.aws.ecs_shapes as last\n"
        "print(*(n for n in sys.modules if n.partition('.')[0] == 'ecs_lattice'))\n"
        "print(last.__file__)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    modules, file = done.stdout.splitlines()
    assert "/installed" in file

    carried = {f"ecs_lattice/{module}".removesuffix("/__init__").replace("/", ".") for module in build_hook().MODULES}
    assert set(modules.split()) == carried


def test_the_command_imports_no_module_that_is_not_carried():
    """Wherever in a module the import stands; what the modules import themselves is in the test above."""
    carried = {f"ecs_lattice/{module}".removesuffix("/__init__").replace("/", ".") for module in build_hook().MODULES}
    imports = {
        name
        for path in (CLI / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.partition(".")[0] == "ecs_lattice"
    }
    assert "ecs_lattice.declaration" in imports
    assert imports <= carried


def _imported(node):
    """The modules of an import statement."""
    match node:
        case ast.Import(names):
            return [one.name for one in names]
        case ast.ImportFrom(module=str(module), names=names):
            inner = [f"{module}.{one.name}" for one in names]
            return [name if is_module(name) else module for name in inner]
    return []


def is_module(name):
    path = ROOT / "layers/core/src" / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_an_editable_installation_carries_no_copy():
    hook = build_hook()
    data = {"force_include": {}}
    hook.Carry.initialize(None, "editable", data)
    assert data == {"force_include": {}}


@pytest.mark.parametrize(
    "line", [["--help"], ["lint", "--help"], ["retry", "--help"], ["--version"], ["lint", "--schema"]]
)
def test_help_works_with_click_alone(python, line):
    done = python("-m", "ecs_lattice_cli", *line)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_lint_and_explain_work_with_click_alone(python, tmp_path):
    definition = {"family": "orders", "containerDefinitions": [CONTAINER]}
    (tmp_path / "good.json").write_text(json.dumps(definition))
    definition["containerDefinitions"] = [CONTAINER | {"dockerLabels": {**LABELS, "lattice.prot": "web"}}]
    (tmp_path / "bad.json").write_text(json.dumps(definition))
    done = python("-m", "ecs_lattice_cli", "lint", str(tmp_path / "good.json"), str(tmp_path / "bad.json"))
    assert (done.returncode, done.stderr) == (1, "")
    assert "good.json: OK, 1 route: default" in done.stdout
    assert "did you mean lattice.port?" in done.stdout
    done = python("-m", "ecs_lattice_cli", "explain", "unknown_key")
    assert done.returncode == 0
    assert done.stdout.startswith("UNKNOWN_KEY (")


def test_the_console_script_is_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "ecs-lattice = ecs_lattice_cli.main:main" in archive.read(name).decode()
