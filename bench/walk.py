"""How much code a reader passes on three walks through the product.

python -m bench.walk [--list] [--check]

| walk                        | begins with                                           | ends with the call           |
|-----------------------------|-------------------------------------------------------|------------------------------|
| label -> CreateRule         | CreateService of a service with labels                | `CreateRule` of VPC Lattice  |
| vanished label -> Delete... | UpdateService to a revision without labels            | `DeleteTargetGroup`          |
| unhealthy target -> mail    | the security group of the tasks closes                | `Publish` of Amazon SNS      |

Each walk runs on the application of `tests/world.py` in one process: the simulated services send their events, the
clock is moved by hand, and everything that becomes due is worked in order. Waiting is part of a walk: what the
reconciles, retries and minutes of the probe between begin and end execute is counted too.

What counts, for code of the package `ecs_lattice` only:

- A *function* is a named function or method, by module and qualified name. Lambdas, generator expressions, module and
  class bodies and what `dataclass` generates are not functions here: their calls are not seen at all.
- A *module* is a file with at least one such call.
- A *change of module* is a call of a function in another module than that of the call before it, in the same thread. The
  resumption of a generator is a call; a return is not. The first call in a thread is no change.

The figures depend neither on the load of the machine nor on the hash seed. The walks run in the order above, in a fresh
process, so that a function whose result is cached is counted where the product first calls it.

`--list` adds where each walk leads: its modules in the order of first entry, and the most frequent changes of module.
`--check` fails when a figure is above `LIMITS`.
"""

import argparse
import contextlib
import inspect
import io
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from botocore.client import BaseClient

if TYPE_CHECKING:
    from tests.world import World

PACKAGE = "ecs_lattice"
LABELS = {
    "lattice.service": "orders",
    "lattice.port": "web",
    "lattice.listener": "HTTP:80",
    "lattice.path.prefix": "/orders",
    "lattice.health.path": "/healthz",
}
WITHOUT_INGRESS = {**LABELS, "lattice.ingress": "off"}
FREQUENT_CHANGES = 20


class Figures(NamedTuple):
    """The size of a walk."""

    functions: int
    modules: int
    changes: int


@dataclass
class Walk:
    """What was called on the way. ``calls`` is in the order of first calls."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Calls by module and qualified name of the function."""
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Changes of module: from, to."""

    @property
    def modules(self) -> Counter[str]:
        """How many functions of each module were called, in the order in which the modules were first entered."""
        return Counter(module for module, _ in self.calls)

    @property
    def figures(self) -> Figures:
        return Figures(len(self.calls), len(self.modules), self.changes.total())


class Recorder:
    """Records calls of functions in the package, in all threads, with `sys.monitoring`."""

    _TOOL = sys.monitoring.PROFILER_ID

    def __init__(self) -> None:
        self.walk = Walk()
        self.arrived = False
        self._here = threading.local()
        self._root = _package_folder()

    def start(self) -> None:
        events = sys.monitoring.events
        sys.monitoring.use_tool_id(self._TOOL, __name__)
        sys.monitoring.register_callback(self._TOOL, events.PY_START, self._called)
        sys.monitoring.register_callback(self._TOOL, events.PY_RESUME, self._called)
        sys.monitoring.register_callback(self._TOOL, events.PY_THROW, self._thrown_into)
        sys.monitoring.restart_events()
        sys.monitoring.set_events(self._TOOL, events.PY_START | events.PY_RESUME | events.PY_THROW)

    def stop(self) -> None:
        """Stop recording. Without effect when nothing is being recorded."""
        if sys.monitoring.get_tool(self._TOOL) == __name__:
            sys.monitoring.set_events(self._TOOL, 0)
            sys.monitoring.free_tool_id(self._TOOL)

    @contextmanager
    def until(self, service: str, operation: str) -> Iterator[None]:
        """Record inside the block, up to the first call of an AWS operation by any client of this process."""
        called: Any = vars(BaseClient)["_make_api_call"]  # every call of every client passes here

        def call(client: Any, name: str, parameters: Any) -> Any:
            if (client.meta.service_model.service_name, name) == (service, operation):
                self.arrived = True
                self.stop()
            return called(client, name, parameters)

        with mock.patch.object(BaseClient, "_make_api_call", call):
            self.start()
            try:
                yield
            finally:
                self.stop()

    def _called(self, code: CodeType, _offset: int) -> object:
        module = self._module(code)
        if module is None:
            return sys.monitoring.DISABLE
        before = getattr(self._here, "module", module)
        if module != before:
            self.walk.changes[before, module] += 1
        self._here.module = module
        self.walk.calls[module, code.co_qualname] += 1
        return None

    def _thrown_into(self, code: CodeType, offset: int, _error: BaseException) -> None:
        self._called(code, offset)  # a generator is resumed by an exception; this event cannot be disabled

    def _module(self, code: CodeType) -> str | None:
        """The module of a named function of the package; None for other code."""
        is_function = code.co_flags & inspect.CO_OPTIMIZED and not code.co_name.startswith("<")
        if not is_function or not code.co_filename.startswith(self._root):
            return None
        return code.co_filename.removeprefix(self._root).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _package_folder() -> str:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{PACKAGE} is not installed: run make setup.")
    return f"{Path(spec.origin).parent}/"


# The walks. This is all that they need of the tests.


def label_to_rule(recorder: Recorder) -> None:
    """A new service opts in."""
    with _world() as world:
        revision = world.register(LABELS)
        assert world.open_group  # made before the walk begins
        with recorder.until("vpc-lattice", "CreateRule"):
            world.deploy(revision)
            world.run(1200)


def vanished_label_to_delete(recorder: Recorder) -> None:
    """A service with a live route opts out."""
    with _world() as world:
        service = world.deploy(world.register(LABELS))
        world.run(1200)
        revision = world.register({})
        with recorder.until("vpc-lattice", "DeleteTargetGroup"):
            world.ecs.update_service(cluster="shop", service=service, taskDefinition=revision)
            world.run(7200)


def unhealthy_target_to_mail(recorder: Recorder) -> None:
    """The tasks of a live route become unreachable for health checks."""
    from tests.histories.on_call import OnCallWorld  # noqa: PLC0415  see _world

    with _world() as world:
        OnCallWorld(world)
        world.deploy(world.register(WITHOUT_INGRESS))
        world.run(1200)
        world.start_probing()
        world.run(600)
        (group,) = world.ec2.describe_security_groups(GroupIds=[world.open_group])["SecurityGroups"]
        with recorder.until("sns", "Publish"):
            world.ec2.revoke_security_group_ingress(GroupId=world.open_group, IpPermissions=group["IpPermissions"])
            world.run(3600)


@contextmanager
def _world() -> Iterator["World"]:
    from tests import world  # noqa: PLC0415  its loggers take the standard output of the moment of the import

    with world.started() as started:
        yield started


WALKS: dict[str, Callable[[Recorder], None]] = {
    "label -> CreateRule": label_to_rule,
    "vanished label -> DeleteTargetGroup": vanished_label_to_delete,
    "unhealthy target -> mail": unhealthy_target_to_mail,
}
LIMITS = {"label -> CreateRule": Figures(functions=500, modules=76, changes=1180)}


def walk(name: str) -> Walk:
    """Run one walk. AssertionError when it does not reach its end."""
    recorder = Recorder()
    with contextlib.redirect_stdout(io.StringIO()):
        WALKS[name](recorder)
    if not recorder.arrived:
        raise AssertionError(f"{name}: the last call of the walk was never made")
    return recorder.walk


def excess(name: str, figures: Figures) -> list[str]:
    """One line for each figure above its limit."""
    limits = LIMITS.get(name, figures)
    return [
        f"{name}: {count} {what}, the limit is {limit}"
        for what, count, limit in zip(("functions", "modules", "changes of module"), figures, limits, strict=True)
        if count > limit
    ]


def render_list(walked: Walk) -> str:
    """The modules of a walk in order, with counts of functions and calls, and its most frequent changes of module."""
    calls: Counter[str] = Counter()
    for (module, _), count in walked.calls.items():
        calls[module] += count
    lines = [f"  {'module':<44}{'functions':>10}{'calls':>8}"]
    lines += [f"  {module:<44}{count:>10}{calls[module]:>8}" for module, count in walked.modules.items()]
    lines += ["", f"  the {FREQUENT_CHANGES} most frequent changes of module"]
    lines += [
        f"  {count:>6}  {before} -> {after}" for (before, after), count in walked.changes.most_common(FREQUENT_CHANGES)
    ]
    return "\n".join(lines)


def main() -> int:
    """Print the table; the exit code is 1 when ``--check`` finds an excess."""
    parser = argparse.ArgumentParser(prog="python -m bench.walk", description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="also print the modules that each walk passes")
    parser.add_argument("--check", action="store_true", help="fail when a figure is above its limit")
    options = parser.parse_args()
    failures: list[str] = []
    print(f"{'':<38}{'functions':>10}{'modules':>9}{'changes of module':>19}")
    for name in WALKS:
        walked = walk(name)
        functions, modules, changes = walked.figures
        print(f"{name:<38}{functions:>10}{modules:>9}{changes:>19}", flush=True)
        if options.list:
            print(f"\n{render_list(walked)}\n", flush=True)
        failures += excess(name, walked.figures) if options.check else []
    for line in failures:
        print(f"bench.walk: {line}. python -m bench.walk --list prints where the walk leads.", file=sys.stderr)
    return int(bool(failures))


if __name__ == "__main__":
    raise SystemExit(main())
