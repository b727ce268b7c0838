"""Whatever those do that may not speak, the others have what they have without them.

A history is drawn, then played twice: as it is, and with those that may not speak doing nothing. Every list of what clients
got, of what the security group allowed and of what was told has to be the same, and after the history nothing is written
for an hour. Nothing here knows how the application decides: who may speak is a matter of clusters and of completed releases
only.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests import strategies as profile  # noqa: F401  its profile makes examples deterministic
from tests.tenants.playing import MAY_NOT, Step, play, without_others

pytestmark = pytest.mark.timeout(3600)  # for what hangs; how busy the machine is must not matter

type Labels = tuple[tuple[str, str], ...]

SETTINGS_OF_ALL = {
    "auth": ["iam", "none"],
    "idle-timeout": ["60", "600"],
    "network": ["public", "platform public"],
}
OTHER_KEYS = {
    "path.prefix": ["/", "/a", "/b", "/c"],
    "method": ["GET"],
    "priority": ["1", "900"],
    "weight": ["0", "50"],
    "listener": ["HTTP:80", "HTTP:80 HTTP:81", "HTTPS:80"],
}
ONLY_OTHERS = {
    "targets": ["controller"],
    "pause": ["true"],
    "domain": ["orders.example.com"],
    "network": ["public", "nowhere", "platform public"],
}


def declarations(service: st.SearchStrategy[str], *tables: dict[str, list[str]]) -> st.SearchStrategy[Labels]:
    """Labels of one route. A listener that everybody can have unless another one is drawn."""
    allowed = {key: values for table in tables for key, values in table.items()}
    optional = {key: st.sampled_from(values) for key, values in allowed.items()}
    some = st.fixed_dictionaries({"service": service, "port": st.just("web")}, optional=optional)
    return some.map(lambda drawn: tuple({"listener": "HTTP:80", "health.enabled": "false", **drawn}.items()))


orders = st.just("orders")
of_those_that_speak = declarations(orders, SETTINGS_OF_ALL, OTHER_KEYS)
of_the_others = declarations(
    st.sampled_from(["orders", "orders", "orders", "second"]), SETTINGS_OF_ALL, OTHER_KEYS, ONLY_OTHERS
)
others = st.sampled_from(MAY_NOT)
durations = st.sampled_from([20, 300, 1200])
some_tags = st.sampled_from([("pause", "true"), ("auth", "iam"), ("network", "public"), ("service", "orders")])


class AnyTenants(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []

    def add(self, who: str, what: str, labels: Labels, seconds: int) -> None:
        self.steps.append(Step(who, what, labels, seconds))

    @initialize(path=st.sampled_from(["/a", "/", None]), labels=declarations(orders, SETTINGS_OF_ALL))
    def one_is_live(self, path: str | None, labels: Labels) -> None:
        self.add("one", "declares", (*labels, *([("path.prefix", path)] if path else [])), 0)

    # Those that may speak

    @rule(who=st.sampled_from(["one", "two"]), labels=of_those_that_speak, seconds=durations)
    def declare(self, who: str, labels: Labels, seconds: int) -> None:
        self.add(who, "declares", labels, seconds)

    @rule(who=st.sampled_from(["one", "two"]), seconds=durations, labels=of_those_that_speak,
          what=st.sampled_from(["fails", "stops", "starts", "deletes", "waits"]))  # fmt: skip
    def change(self, who: str, what: str, labels: Labels, seconds: int) -> None:
        self.add(who, what, labels if what == "fails" else (), seconds)

    @rule(
        who=st.sampled_from(["one", "two"]), tag=some_tags, what=st.sampled_from(["tags", "untags"]), seconds=durations
    )
    def tag(self, who: str, what: str, tag: tuple[str, str], seconds: int) -> None:
        self.add(who, what, (tag,), seconds)

    @precondition(lambda self: all(step.what != "loses" for step in self.steps))
    @rule(seconds=durations)
    def the_table_is_lost(self, seconds: int) -> None:
        self.add("somebody", "loses", (), seconds)

    # Those that may not

    @rule(who=others, labels=of_the_others, seconds=durations)
    def others_declare(self, who: str, labels: Labels, seconds: int) -> None:
        self.add(who, "declares", labels, seconds)

    @rule(who=others, labels=of_the_others, seconds=durations)
    def others_declare_something_else(self, who: str, labels: Labels, seconds: int) -> None:
        self.add(who, "declares", labels, seconds)

    @rule(who=others, seconds=durations, what=st.sampled_from(["declares", "stops", "starts", "deletes", "lists"]))
    def others_change(self, who: str, what: str, seconds: int) -> None:
        # A release without tasks completes, whatever they would do.
        self.add(who, "waits" if (who, what) == ("crashed", "stops") else what, (), seconds)

    @rule(who=others, tag=some_tags, what=st.sampled_from(["tags", "untags"]), seconds=durations)
    def others_tag(self, who: str, what: str, tag: tuple[str, str], seconds: int) -> None:
        self.add(who, what, (tag,), seconds)

    def teardown(self) -> None:
        if any(not step.may_speak for step in self.steps):
            compare(self.steps, rests=True)
        else:
            play(self.steps, rests=True)


def compare(steps: list[Step], *, rests: bool = False) -> None:
    """Both histories give the same; else an AssertionError with the history and what differs. ``rests``: as :func:`.play`."""
    found, wanted = play(steps, rests=rests).answers, play(without_others(steps)).answers
    if found != wanted:
        history = "\n".join(f"  {step}" for step in steps)
        raise AssertionError(f"This history:\n{history}\nchanged what the others have:\n{differences(found, wanted)}")


def differences(found: dict[str, list[Any]], wanted: dict[str, list[Any]]) -> str:
    questions = [each for each in {**wanted, **found} if found.get(each) != wanted.get(each)]
    return "\n".join(f"  {each}: {found.get(each)}\n    instead of {wanted.get(each)}" for each in questions)


def _machine(number: int) -> Any:
    """A sixth of the 300 examples, so that a busy machine finishes each within the time limit of a test."""
    drawn = seed(number)(type(f"AnyTenants{number}", (AnyTenants,), {}))
    drawn.TestCase.settings = settings(
        max_examples=50, stateful_step_count=8, deadline=None, derandomize=False, database=None, print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )  # fmt: skip
    return drawn.TestCase


TestTenants1, TestTenants2, TestTenants3 = (_machine(number) for number in (1, 2, 3))
TestTenants4, TestTenants5, TestTenants6 = (_machine(number) for number in (4, 5, 6))
