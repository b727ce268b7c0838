"""The three layers that are compared: the one that is shipped, a plain build of the same code, and the bare SDK."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
_PLAIN_TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Plain:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: python3.13}}
    Properties: {{ContentUri: "{source}", CompatibleRuntimes: [python3.13]}}
"""
_SDK = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")


def shipped() -> Path:
    """The layer that `sam build` made."""
    return ROOT / ".aws-sam" / "build" / "CoreLayer" / "python"


def plain(into: Path) -> Path:
    """The same library and the same locked wheels by ``BuildMethod: python3.13``: everything in it, and no bytecode."""
    template = into / "plain.yaml"
    template.write_text(_PLAIN_TEMPLATE.format(source=ROOT / "layers" / "core" / "src"), encoding="utf-8")
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}
    command = [str(tools / "sam"), "build", "-t", str(template), "--build-dir", str(into / "plain")]
    done = subprocess.run(command, cwd=into, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  ours
    if done.returncode:
        raise RuntimeError(f"The plain layer could not be built:\n{done.stdout}{done.stderr}")
    return into / "plain" / "Plain" / "python"


def bare_sdk(into: Path) -> Path:
    """boto3 and what it needs, as locked for development, with all of botocore's data and with bytecode."""
    locked = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", locked)
    wanted = [entry for entry in entries if re.split(r"[=\[; ]", entry, maxsplit=1)[0] in _SDK]
    if len(wanted) != len(_SDK):
        raise RuntimeError(f"requirements/dev.txt is to lock each of {', '.join(_SDK)} once.")
    requirements = into / "sdk.txt"
    requirements.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    packages = into / "sdk"
    packages.mkdir()
    builder = _builder()
    builder.install(requirements, packages)
    builder.add_bytecode(packages)
    return packages


def _builder() -> ModuleType:
    """The layer's own builder, so that the bare SDK has the same kind of bytecode."""
    spec = importlib.util.spec_from_file_location("build_layer", ROOT / "layers" / "core" / "build_layer.py")
    if spec is None or spec.loader is None:
        raise RuntimeError("layers/core/build_layer.py is not there.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
