"""The local AWS as a server: one process, one HTTP endpoint for all services, functions in worker processes.

Usage::

    with server.running(speed=60, build_dir=Path(".aws-sam/build")) as aws:
        ecs = aws.client("ecs")
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import boto3
from moto.core.base_backend import BackendDict
from moto.ecs.models import ecs_backends

from local_aws import (
    assembly,
    environment,
    http_endpoint,
    services,
    stack,
)
from local_aws.clock import ScaledClock
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.http_endpoint import Application, PortTakenError
from local_aws.iam.authorization_log import Authorization, AuthorizationLog
from local_aws.iam.enforcement import Enforcement
from local_aws.iam.gateway import Gateway
from local_aws.iam.identities import Identities
from local_aws.inspection import Inspection
from local_aws.journal import Journal, recording
from local_aws.network import LoopbackNetwork
from local_aws.runtime import artifacts
from local_aws.runtime.environment import Platform
from local_aws.runtime.logs import LogFiles
from local_aws.sam_local import DIRECTORY, SamLocalFiles
from local_aws.sam_local.engine import Bridge
from local_aws.services import Services
from local_aws.stack import settings
from local_aws.stack.custom_responses import PendingResponses

DEFAULT_STATE = Path(".local_aws")

_only_one = threading.Lock()


@dataclass
class LocalAws:
    """A running local AWS. A process has at most one, because moto's state belongs to the process."""

    endpoint_url: str
    lattice_url: str
    """The HTTP endpoint of VPC Lattice's listeners: send a service's domain name as Host."""
    lattice_tls_port: int
    """The endpoint of TLS_PASSTHROUGH listeners, which reads the server name of the TLS handshake."""
    log_directory: Path
    journal: Journal
    authorization_log: AuthorizationLog
    services: Services
    outputs: dict[str, str] = field(default_factory=dict)
    """Outputs of the loaded stacks."""
    _application: Application = field(kw_only=True)
    _state: Path = field(kw_only=True)
    _cleanup: ExitStack = field(kw_only=True)
    _open_to: set[Bridge] = field(default_factory=set)

    @property
    def authorizations(self) -> list[Authorization]:
        """The authorization log, oldest first."""
        return self.authorization_log.all()

    @property
    def port(self) -> int:
        """The port of the endpoint."""
        return int(self.endpoint_url.rpartition(":")[2])

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of this local AWS."""
        make: Any = boto3.client  # its types know services by literal names only
        return make(service, **self._access(), **options)

    def resource(self, service: str, **options: Any) -> Any:
        """A boto3 resource of this local AWS."""
        make: Any = boto3.resource
        return make(service, **self._access(), **options)

    def load(
        self, build_dir: Path, stack_name: str = "ecs-lattice", parameters: Mapping[str, str] | None = None, **more: Any
    ) -> dict[str, str]:
        """Create the stack of a ``sam build`` and return its outputs. stack.StackError says why that failed.

        ``more`` are the ``capabilities`` and ``tags`` of :func:`local_aws.stack.load`.
        """
        outputs = stack.load(build_dir, stack_name, parameters, self._state / "artifacts", **more)
        self.outputs |= outputs
        self.services.running_compute().warm_all()
        return outputs

    def load_application(self, root: Path) -> dict[str, str]:
        """Create the stack of the application in ``root`` from its build and samconfig.toml, as
        ``sam deploy --config-env default`` would."""
        samconfig = root / "samconfig.toml"
        return self.load(
            root / ".aws-sam" / "build",
            settings.stack_name(samconfig),
            settings.parameter_overrides(samconfig),
            capabilities=settings.capabilities(samconfig),
            tags=settings.tags(samconfig),
        )

    def serve_sam_local(self, root: Path) -> SamLocalFiles:
        """The files that `sam local` needs for the application in ``root``; ``prepare`` writes them."""
        assert self.services.responses is not None  # the server always has them
        files = SamLocalFiles(
            root=root,
            stack_name=settings.stack_name(root / "samconfig.toml"),
            directory=self._state / DIRECTORY,
            client=self.client,
            credentials=self._credentials,
            port=self.port,
            open=self.open_to,
            responses=self.services.responses,
        )
        self._application.inspection.sam_local = files.page
        self._cleanup.callback(files.close)
        return files

    def open_to(self, bridge: Bridge) -> str:
        """Accept connections from the containers of a Docker bridge; the URL for them. OSError if that is impossible.

        Other clients that reach the bridge's address are rejected: the local AWS executes the code that it is given.
        """
        if bridge not in self._open_to:
            listening = self._cleanup.enter_context(socket.create_server((bridge.gateway, self.port)))
            self._application.names.add(bridge.gateway)
            http_endpoint.serve(
                self._application, listening, self._cleanup, lambda ip: IPv4Address(ip) in bridge.subnet
            )
            self._open_to.add(bridge)
        return f"http://{bridge.gateway}:{self.port}"

    def stop(self) -> None:
        """Stop everything in reverse order of its start; calling it twice is harmless."""
        self._cleanup.close()

    def _credentials(self, function: str) -> dict[str, str]:
        """Credentials for a function that runs outside of the local AWS's own execution environments."""
        return {
            "AWS_ACCESS_KEY_ID": self.journal.access_key_of(function),
            "AWS_SECRET_ACCESS_KEY": environment.SECRET_KEY,
            "AWS_SESSION_TOKEN": "local",
        }

    def _access(self) -> dict[str, str]:
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": REGION,
            "aws_access_key_id": environment.ACCESS_KEY,
            "aws_secret_access_key": environment.SECRET_KEY,
        }


def start(port: int = 0, speed: float = 1.0, state_dir: Path = DEFAULT_STATE) -> LocalAws:
    """Start a local AWS that contains what a new account has.

    ``port`` 0 takes any free ports; otherwise VPC Lattice's HTTP and TLS endpoints use the two ports after it. ``speed``:
    simulated seconds per real second. ``state_dir`` keeps unpacked code and logs. PortTakenError if a port is in use.
    """
    if not _only_one.acquire(blocking=False):
        raise RuntimeError(
            "A local AWS already runs in this process, and moto's state belongs to the process: stop it first."
        )
    with ExitStack() as cleanup:
        cleanup.callback(_only_one.release)
        aws = _start(port, speed, state_dir.resolve(), cleanup)
        aws._cleanup = cleanup.pop_all()
        return aws


@contextmanager
def running(
    port: int = 0,
    speed: float = 1.0,
    build_dir: Path | None = None,
    state_dir: Path = DEFAULT_STATE,
    stack_name: str = "ecs-lattice",
    parameters: Mapping[str, str] | None = None,
) -> Iterator[LocalAws]:
    """A local AWS for the duration of a block, with the stack of ``build_dir`` if that is given."""
    aws = start(port, speed, state_dir)
    try:
        if build_dir is not None:
            aws.load(build_dir, stack_name, parameters)
        yield aws
    finally:
        aws.stop()


def _start(port: int, speed: float, state: Path, cleanup: ExitStack) -> LocalAws:
    listening = cleanup.enter_context(http_endpoint.bind(port))
    made = _services(speed, cleanup)
    assembly.install_services()
    journal, log = Journal(), AuthorizationLog()
    identities = Identities(journal)
    made.enforcement = Enforcement(identities, log, made.clock)
    cleanup.enter_context(recording(journal, made.clock, made.enforcement.refusal))
    application = Application(Inspection(made, journal, log), Gateway(identities))
    made.endpoint_url = http_endpoint.serve(application, listening, cleanup)
    http, tls = assembly.open_lattice_endpoints(port, cleanup)
    platform = Platform(made.endpoint_url, artifacts.runtime_directory(state), LogFiles(state / "logs"), made.clock)
    made.compute = assembly.start_compute(platform, journal, state, cleanup)
    made.responses = application.responses = PendingResponses(made.endpoint_url, made.compute, made.clock)
    cleanup.callback(made.responses.close)
    assembly.start_delivery(made, made.compute, cleanup)
    ecs_backends[ACCOUNT][REGION].create_cluster("default")
    return LocalAws(
        made.endpoint_url, http, tls, state / "logs", journal, log, made,
        _application=application, _state=state, _cleanup=cleanup,
    )  # fmt: skip


def _services(speed: float, cleanup: ExitStack) -> Services:
    """Register empty services, and empty moto."""
    clock, network = ScaledClock(speed), LoopbackNetwork()
    made = Services(clock, network, has_trail=True)
    BackendDict.reset()
    cleanup.callback(services.register, services.register(made))
    cleanup.callback(BackendDict.reset)
    cleanup.callback(network.close_all)
    cleanup.callback(clock.stop)
    return made


__all__ = ["DEFAULT_STATE", "LocalAws", "PortTakenError", "running", "start"]
