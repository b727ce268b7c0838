"""The local AWS as a server: one process, one HTTP endpoint for all services, functions in worker processes.

Usage::

    with server.running(speed=60, build_dir=Path(".aws-sam/build")) as aws:
        ecs = aws.client("ecs")
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import boto3
from moto.core.base_backend import BackendDict
from moto.ecs.models import ecs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from local_aws import bucket_policies, ecs, eventbus, extend, inspect, lattice, monitoring, sam_local, stack
from local_aws import clock as clocks
from local_aws import network as networks
from local_aws.delivery import queues, rules, targets, topics
from local_aws.delivery.pollers import Pollers
from local_aws.delivery.rules import Posted, Rules
from local_aws.delivery.schedules import Schedules
from local_aws.eventbus import ACCOUNT, REGION
from local_aws.iam import backend as iam_backend
from local_aws.iam import door
from local_aws.iam import enforcement as iam_enforcement
from local_aws.iam import platform as platforms
from local_aws.iam.enforcement import Enforcement
from local_aws.iam.identities import Identities
from local_aws.iam.ledger import Authorization
from local_aws.lattice import front
from local_aws.runtime import artefacts, lambda_service
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.environment import Platform
from local_aws.runtime.functions import Functions
from local_aws.runtime.lambda_service import Compute
from local_aws.runtime.logs import LogFiles
from local_aws.sam_local.engine import Bridge
from local_aws.stack import exchange, resources, settings

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 4566
DEFAULT_STATE = Path(".local_aws")
ACCESS_KEY, SECRET_KEY = "local", "local"
"""What a client signs with; nobody checks it, and it opens no account."""


_only_one = threading.Lock()


class PortTakenError(RuntimeError):
    """A port that the local AWS is to listen on is in use."""


@dataclass
class LocalAws:
    """A running local AWS. There is one in a process at most: moto's state belongs to the process."""

    endpoint_url: str
    lattice_url: str
    """The HTTP front of VPC Lattice: send a service's domain name as Host."""
    lattice_tls_port: int
    """The front of TLS_PASSTHROUGH listeners, which reads the server name of the TLS handshake."""
    log_directory: Path
    journal: inspect.Journal
    outputs: dict[str, str] = field(default_factory=dict)
    """Outputs of the stacks that were loaded."""
    _application: "_Dispatcher | None" = None
    _open_to: set[Bridge] = field(default_factory=set)
    _state: Path = DEFAULT_STATE
    _undo: list[Callable[[], None]] = field(default_factory=list)

    @property
    def authorizations(self) -> list[Authorization]:
        """What roles were allowed, and were not, oldest first."""
        return self.journal.authorizations.all()

    @property
    def port(self) -> int:
        """Of the endpoint."""
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
        """Make the stack of a ``sam build`` and give its outputs. stack.StackError says what is wrong with it.

        ``more`` are the ``capabilities`` and ``tags`` of :func:`local_aws.stack.load`.
        """
        outputs = stack.load(build_dir, stack_name, parameters, self._state / "artefacts", **more)
        self.outputs |= outputs
        lambda_service.warm_all()
        return outputs

    def load_application(self, root: Path) -> dict[str, str]:
        """Make the stack of the application in ``root`` from its build, with what its samconfig.toml gives by default:
        what ``sam deploy --config-env default`` would make."""
        samconfig = root / "samconfig.toml"
        return self.load(
            root / ".aws-sam" / "build",
            settings.stack_name(samconfig),
            settings.parameter_overrides(samconfig),
            capabilities=settings.capabilities(samconfig),
            tags=settings.tags(samconfig),
        )

    def serve_sam_local(self, root: Path) -> sam_local.Desk:
        """Be ready to write what `sam local` needs of the application in ``root``: ``Desk.prepare`` does it."""
        desk = sam_local.Desk(
            root=root,
            stack_name=settings.stack_name(root / "samconfig.toml"),
            directory=self._state / sam_local.DIRECTORY,
            client=self.client,
            credentials=self._credentials,
            port=self.port,
            open=self.open_to,
        )
        sam_local.use(desk)
        self._undo += [desk.close, lambda: sam_local.use(None)]
        return desk

    def open_to(self, bridge: Bridge) -> str:
        """Let the containers of a Docker bridge in; the URL by which they come. OSError if it cannot be listened on.

        Whoever else finds a way to the bridge's address is not let in: the local AWS runs what it is given.
        """
        if bridge not in self._open_to:
            listening = socket.create_server((bridge.gateway, self.port))
            self._undo.append(listening.close)
            _listen_with(self._application, listening, self._undo, lambda ip: IPv4Address(ip) in bridge.subnet)
            self._open_to.add(bridge)
        return f"http://{bridge.gateway}:{self.port}"

    def stop(self) -> None:
        """End everything that was started, in reverse order; calling it twice is harmless."""
        while self._undo:
            self._undo.pop()()

    def _credentials(self, function: str) -> dict[str, str]:
        """What a function's calls are signed with, where it does not run in an environment of the local AWS's own."""
        return {
            "AWS_ACCESS_KEY_ID": self.journal.access_key_of(function),
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": "local",
        }

    def _access(self) -> dict[str, str]:
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": REGION,
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": SECRET_KEY,
        }


def start(port: int = 0, speed: float = 1.0, state_dir: Path = DEFAULT_STATE) -> LocalAws:
    """Start an empty local AWS: services, time, network, compute, delivery; what a plain account has is in it.

    ``port`` 0 takes any free ports; else Lattice's HTTP and TLS fronts have the two ports after it. ``speed`` is how
    many of its seconds pass in a real one. ``state_dir`` keeps unpacked code and logs. PortTakenError if a port is used.
    """
    if not _only_one.acquire(blocking=False):
        raise RuntimeError(
            "A local AWS runs in this process already, and moto's state belongs to the process: stop it."
        )
    state = state_dir.resolve()
    undo: list[Callable[[], None]] = [_only_one.release]
    try:
        return _start(port, speed, state, undo)
    except BaseException:
        while undo:
            undo.pop()()
        raise


@contextmanager
def running(
    port: int = 0,
    speed: float = 1.0,
    build_dir: Path | None = None,
    state_dir: Path = DEFAULT_STATE,
    stack_name: str = "ecs-lattice",
    parameters: Mapping[str, str] | None = None,
) -> Iterator[LocalAws]:
    """A local AWS for the length of a block, with the stack of ``build_dir`` in it if that is given."""
    aws = start(port, speed, state_dir)
    try:
        if build_dir is not None:
            aws.load(build_dir, stack_name, parameters)
        yield aws
    finally:
        aws.stop()


def _start(port: int, speed: float, state: Path, undo: list[Callable[[], None]]) -> LocalAws:
    listening = _listen(port)
    undo.append(listening.close)
    _start_time_and_network(speed, undo)
    _install()
    journal = inspect.Journal()
    _enforce(journal, undo)
    application = _Dispatcher(inspect.Inspection(journal))
    endpoint_url = _listen_with(application, listening, undo)
    resources.use_endpoint(endpoint_url)
    undo.append(lambda: resources.use_endpoint(None))
    http, tls = _open_fronts(port, undo)
    platform = Platform(endpoint_url, artefacts.runtime_directory(state), LogFiles(state / "logs"))
    _start_compute(platform, journal, state, undo)
    ecs_backends[ACCOUNT][REGION].create_cluster("default")
    return LocalAws(
        endpoint_url, http, tls, state / "logs", journal, _application=application, _state=state, _undo=undo
    )


def _start_time_and_network(speed: float, undo: list[Callable[[], None]]) -> None:
    before, before_network = clocks.current(), networks.current()
    clock, network = clocks.ScaledClock(speed), networks.LoopbackNetwork()
    BackendDict.reset()
    eventbus.reset()
    clocks.use(clock)
    networks.use(network)

    def stop() -> None:
        clock.stop()
        network.close_all()
        eventbus.reset()
        BackendDict.reset()
        clocks.use(before)
        networks.use(before_network)

    undo.append(stop)


def _enforce(journal: inspect.Journal, undo: list[Callable[[], None]]) -> None:
    """Note every call, and hold roles to their policies."""
    enforcement = Enforcement(Identities(journal), journal.authorizations)
    iam_enforcement.use(enforcement)
    inspect.watch(journal, enforcement.refusal)

    def stop() -> None:
        inspect.watch(None)
        iam_enforcement.use(None)

    undo.append(stop)


def _install() -> None:
    """Put the local AWS's services in the place of moto's."""
    extend.quicken()
    lattice.install()
    ecs.install()
    monitoring.install()
    queues.install()
    topics.install()
    rules.install()
    lambda_service.install()
    iam_backend.install()
    stack.install()
    bucket_policies.install()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise _taken(port) from error


def _taken(port: int) -> PortTakenError:
    return PortTakenError(
        f"Port {port} of {LOOPBACK} is taken: something listens there already (perhaps another local AWS). "
        "Stop it, or choose another port: LOCAL_AWS_PORT=4600 make local"
    )


class _Handler(MotoRequestHandler):
    """moto's, in HTTP/1.1, without waiting for more to send, and without a line on the terminal for every request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """What was called stands in the journal."""


class _Dispatcher(DomainDispatcherApplication):
    """moto's, the pages of :mod:`local_aws.inspect`, and what custom resources answer to."""

    def __init__(self, inspection: inspect.Inspection) -> None:
        super().__init__(create_backend_app)
        self._inspection = inspection

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        if path.startswith(inspect.PREFIX):
            return self._inspection(environ, start_response)
        if path.startswith(exchange.PREFIX):
            return exchange.receive(environ, start_response)
        if (refused := door.closed(environ, start_response)) is not None:
            return refused
        return super().__call__(environ, start_response)


def _listen_with(
    application: Any,
    listening: socket.socket,
    undo: list[Callable[[], None]],
    lets_in: Callable[[str], bool] | None = None,
) -> str:
    """Serve the application on a socket; its URL. ``lets_in`` is asked for the address of each who connects."""
    host, port = listening.getsockname()[:2]
    web: BaseWSGIServer = make_server(
        host, port, application, threaded=True, request_handler=_Handler, fd=listening.fileno()
    )
    if lets_in is not None:
        web.verify_request = lambda request, client_address: lets_in(client_address[0])  # type: ignore[method-assign]  # noqa: ARG005  socketserver names them
    thread = threading.Thread(target=web.serve_forever, args=(0.1,), name="local-aws-http", daemon=True)
    thread.start()

    def stop() -> None:
        web.shutdown()
        web.server_close()
        thread.join(timeout=5)

    undo.append(stop)
    return f"http://{host}:{port}"


def _open_fronts(port: int, undo: list[Callable[[], None]]) -> tuple[str, int]:
    try:
        http = front.serve(port + 1 if port else 0)
        undo.append(http.stop)
        tls = front.serve_tls(port + 2 if port else 0)
        undo.append(tls.stop)
    except OSError as error:
        raise PortTakenError(
            f"Ports {port + 1} and {port + 2} of {LOOPBACK} are for the fronts of VPC Lattice, and one is taken. "
            "Choose another port: LOCAL_AWS_PORT=4600 make local"
        ) from error
    return f"http://{LOOPBACK}:{http.port}", tls.port


def _start_compute(platform: Platform, journal: inspect.Journal, state: Path, undo: list[Callable[[], None]]) -> None:
    functions = Functions(platform, journal)

    def invoke(name: str, payload: bytes, trigger: Any) -> Any:
        return compute.invoke(lambda_service.find(name), payload, trigger)

    def send(arn: str, text: str, attributes: Mapping[str, str], function: Any) -> None:
        sender = targets.Sender(platforms.LAMBDA, function.function_arn, function.role)
        targets.send(arn, text, attributes, sender, asynchronous)

    asynchronous = AsynchronousInvocations(lambda_service.find, invoke, send)
    compute = Compute(functions, state / "unpacked", asynchronous)
    delivering, pollers = Rules(asynchronous), Pollers(invoke)
    schedules = Schedules(delivering, asynchronous)
    lambda_service.use(compute)
    rules.use(delivering)
    eventbus.subscribe(lambda event: delivering.post(Posted("default", event)))
    delivering.start()
    pollers.start()
    schedules.start()
    monitoring.start()

    def stop() -> None:
        monitoring.stop()
        schedules.stop()
        pollers.stop()
        delivering.stop()
        asynchronous.close()
        functions.close()
        rules.use(None)
        lambda_service.use(None)

    undo.append(stop)


def environment(aws: LocalAws) -> dict[str, str]:
    """What a shell exports so that ordinary clients reach this local AWS."""
    return {
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }


def port_from_environment() -> int:
    """LOCAL_AWS_PORT, else 4566. ValueError if it is not a port."""
    text = os.environ.get("LOCAL_AWS_PORT") or str(DEFAULT_PORT)
    if not text.isdigit() or not 1 <= int(text) <= 65533:
        raise ValueError(f"LOCAL_AWS_PORT is {text!r}; a number from 1 to 65533 is needed")
    return int(text)


def speed_from_environment() -> float:
    """LOCAL_AWS_SPEED, else 1. ValueError if it is not a positive number."""
    text = os.environ.get("LOCAL_AWS_SPEED") or "1"
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1000:
        raise ValueError(
            f"LOCAL_AWS_SPEED is {text!r}; a number above 0, at most 1000, is needed (60: a minute a second)"
        )
    return speed
