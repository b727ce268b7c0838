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
from local_aws.http_endpoint import LOOPBACK
from local_aws.runtime import start_lambda
from local_aws.stack import StackError


class BuildError(RuntimeError):
    """``sam build`` failed; the text is what it wrote."""


class _StoppedError(BaseException):
    """Somebody asked this process to end: Ctrl-C or SIGTERM. No Exception, so that nothing swallows it."""


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; the exit code: 0 when asked to stop, 1 when it could not start."""
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
    """Until somebody stops it. The ports are opened first: one that is taken is told before a build is waited for."""
    speed = environment.speed()
    aws = server.start(environment.port(), speed, root / server.DEFAULT_STATE)
    try:
        if builds:
            print("Building (sam build) ...", flush=True)
            build(root)
        if is_empty:
            print("Nothing is loaded: sam deploy --config-env default", flush=True)
        else:
            print("Loading the stack ...", flush=True)
            aws.load_application(root)
        print(_welcome(aws, speed, _sam_local(aws, root)), flush=True)
        threading.Event().wait()
    finally:
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, signal.SIG_IGN)  # a second Ctrl-C must not leave workers behind
        print("Stopping ...", flush=True)
        aws.stop()


def _sam_local(aws: server.LocalAws, root: Path) -> str:
    """Write what `sam local` needs; the command, or why there is none yet."""
    desk = aws.serve_sam_local(root)
    try:
        desk.prepare()
    except sam_local.NotReadyError as error:
        return f"not now. {error} Then: make invoke FUNCTION=... EVENT=..."
    if (url := start_lambda.url()) is not None:
        return f"functions run where sam local start-lambda listens, {url}: start it (--port is {start_lambda.address(url)[1]})"
    return "sam local invoke EcsEventsFunction -e events/ecs/deployment-completed.json"


def _welcome(aws: server.LocalAws, speed: float, in_docker: str) -> str:
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

VPC Lattice    curl -H "Host: <domain name of a Lattice service>" {aws.lattice_url}/
               TLS_PASSTHROUGH: {LOOPBACK}:{aws.lattice_tls_port}
in Docker      {in_docker}
function logs  {aws.log_directory}/<function>.log
what happened  {aws.endpoint_url}/_local_aws/calls (/events, /invocations, /dead-letters, /health)
a session      docs/local-aws.md

Ctrl-C stops it; all that is in it is gone then, but for the logs.
"""


def _stop(_signal_number: int, _frame: FrameType | None) -> None:
    raise _StoppedError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_aws",
        description=__doc__,
        epilog="Environment: LOCAL_AWS_PORT (4566), LOCAL_AWS_SPEED (1; 60 makes a minute a second), "
        "LOCAL_AWS_CONCURRENCY (3 environments a function). See docs/local-aws.md.",
    )
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="where template.yaml is (default: here)")
    parser.add_argument("--no-build", action="store_true", help="take .aws-sam/build as it is")
    parser.add_argument("--empty", action="store_true", help="load no stack, for `sam deploy --config-env default`")
    return parser


if __name__ == "__main__":
    sys.exit(main())
