"""Unpacked code: each zip is unpacked once, under the hash of its content."""

import contextlib
import io
import shutil
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

# What Lambda's Python runtime includes besides the standard library: the runtime interface client and the SDK
# (AWS Lambda Developer Guide, "Runtime-included SDK versions"). A layer's own version takes precedence.
_RUNTIME_PACKAGES = (
    "awslambdaric",
    "snapshot_restore_py",
    "simplejson",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "six",
    "urllib3",
)


def unpack(code: bytes, digest: str, into: Path) -> Path:
    """The directory with the content of the zip ``code``, named after ``digest``; unpacked if it does not exist.

    ValueError if it is not a zip. If two processes unpack the same zip, the first to finish wins.
    """
    name = "".join(character if character.isalnum() else "_" for character in digest)
    directory = into / name
    if directory.is_dir():
        return directory
    into.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=into))
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            archive.extractall(unfinished)
    except zipfile.BadZipFile as error:
        shutil.rmtree(unfinished)
        raise ValueError(f"The code with digest {digest} is not a zip file ({len(code)} bytes): {error}") from error
    with contextlib.suppress(OSError):  # another process was faster; its content is the same
        unfinished.rename(directory)
    shutil.rmtree(unfinished, ignore_errors=True)
    return directory


def runtime_directory(into: Path) -> Path:
    """A directory with links to the packages of Lambda's runtime, and to nothing else of the virtual environment."""
    directory = into / "runtime"
    directory.mkdir(parents=True, exist_ok=True)
    for package in _RUNTIME_PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"The local AWS needs {package} for its Lambda runtime: run make setup.")
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        link = directory / origin.name
        if link.is_symlink() and link.readlink() != origin:
            link.unlink()
        with contextlib.suppress(FileExistsError):
            link.symlink_to(origin)
    return directory
