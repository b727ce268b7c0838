# ruff: noqa: INP001  a command, not part of a package
"""Builds the layer (decision 27): the packages that requirements.txt locks and the library, cut to what is used, with
bytecode.

Lambda mounts layers read-only, so Python cannot keep the bytecode it compiles there: what a layer lacks is compiled
again at every cold start. The bytecode is unchecked hash-based (PEP 552): Python takes it as it is, whatever timestamps
the files get in a zip. Sources stay: tracebacks show their lines. Only pure Python wheels are taken, so one layer
serves both instruction sets, and the hash of every wheel is checked.

Usage: python build_layer.py <directory>, with CPython 3.13, whose bytecode is that of the runtime python3.13.
"""

import ast
import compileall
import py_compile
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path

_HERE = Path(__file__).parent
_SOURCE = _HERE / "src"
_OPT = "/opt/python"
"""Where Lambda mounts the layer. The bytecode has these file names, so Python need not correct them at each import."""

_UNUSED = (
    "bin",  # commands
    "**/tests",
    "**/*.pyi",
    "**/py.typed",
    "botocore/data/**/examples-*.json",  # examples of the documentation
    "botocore/data/**/completions-*.json",
    "boto3/data",  # resources, and their examples
    "boto3/examples",
    "aws_lambda_powertools/event_handler",  # web APIs
)
_POWERTOOLS_UTILITIES = {"__init__.py", "jmespath_utils", "typing"}
"""The utilities of Powertools that the library, the functions and Powertools itself use; the others are half of its size."""
_KEPT_OF_DIST_INFO = ("metadata", "licen", "notice", "copying", "authors")


class BuildError(Exception):
    """The layer cannot be built; the text says why and what to do."""


def main(arguments: list[str]) -> int:
    """Build the layer into the directory that is the one argument; the exit code."""
    if len(arguments) != 1 or not arguments[0]:
        sys.stderr.write("usage: python build_layer.py <directory>\n")
        return 2
    try:
        build(Path(arguments[0]))
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def build(layer: Path) -> None:
    """Write the layer's content into ``layer``. Raises BuildError."""
    if sys.version_info[:2] != (3, 13) or sys.implementation.name != "cpython":
        raise BuildError(f"The layer's bytecode is that of CPython 3.13; this is {sys.version}.")
    packages = layer / "python"
    shutil.rmtree(packages, ignore_errors=True)
    packages.mkdir(parents=True)
    install(_SOURCE / "requirements.txt", packages)
    library = packages / "ecs_lattice"
    shutil.copytree(_SOURCE / "ecs_lattice", library, ignore=shutil.ignore_patterns("__pycache__"))
    cut(packages, services_used(library / "aws" / "clients.py"))
    add_bytecode(packages)


def install(requirements: Path, into: Path) -> None:
    """Install the locked wheels. BuildError if a hash differs, a wheel is not pure Python or cannot be downloaded."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [_python_with_pip(Path(scratch)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += [
            "--no-input",
            "--no-user",
            "--no-compile",
            "--target",
            str(into),
            "--requirement",
            str(requirements),
        ]
        command += ["--require-hashes", "--only-binary", ":all:"]
        command += ["--python-version", "3.13", "--implementation", "py", "--abi", "none", "--platform", "any"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  all of it is ours
    if done.returncode:
        raise BuildError(
            f"{done.stdout}{done.stderr}The wheels of {requirements.name} could not be installed (see above). They have to "
            "be pure Python and those of the hashes; if the package index cannot be reached, set PIP_INDEX_URL to one that can."
        )


def services_used(clients: Path) -> frozenset[str]:
    """The services whose clients the module makes: the arguments of its calls of ``self._client``."""
    calls = [node for node in ast.walk(ast.parse(clients.read_text("utf-8"))) if isinstance(node, ast.Call)]
    asked = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "_client"]
    names = [call.args[0].value for call in asked if len(call.args) == 1 and isinstance(call.args[0], ast.Constant)]
    if not asked or len(names) != len(asked):
        raise BuildError(f'{clients} has to make every client by self._client("<name of the service>").')
    return frozenset(map(str, names))


def cut(packages: Path, services: frozenset[str]) -> None:
    """Remove what is not used. BuildError if botocore does not know one of ``services``."""
    data = packages / "botocore" / "data"
    if unknown := sorted(name for name in services if not (data / name).is_dir()):
        raise BuildError(
            f"botocore has no data of {', '.join(unknown)}: see the clients of ecs_lattice/aws/clients.py."
        )
    _remove(folder for folder in data.iterdir() if folder.is_dir() and folder.name not in services)
    for service in services:
        _remove(sorted((data / service).iterdir())[:-1])  # botocore takes the newest API version
    for pattern in _UNUSED:
        _remove(list(packages.glob(pattern)))
    utilities = packages / "aws_lambda_powertools" / "utilities"
    _remove(path for path in utilities.iterdir() if path.name not in _POWERTOOLS_UTILITIES)
    for dist_info in packages.glob("*.dist-info"):
        _remove(path for path in dist_info.iterdir() if not path.name.lower().startswith(_KEPT_OF_DIST_INFO))


def add_bytecode(packages: Path) -> None:
    """Compile every module. BuildError if one cannot be compiled."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(
        packages, quiet=1, force=True, optimize=0, invalidation_mode=mode, stripdir=str(packages), prependdir=_OPT
    ):
        raise BuildError("Not all modules could be compiled; see above.")


def _python_with_pip(scratch: Path) -> str:
    """The Python that runs this if it has pip; else that of a virtual environment in ``scratch`` (Debian's has no pip)."""
    if not subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        return sys.executable
    try:
        venv.create(scratch / "venv", with_pip=True)
    except (subprocess.CalledProcessError, SystemExit) as error:
        raise BuildError(
            f"{sys.executable} has neither pip nor ensurepip (on Debian: apt install python3.13-venv)."
        ) from error
    return str(scratch / "venv" / "bin" / "python")


def _remove(paths: Iterable[Path]) -> None:
    for path in _still_there(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _still_there(paths: Iterable[Path]) -> Iterator[Path]:
    """Those that were not in a folder removed before."""
    return (path for path in paths if path.exists())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
