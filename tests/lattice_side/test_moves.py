"""The order of changes: at every moment each request gets the answer from before or the one after."""

from hypothesis import given
from hypothesis import strategies as st

from ecs_lattice.graph import FixedResponse, Listener, Rule, forward
from ecs_lattice.lattice_side.desired_values import DesiredListener, DesiredRule
from ecs_lattice.lattice_side.safe_order import changes as ordered_changes
from ecs_lattice.lattice_side.seen import parking_match
from ecs_lattice.lattice_side.steps import DeleteRule, Step, UpdateDefault, UpdateRule, UpdateRules
from tests import strategies as profile  # noqa: F401  its profile makes examples deterministic
from tests.lattice_side.stage import HTTP, path

PREFIXES = ["/", "/a", "/a/b", "/a/b/c", "/z"]
REQUESTS = ["/", "/a", "/a/b", "/a/b/c", "/z", "/q"]


@st.composite
def changes(draw: st.DrawFn, turning: bool = False) -> DesiredListener:
    """Rules that are live or parked, and become live, parked, moved or nothing."""
    names = [f"rule{n}" for n in range(draw(st.integers(1, 6)))]
    before = draw(st.lists(st.integers(1, 40), min_size=len(names), max_size=len(names), unique=True))
    after = draw(st.lists(st.integers(1, 40), min_size=len(names), max_size=len(names), unique=True))
    there, wanted, dropped = [], [], []
    for index, name in enumerate(names):
        prefix = draw(st.sampled_from(PREFIXES))
        target = draw(st.sampled_from(PREFIXES)) if turning else prefix
        live, becomes = draw(st.booleans()), draw(st.sampled_from(["live", "parked", "gone"]))
        rule = Rule(name, name, before[index], path(prefix) if live else parking_match(name), forward({name: 1}))
        there.append(rule)
        if becomes == "gone":
            dropped.append(rule)
        else:
            match = path(target) if becomes == "live" else parking_match(name)
            wanted.append(DesiredRule(name, after[index], match, forward({name: 1}), rule))
    had, has = draw(st.booleans()), draw(st.booleans())
    no = FixedResponse(404)
    listener = Listener("listener", "listener", HTTP, forward({"default": 1}) if had else no, tuple(there))
    return DesiredListener(HTTP, listener, forward({"default": 1}) if has else no, tuple(wanted), tuple(dropped))


class Table:
    """What Lattice has, as far as requests go; refuses what Lattice refuses."""

    def __init__(self, listener: Listener) -> None:
        self.rules = {rule.arn: [rule.priority, rule.match] for rule in listener.rules}
        self.default = listener.default

    def do(self, step: Step) -> None:
        match step:
            case UpdateRule():
                self._update([step])
            case UpdateRules(rules=rules):
                self._update(rules)
            case DeleteRule(arn=arn):
                del self.rules[arn]
            case UpdateDefault(default=default):
                self.default = default
        priorities = [priority for priority, _ in self.rules.values()]
        assert len(priorities) == len(set(priorities)), "two rules of one priority"

    def _update(self, steps: object) -> None:
        for step in steps:  # type: ignore[attr-defined]
            rule = self.rules[step.arn]
            rule[0] = rule[0] if step.priority is None else step.priority
            rule[1] = rule[1] if step.match is None else step.match

    def answers(self) -> dict[str, str]:
        return {asked: self._answer(asked) for asked in REQUESTS}

    def _answer(self, asked: str) -> str:
        for _, arn in sorted((place, arn) for arn, (place, _) in self.rules.items()):
            live = self.rules[arn][1]
            if live.path and asked.startswith(live.path.value):
                return arn
        return str(self.default)


def final(listener: DesiredListener) -> dict[str, str]:
    rules = tuple(Rule(r.name, r.name, r.priority, r.match, r.action) for r in listener.rules)
    return Table(Listener("listener", "listener", HTTP, listener.default, rules)).answers()


@given(changes())
def test_no_request_is_misrouted_between_two_steps(listener: DesiredListener) -> None:
    assert listener.there
    table = Table(listener.there)
    before, after = table.answers(), final(listener)
    for step in ordered_changes(listener):
        table.do(step)
        for asked, answer in table.answers().items():
            assert answer in {before[asked], after[asked]}, f"{asked} after {step}"
    assert table.answers() == after


@given(changes(turning=True))
def test_changed_matches_end_in_the_right_place(listener: DesiredListener) -> None:
    assert listener.there
    table = Table(listener.there)
    for step in ordered_changes(listener):
        table.do(step)
    assert table.answers() == final(listener)


def test_one_rule_that_changes_its_match_is_one_update() -> None:
    rule = Rule("r", "r", 10, path("/a"), forward({"g": 1}))
    wanted = DesiredRule("r", 20, path("/b"), rule.action, rule)
    listener = DesiredListener(
        HTTP, Listener("l", "l", HTTP, FixedResponse(404), (rule,)), FixedResponse(404), (wanted,)
    )
    (step,) = ordered_changes(listener)
    assert str(step) == "update rule r on HTTP:80: priority 20, match /b*"
