"""A status that is always stored, and a log that stays short, whatever somebody writes into labels."""

from ecs_lattice import bounds
from tests.ecs_side.bench import LABELS, SERVICE, Bench

NETWORKS = " ".join(f"n{number:04}" for number in range(8500))


def stored(bench: Bench) -> str:
    text = bench.registry.document("ecs", bench.record().service)
    assert text is not None
    return text


def test_2500_unknown_keys_are_told_as_20_and_the_status_is_stored(bench, caplog):
    bench.create(bench.define({f"lattice.k{number}": "x" for number in range(2500)}))
    bench.go()
    assert bench.problems() == ["UNKNOWN_KEY"] * 20 + ["MORE_PROBLEMS"]
    assert bench.side.status(SERVICE).problems[-1].message.startswith("and 2,480 more")
    assert len(stored(bench)) <= bounds.ITEM
    assert len(caplog.records) == 21
    assert max(len(record.getMessage()) for record in caplog.records) < bounds.LOG_LINE
    (change,) = bench.announced.changes
    assert "and 2,480 more" in change.message


def test_a_network_label_of_50_kb_is_one_problem_with_a_short_value(bench, caplog):
    bench.configure(allowed_networks=("platform",))
    bench.create(bench.define({**LABELS, "lattice.network": NETWORKS}))
    bench.go()
    assert bench.problems() == ["NETWORK_NOT_ALLOWED"]
    assert sum(len(record.getMessage()) for record in caplog.records) < 2000
    assert len(stored(bench)) <= bounds.ITEM
    assert len(str(bench.announced.changes)) < 4000
