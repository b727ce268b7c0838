"""``make bench-cold``: start every built function many times, beside a plain layer and the bare SDK, and print the table."""

import argparse
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.cold import functions, layers, starting, table
from bench.cold.starting import Function, Start
from local_aws import server
from local_aws.__main__ import build


def main() -> None:
    """Measure and print; the exit code is 0 also where an aim is missed: a machine may be busy."""
    options = _parser().parse_args()
    build(layers.ROOT)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        scratch = Path(directory)
        way, start = _way(functions.runtime(scratch))
        with server.running(state_dir=scratch / "state") as aws:
            aws.load_application(layers.ROOT)
            functions.quiet(aws)
            variants = _variants(functions.of_the_stack(aws, layers.shipped()), scratch, options.only)
            starts = _measure(variants, start, options.runs)
    print(f"\n{table.machine(options.runs, way)}\n\n{table.render(starts)}\n")
    for miss in table.missed(starts):
        print(f"missed: {miss}")


def _variants(found: list[Function], scratch: Path, only: str) -> dict[str, dict[str, Function]]:
    plain, sdk = layers.plain(scratch), layers.bare_sdk(scratch)
    return {
        function.name: {
            table.SHIPPED: function,
            table.PLAIN: Function(
                function.name, function.code, plain, function.handler, function.variables, function.payload
            ),
            table.FLOOR: functions.floor_of(function, sdk, scratch),
        }
        for function in found
        if only in function.name
    }


def _measure(
    variants: dict[str, dict[str, Function]], start: Callable[[Function], Start], runs: int
) -> dict[str, dict[str, list[Start]]]:
    """Rounds over all functions and variants, so that a busy minute of the machine falls on all alike. The first round
    brings the files into memory and is not counted."""
    starts: dict[str, dict[str, list[Start]]] = {name: {kind: [] for kind in of} for name, of in variants.items()}
    for number in range(runs + 1):
        for name, of in variants.items():
            for kind, function in of.items():
                made = start(function)
                if number:
                    starts[name][kind].append(made)
        print(f"round {number} of {runs}", end="\r", flush=True)
    return starts


def _way(runtime: Path) -> tuple[str, Callable[[Function], Start]]:
    emulator = starting.emulator()
    if emulator is None:
        return "in processes (no emulator for this machine)", functools.partial(starting.in_process, runtime=runtime)
    return "in the runtime interface emulator", functools.partial(starting.in_emulator, emulator, runtime=runtime)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.cold", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="fresh processes for each function and variant (20)")
    parser.add_argument("--only", default="", help="only functions whose logical id has this in it")
    return parser


if __name__ == "__main__":
    main()
