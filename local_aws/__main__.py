"""``make local``: build the application, start the local AWS in the foreground with its stack, stop on Ctrl-C."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

from local_aws import environment, sam_local, server
from local_aws.console import Console
from local_aws.http_endpoint import LOOPBACK
from local_aws.runtime import start_lambda
from local_aws.stack import StackError, settings


class BuildError(RuntimeError):
    """``sam build`` failed; the text is what it wrote."""


class _StoppedError(BaseException):
    """Ctrl-C or SIGTERM. Not an Exception, so that nothing swallows it."""


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM. Exit code: 0 after a stop, 1 if it could not start."""
    options = _parser().parse_args(arguments)
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _stop)
    try:
        _run(options.root, builds=not options.no_build, is_empty=options.empty)
    except _StoppedError:
        return 0
    except (BuildError, StackError, server.PortTakenError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(root: Path) -> None:
    """``sam build`` of the application in ``root``, silent unless it fails (BuildError)."""
    if not (root / "template.yaml").is_file():
        raise BuildError(f"There is no template.yaml in {root}: start the local AWS in the root of the repository.")
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}", "SAM_CLI_TELEMETRY": "0"}
    finished = subprocess.run(
        [str(tools / "sam"), "build", "--cached", "--parallel"],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise BuildError(f"{finished.stdout}\nsam build failed with exit code {finished.returncode}; see above.")


def _run(root: Path, *, builds: bool, is_empty: bool) -> None:
    """Run until it is stopped. The ports are opened first, so that a port in use is reported before the build."""
    speed = environment.speed()
    aws = server.start(environment.port(), speed, root / server.DEFAULT_STATE)
    console = None
    try:
        if builds:
            print("Building (sam build) ...", flush=True)
            build(root)
        if is_empty:
            print("No stack is loaded: sam deploy --config-env default", flush=True)
        else:
            print("Loading the stack ...", flush=True)
            aws.load_application(root)
            console = Console(aws.endpoint_url, settings.stack_name(root / "samconfig.toml"))
        said = console.said if console else "after a deployment: ecs-lattice console"
        print(_welcome(aws, speed, said, _sam_local(aws, root)), flush=True)
        _wait()
    finally:
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, signal.SIG_IGN)  # a second Ctrl-C must not leave workers running
        print("Stopping ...", flush=True)
        if console:
            console.stop()
        aws.stop()


def _wait() -> None:
    """Until a signal raises. In short waits: a signal that reaches another thread, or comes just before the main thread
    blocks, does not end a wait without a limit (Python handles signals between instructions of the main thread)."""
    never = threading.Event()
    while not never.wait(timeout=1):
        pass


def _sam_local(aws: server.LocalAws, root: Path) -> str:
    """Write the files for `sam local`; the command to run, or why it is not available yet."""
    files = aws.serve_sam_local(root)
    try:
        files.prepare()
    except sam_local.NotReadyError as error:
        return f"not available yet. {error} Then: make invoke FUNCTION=... EVENT=..."
    if (url := start_lambda.url()) is not None:
        return f"functions run where sam local start-lambda listens, {url}: start it (--port is {start_lambda.address(url)[1]})"
    return "sam local invoke EcsEventsFunction -e events/ecs/deployment-completed.json"


def _welcome(aws: server.LocalAws, speed: float, console: str, in_docker: str) -> str:
    exports = "\n".join(
        f"  export {name}={value}" for name, value in environment.client_variables(aws.endpoint_url).items()
    )
    pace = "" if speed == 1 else f" Time runs {speed:g} times as fast."
    tools = Path(sys.executable).parent
    return f"""
The local AWS is running on {aws.endpoint_url}.{pace} In another terminal:

{exports}
  export PATH={tools}:$PATH    # has an AWS CLI

and then, for example:

  aws ecs list-clusters
  aws vpc-lattice list-service-networks

console        {console}
VPC Lattice    curl -H "Host: <domain name of a Lattice service>" {aws.lattice_url}/
               TLS_PASSTHROUGH: {LOOPBACK}:{aws.lattice_tls_port}
in Docker      {in_docker}
function logs  {aws.log_directory}/<function>.log
what happened  {aws.endpoint_url}/_local_aws/calls (/events, /invocations, /dead-letters, /health)
mails          curl {aws.endpoint_url}/_local_aws/mail
a session      docs/local-aws.md

Ctrl-C stops it. Only the logs are kept.
"""


def _stop(_signal_number: int, _frame: FrameType | None) -> None:
    raise _StoppedError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_aws",
        description=__doc__,
        epilog="Environment: LOCAL_AWS_PORT (4566), LOCAL_AWS_SPEED (1; 60: a minute per second), "
        "LOCAL_AWS_CONCURRENCY (3 environments per function). See docs/local-aws.md.",
    )
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="where template.yaml is (default: here)")
    parser.add_argument("--no-build", action="store_true", help="use .aws-sam/build without building")
    parser.add_argument("--empty", action="store_true", help="load no stack, for `sam deploy --config-env default`")
    return parser


if __name__ == "__main__":
    sys.exit(main())
