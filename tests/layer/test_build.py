"""The builder of the layer, with wheels made here: what it takes, what it leaves out, what it refuses."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "layers" / "core"
CLIENTS = 'class Clients:\n    def __init__(self):\n        self.ecs = self._client("ecs")\n'
UTILITIES = "aws_lambda_powertools/utilities"
BOTOCORE = {
    "botocore/__init__.py": "",
    "botocore/data/endpoints.json": "{}",
    "botocore/data/ecs/2014-11-13/service-2.json.gz": "ecs",
    "botocore/data/ecs/2014-11-13/examples-1.json": "{}",
    "botocore/data/ecs/2013-01-01/service-2.json.gz": "old",
    "botocore/data/s3/2006-03-01/service-2.json.gz": "s3",
    "botocore/__init__.pyi": "",
    "botocore/py.typed": "",
    "botocore/tests/test_it.py": "",
    f"{UTILITIES}/__init__.py": "",
    f"{UTILITIES}/typing/__init__.py": "",
    f"{UTILITIES}/parser/__init__.py": "",
    "aws_lambda_powertools/event_handler/__init__.py": "",
}


class Workshop:
    """A copy of layers/core with a small library and wheels of its own; no index is asked."""

    def __init__(self, folder: Path) -> None:
        self.core, self.wheels, self.artifacts = folder / "core", folder / "wheels", folder / "artifacts"
        self.wheels.mkdir()
        self.core.mkdir()
        for name in ("Makefile", "build_layer.py"):
            shutil.copy(CORE / name, self.core)
        self.write("ecs_lattice/__init__.py", "")
        self.write("ecs_lattice/aws/clients.py", CLIENTS)
        self.write("ecs_lattice/__pycache__/old.cpython-313.pyc", "stale")
        self.require(self.wheel("botocore", BOTOCORE))

    def write(self, name: str, text: str) -> None:
        path = self.core / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def wheel(self, name: str, files: dict[str, str], tag: str = "py3-none-any") -> Path:
        path = self.wheels / f"{name}-1.0-{tag}.whl"
        info = f"{name}-1.0.dist-info"
        meta = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
            f"{info}/LICENSE": "do as you like",
            f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        }
        record = "".join(f"{file},,\n" for file in (*files, *meta, f"{info}/RECORD"))
        with zipfile.ZipFile(path, "w") as archive:
            for file, text in {**files, **meta, f"{info}/RECORD": record}.items():
                archive.writestr(file, text)
        return path

    def require(self, wheel: Path, digest: str = "") -> None:
        digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
        self.write("requirements.txt", f"{wheel.name.split('-')[0]}==1.0 --hash=sha256:{digest}\n")

    def make(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """What `sam build` runs."""
        variables = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_NO_CACHE_DIR": "1"}
        variables |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **environment}
        variables["ARTIFACTS_DIR"] = str(self.artifacts)
        command = ["make", "--makefile", str(self.core / "Makefile"), "build-CoreLayer"]
        return subprocess.run(command, cwd=self.core, env=variables, capture_output=True, text=True, check=False)

    def built(self) -> dict[str, bytes]:
        root = self.artifacts / "python"
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    return Workshop(tmp_path)


def test_it_takes_what_is_used_and_its_bytecode(workshop):
    done = workshop.make()
    assert done.returncode == 0, done.stderr
    built = workshop.built()
    assert sorted(name for name in built if "__pycache__" not in name) == [
        "aws_lambda_powertools/utilities/__init__.py",
        "aws_lambda_powertools/utilities/typing/__init__.py",
        "botocore-1.0.dist-info/LICENSE",
        "botocore-1.0.dist-info/METADATA",
        "botocore/__init__.py",
        "botocore/data/ecs/2014-11-13/service-2.json.gz",
        "botocore/data/endpoints.json",
        "ecs_lattice/__init__.py",
        "ecs_lattice/aws/clients.py",
    ]
    sources = {name for name in built if name.endswith(".py")}
    compiled = {name for name in built if name.endswith(".pyc")}
    assert compiled == {importlib.util.cache_from_source(name) for name in sources}
    assert b"/opt/python/ecs_lattice/aws/clients.py" in built["ecs_lattice/aws/__pycache__/clients.cpython-313.pyc"]


def test_the_same_sources_give_the_same_layer(workshop):
    """A layer of the same content gets no new version."""
    assert workshop.make(PYTHONHASHSEED="1").returncode == 0
    first = workshop.built()
    assert workshop.make(PYTHONHASHSEED="2").returncode == 0
    assert workshop.built() == first


def test_what_an_earlier_build_left_is_gone(workshop):
    workshop.make()
    (workshop.artifacts / "python" / "leftover.py").write_text("")
    workshop.make()
    assert "leftover.py" not in workshop.built()


def _other_hash(workshop: Workshop) -> None:
    workshop.require(workshop.wheels / "botocore-1.0-py3-none-any.whl", "0" * 64)


def _no_hash(workshop: Workshop) -> None:
    workshop.write("requirements.txt", "botocore==1.0\n")


def _compiled_wheel(workshop: Workshop) -> None:
    workshop.require(workshop.wheel("fast", {"fast.py": ""}, "cp313-cp313-manylinux_2_17_x86_64"))


def _no_such_wheel(workshop: Workshop) -> None:
    workshop.write("requirements.txt", f"absent==1.0 --hash=sha256:{'0' * 64}\n")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_other_hash, "DO NOT MATCH THE HASHES"),
        (_no_hash, "hash"),
        (_compiled_wheel, "No matching distribution found for fast==1.0"),
        (_no_such_wheel, "No matching distribution found for absent==1.0"),
    ],
)
def test_a_wheel_that_is_not_the_locked_one_or_not_pure_python_stops_the_build(
    workshop, spoil: Callable[[Workshop], None], said
):
    spoil(workshop)
    done = workshop.make()
    assert done.returncode != 0
    assert said in done.stderr
    assert "pure Python and those of the hashes" in done.stderr


@pytest.mark.parametrize(
    ("clients", "said"),
    [
        (CLIENTS.replace('"ecs"', '"ecz"'), "botocore has no data of ecz"),
        (CLIENTS.replace('"ecs"', "NAME"), "has to make every client by self._client"),
        ("", "has to make every client by self._client"),
    ],
)
def test_a_client_whose_data_cannot_be_told_stops_the_build(workshop, clients, said):
    workshop.write("ecs_lattice/aws/clients.py", clients)
    done = workshop.make()
    assert done.returncode != 0
    assert said in done.stderr


def test_a_module_that_is_not_python_stops_the_build(workshop):
    workshop.write("ecs_lattice/broken.py", "def (:\n")
    done = workshop.make()
    assert done.returncode != 0
    assert "Not all modules could be compiled" in done.stderr


def test_a_python_without_pip_gets_it_from_its_own_venv(workshop, tmp_path):
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    done = workshop.make(PYTHON=str(bare / "bin" / "python"))
    assert done.returncode == 0, done.stderr
    assert "ecs_lattice/__init__.py" in workshop.built()


def test_without_python_3_13_it_says_what_to_do(workshop, tmp_path):
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    done = workshop.make(PYTHON=str(other))
    assert done.returncode != 0
    assert "built with Python 3.13" in done.stderr
    assert "set PYTHON=" in done.stderr


def test_the_command_says_how_it_is_used(workshop):
    done = subprocess.run(
        [sys.executable, workshop.core / "build_layer.py"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "usage: python build_layer.py <directory>\n")
