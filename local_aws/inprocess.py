"""The local AWS inside one Python process, for tests: plain boto3 clients, no server, no port, no waiting.

Usage::

    with inprocess.started() as machine:
        lattice = boto3.client("vpc-lattice")
        lattice.create_service(name="orders")
        machine.clock.advance(10)
"""

import functools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from moto import mock_aws

from local_aws import ecs, lattice, monitoring, services
from local_aws.clock import ManualClock
from local_aws.delivery import topics
from local_aws.eventbus import REGION
from local_aws.network import InMemoryNetwork, Network
from local_aws.services import Services

ENVIRONMENT: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # signatures are not checked
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "MOTO_ALLOW_NONEXISTENT_REGION": "false",
}
"""The environment of boto3 clients in this process; the credentials are placeholders, so nothing reaches an account."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A started local AWS: move its time with ``clock``, reach its tasks through ``network``."""

    clock: ManualClock
    network: Network
    services: Services


@contextmanager
def started(clock: ManualClock | None = None, network: Network | None = None) -> Iterator[Machine]:
    """Run an empty local AWS in this process until the block ends.

    Every start begins empty: backends, event buses, time and network are new. ``clock`` and ``network`` replace the manual
    clock and the in-memory network. The services registered before are registered again at the end.
    """
    manual = clock or ManualClock()
    made = Services(manual, network or InMemoryNetwork())
    before_session = boto3.DEFAULT_SESSION
    with _environment(ENVIRONMENT):
        before = services.register(made)
        boto3.DEFAULT_SESSION = _session()
        lattice.install()
        ecs.install()
        monitoring.install()
        topics.install()
        try:
            with mock_aws(config={"core": {"mock_credentials": False, "reset_boto3_session": False}}):
                yield Machine(manual, made.network, made)
        finally:
            boto3.DEFAULT_SESSION = before_session
            services.register(before)


@functools.cache
def _session() -> boto3.Session:
    """One session for all starts: a new one would read every service model from disk again (100 ms per client)."""
    return boto3.Session()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in (*values, "AWS_ENDPOINT_URL", "AWS_PROFILE")}
    os.environ.pop("AWS_ENDPOINT_URL", None)
    os.environ.pop("AWS_PROFILE", None)
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


__all__ = ["ENVIRONMENT", "Machine", "started"]
