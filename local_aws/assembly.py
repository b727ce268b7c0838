"""The parts of a server: services in place of moto's, VPC Lattice's endpoints, compute and event delivery."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local_aws import bucket_policies, ecs, extend, lattice, monitoring, stack
from local_aws.delivery import redrive, rules, targets, topics
from local_aws.delivery.pollers import Pollers
from local_aws.delivery.rules import Posted, Rules
from local_aws.delivery.schedules import Schedules
from local_aws.http_endpoint import LOOPBACK, PortTakenError
from local_aws.iam import backend as iam_backend
from local_aws.iam import service_principals
from local_aws.journal import Journal
from local_aws.lattice import listener_http
from local_aws.monitoring import service_metrics
from local_aws.runtime import compute, lambda_service
from local_aws.runtime.asynchronous import AsynchronousInvocations
from local_aws.runtime.compute import Compute
from local_aws.runtime.environment import Platform
from local_aws.runtime.functions import Functions
from local_aws.services import Services


def install_services() -> None:
    """Replace moto's services by those of the local AWS."""
    extend.cache_lookups()
    lattice.install()
    ecs.install()
    monitoring.install()
    redrive.install()
    topics.install()
    rules.install()
    lambda_service.install()
    iam_backend.install()
    stack.install()
    bucket_policies.install()


def open_lattice_endpoints(port: int, cleanup: ExitStack) -> tuple[str, int]:
    """The URL of VPC Lattice's HTTP endpoint and the port of its TLS endpoint."""
    try:
        http = listener_http.serve(port + 1 if port else 0)
        cleanup.callback(http.stop)
        tls = listener_http.serve_tls(port + 2 if port else 0)
        cleanup.callback(tls.stop)
    except OSError as error:
        raise PortTakenError(
            f"VPC Lattice's endpoints need the ports {port + 1} and {port + 2} of {LOOPBACK}, and one is in use."
        ) from error
    return f"http://{LOOPBACK}:{http.port}", tls.port


def start_compute(platform: Platform, journal: Journal, state: Path, cleanup: ExitStack) -> Compute:
    """What runs functions, synchronously and asynchronously, until ``cleanup`` runs."""
    functions = Functions(platform, journal)
    cleanup.callback(functions.close)

    def invoke(name: str, payload: bytes, trigger: Any) -> Any:
        return made.invoke(compute.find(name), payload, trigger)

    def send(arn: str, text: str, attributes: Mapping[str, str], function: Any) -> None:
        sender = targets.Sender(service_principals.LAMBDA, function.function_arn, function.role)
        targets.send(arn, text, attributes, sender, asynchronous)

    asynchronous = AsynchronousInvocations(compute.find, invoke, send, platform.clock)
    cleanup.callback(asynchronous.close)
    made = Compute(functions, state / "unpacked", asynchronous, platform.clock, service_metrics)
    return made


def start_delivery(made: Services, runner: Compute, cleanup: ExitStack) -> None:
    """Event rules, schedules, event source mappings and the minutes of CloudWatch."""
    delivering = Rules(runner.asynchronous)
    made.events.subscribe_to_all(lambda bus, event: delivering.post(Posted(bus, event)))
    pollers = Pollers(lambda name, payload, trigger: runner.invoke(compute.find(name), payload, trigger))
    schedules = Schedules(delivering, runner.asynchronous, made.clock)
    for part in (delivering, pollers, schedules):
        part.start()
        cleanup.callback(part.stop)
    monitoring.start()
    cleanup.callback(monitoring.stop)


__all__ = ["install_services", "open_lattice_endpoints", "start_compute", "start_delivery"]
