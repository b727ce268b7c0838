"""The pools of execution environments: one per function, kept warm, bounded, renewed when the function changes."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from local_aws.journal import Invocation, Journal
from local_aws.runtime import start_lambda
from local_aws.runtime.environment import ExecutionEnvironment, Platform
from local_aws.runtime.start_lambda import ContainerEnvironment
from local_aws.runtime.values import FunctionSettings, Outcome, ThrottledError, Trigger


class Environment(Protocol):
    """Runs one function, one invocation at a time: a worker process, or a container."""

    @property
    def settings(self) -> FunctionSettings: ...
    @property
    def alive(self) -> bool: ...
    def invoke(self, payload: bytes) -> Outcome: ...
    def close(self) -> None: ...


def environments_from_environment() -> int:
    """LOCAL_AWS_CONCURRENCY, else 3: the maximum of concurrent execution environments per function.

    AWS's limit is the account's (1,000). ValueError if it is not a number from 1 to 100.
    """
    text = os.environ.get("LOCAL_AWS_CONCURRENCY") or "3"
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise ValueError(f"LOCAL_AWS_CONCURRENCY is {text!r}; a number from 1 to 100 is needed")
    return int(text)


@dataclass
class _Pool:
    busy: list[Environment] = field(default_factory=list)
    idle: list[Environment] = field(default_factory=list)
    starting: int = 0

    @property
    def size(self) -> int:
        return len(self.busy) + len(self.idle) + self.starting


class Functions:
    """Invokes functions. Thread-safe; every caller waits for its own invocation only.

    They run in worker processes, or in the containers of the `sam local start-lambda` that LOCAL_AWS_START_LAMBDA names,
    once it listens.
    """

    def __init__(self, platform: Platform, journal: Journal, limit: int | None = None) -> None:
        self._clock = platform.clock
        self._platform = platform
        self._journal = journal
        self._containers = start_lambda.from_environment(platform.clock)
        self._limit = limit or (1 if self._containers else environments_from_environment())
        self._pools: dict[str, _Pool] = {}
        self._changed = threading.Condition()
        self._closed = False

    def invoke(
        self, settings: FunctionSettings, payload: bytes, trigger: Trigger, reserved: int | None = None
    ) -> Outcome:
        """Run the function once, in a warm environment if there is one, and record it in the journal.

        ``reserved`` is the function's reserved concurrency: ThrottledError when it is used up. Beyond the limit of
        environments the caller waits.
        """
        environment = self._acquire(settings, reserved)
        started = self._clock.time()
        try:
            outcome = environment.invoke(payload)
        finally:
            self._release(environment)
        error = outcome.payload.decode(errors="replace") if outcome.error else None
        self._journal.invoked(
            Invocation(
                settings.name, outcome.request_id, started, outcome.duration, error, trigger.source, trigger.detail
            )
        )
        return outcome

    def warm(self, settings: FunctionSettings) -> None:
        """Start one environment ahead of the first invocation, as Lambda may do, without waiting for it."""
        with self._changed:
            pool = self._pools.setdefault(settings.name, _Pool())
            if self._closed or pool.size:
                return
            pool.starting += 1
        environment = self._start(settings, pool)
        with self._changed:
            too_late = self._closed
            if not too_late:
                pool.idle.append(environment)
            self._changed.notify_all()
        if too_late:
            environment.close()

    def forget(self, name: str) -> None:
        """End the idle environments of a function that was deleted."""
        with self._changed:
            idle = self._pools.get(name, _Pool()).idle
            gone, idle[:] = tuple(idle), []
        for environment in gone:
            environment.close()

    def close(self) -> None:
        """End all environments, including busy ones; running invocations end with errors."""
        with self._changed:
            self._closed = True
            everything = [e for pool in self._pools.values() for e in (*pool.busy, *pool.idle)]
            for pool in self._pools.values():
                pool.idle.clear()
            self._changed.notify_all()
        if everything:
            with ThreadPoolExecutor(len(everything)) as threads:
                list(threads.map(lambda environment: environment.close(), everything))

    def _acquire(self, settings: FunctionSettings, reserved: int | None) -> Environment:
        stale: list[Environment] = []
        try:
            with self._changed:
                pool = self._pools.setdefault(settings.name, _Pool())
                if reserved is not None and len(pool.busy) >= reserved:
                    raise ThrottledError(f"{settings.name} has {reserved} reserved concurrent executions, all in use")
                while not self._closed:
                    warm, out_of_date = _pick(pool, settings, self._place())
                    stale += out_of_date
                    if warm is not None:
                        pool.busy.append(warm)
                        return warm
                    if pool.size < self._limit:
                        pool.starting += 1
                        break
                    self._changed.wait()
                else:
                    raise ThrottledError("the local AWS is stopping")
            environment = self._start(settings, pool)
            with self._changed:
                if self._closed:
                    stale.append(environment)
                    raise ThrottledError("the local AWS is stopping")
                pool.busy.append(environment)
            return environment
        finally:
            for environment in stale:
                environment.close()

    def _start(self, settings: FunctionSettings, pool: _Pool) -> Environment:
        try:
            if self._containers is not None and self._place() is ContainerEnvironment:
                return self._containers.container(settings)
            return ExecutionEnvironment(settings, self._platform, self._journal.access_key_of(settings.name))
        finally:
            with self._changed:
                pool.starting -= 1
                self._changed.notify_all()

    def _place(self) -> type[Environment]:
        """The kind of environment that functions currently run in."""
        in_containers = self._containers is not None and self._containers.has_started()
        return ContainerEnvironment if in_containers else ExecutionEnvironment

    def _release(self, environment: Environment) -> None:
        with self._changed:
            pool = self._pools[environment.settings.name]
            pool.busy.remove(environment)
            keep = environment.alive and not self._closed
            if keep:
                pool.idle.append(environment)
            self._changed.notify_all()
        if not keep:
            environment.close()


def _pick(
    pool: _Pool, settings: FunctionSettings, place: type[Environment]
) -> tuple[Environment | None, list[Environment]]:
    """A warm environment with exactly these settings, if any, and the stale ones: dead, of another kind or other settings."""
    idle = pool.idle
    pool.idle = [known for known in idle if known.alive and known.settings == settings and type(known) is place]
    stale = [environment for environment in idle if environment not in pool.idle]
    return (pool.idle.pop() if pool.idle else None), stale
