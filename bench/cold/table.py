"""Medians of many cold starts, and the table that shows them."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.cold.starting import Start

SHIPPED, PLAIN, FLOOR = "shipped", "plain", "floor"
Starts = Mapping[str, Mapping[str, Sequence[Start]]]
"""By function and variant."""
_HEAD = """\
| function         | init ms: shipped, plain, floor | to plain | to floor | first invocation ms: shipped, plain \
| both ms: shipped, plain | memory MB: shipped, plain, floor |
|---|---|---|---|---|---|---|"""


def medians(starts: Sequence[Start]) -> Start:
    """Each measure's own median."""
    init, first = (statistics.median(values) for values in ([s.init for s in starts], [s.first for s in starts]))
    return Start(init, first, statistics.median(s.memory for s in starts))


def render(starts: Starts) -> str:
    """A Markdown table, a row a function; the ratios are those of the medians of initialisation."""
    rows = [
        _row(function, {name: medians(made) for name, made in variants.items()})
        for function, variants in starts.items()
    ]
    return "\n".join([_HEAD, *rows])


def machine(runs: int, way: str) -> str:
    """What was measured where, in one line."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; {runs} fresh processes each, {way}."
    )


def missed(starts: Starts) -> list[str]:
    """The functions whose initialisation is above half of the plain layer's or not below the floor, and by how much."""
    said = []
    for function, variants in starts.items():
        shipped, plain, floor = (medians(variants[name]).init for name in (SHIPPED, PLAIN, FLOOR))
        if shipped > plain / 2:
            said.append(f"{function}: {shipped / plain:.3f} of the plain layer, above 0.5")
        if shipped >= floor:
            said.append(f"{function}: {shipped / floor:.3f} of the floor, not below it")
    return said


def _row(function: str, of: Mapping[str, Start]) -> str:
    shipped, plain, floor = of[SHIPPED], of[PLAIN], of[FLOOR]
    numbers = [
        [shipped.init, plain.init, floor.init],
        [shipped.init / plain.init],
        [shipped.init / floor.init],
        [shipped.first, plain.first],
        [shipped.init + shipped.first, plain.init + plain.first],
        [shipped.memory, plain.memory, floor.memory],
    ]
    digits = [0, 2, 2, 0, 0, 0]
    cells = [", ".join(f"{n:.{d}f}" for n in group) for group, d in zip(numbers, digits, strict=True)]
    return f"| {function.removesuffix('Function'):<16} | {' | '.join(cells)} |"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
