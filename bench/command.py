"""How long a person waits for `ecs-lattice` itself: process starts, compared with Python's own.

python -m bench.command [--runs 15]

The rows take turns, so that a busy machine slows all of them; the figures are medians. Read the ratios, not the milliseconds.
"""

import argparse
import subprocess
import sys
import time
from statistics import median

COMMAND = [sys.executable, "-m", "ecs_lattice_cli"]
ROWS = {
    "python": [sys.executable, "-c", "pass"],
    "python, click imported": [sys.executable, "-c", "import click"],
    "ecs-lattice --help": [*COMMAND, "--help"],
    "ecs-lattice lint --help": [*COMMAND, "lint", "--help"],
    "ecs-lattice explain MATCH_TAKEN": [*COMMAND, "explain", "MATCH_TAKEN"],
    "python, boto3 imported": [sys.executable, "-c", "import boto3"],
}
"""What is started, by name; the first is what the others are compared with."""


def seconds(command: list[str]) -> float:
    """How long one run of ``command`` takes."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603  the rows above
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Start times of the command.")
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    for command in ROWS.values():
        seconds(command)  # bytecode and the file cache
    taken: dict[str, list[float]] = {name: [] for name in ROWS}
    for _ in range(runs):
        for name, command in ROWS.items():
            taken[name].append(seconds(command))
    bare = median(taken["python"])
    print(f"{'':34}{'ms':>6}{'to python':>12}")
    for name, each in taken.items():
        print(f"{name:34}{median(each) * 1000:6.0f}{median(each) / bare:12.1f}")


if __name__ == "__main__":
    main()
