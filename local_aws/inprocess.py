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

from local_aws import clock as clocks
from local_aws import ecs, eventbus, lattice, monitoring
from local_aws import network as networks
from local_aws.delivery import topics

ENVIRONMENT: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # what signs requests that nobody checks
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": eventbus.REGION,
    "AWS_REGION": eventbus.REGION,
    "MOTO_ALLOW_NONEXISTENT_REGION": "false",
}
"""What a boto3 client of this process is told; credentials are words, so nothing can reach an account."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A started local AWS: move its time with ``clock``, reach its tasks through ``network``."""

    clock: clocks.ManualClock
    network: networks.Network


@contextmanager
def started(clock: clocks.ManualClock | None = None, network: networks.Network | None = None) -> Iterator[Machine]:
    """Run an empty local AWS in this process until the block ends.

    Every start begins with nothing: backends, event bus, time and network are new. ``clock`` and ``network`` replace
    the hand-moved clock and the in-memory network. The process-wide clock and network are put back at the end.
    """
    before_clock, before_network = clocks.current(), networks.current()
    before_session = boto3.DEFAULT_SESSION
    machine = Machine(clock or clocks.ManualClock(), network or networks.InMemoryNetwork())
    with _environment(ENVIRONMENT):
        clocks.use(machine.clock)
        networks.use(machine.network)
        boto3.DEFAULT_SESSION = _session()
        eventbus.reset()
        lattice.install()
        ecs.install()
        monitoring.install()
        topics.install()
        try:
            with mock_aws(config={"core": {"mock_credentials": False, "reset_boto3_session": False}}):
                yield machine
        finally:
            boto3.DEFAULT_SESSION = before_session
            eventbus.reset()
            clocks.use(before_clock)
            networks.use(before_network)


@functools.cache
def _session() -> boto3.Session:
    """One session for all starts: a fresh one would read every service model from disk again (100 ms a client)."""
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
