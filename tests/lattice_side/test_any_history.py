"""Whatever the history, what is there is what is declared.

Routes of several ECS services come, change and go; the console edits our objects; calls are throttled, answers are lost,
the function is killed. What should be there is told from the declarations alone, by a few lines here that know nothing of
plans: each route that is not in conflict has its match, its group and its weight; one in conflict keeps what it had.
"""

import contextlib
import dataclasses
from typing import Any

from hypothesis import HealthCheck as Health
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ecs_lattice import naming
from ecs_lattice.aws.lattice import BotoLattice
from ecs_lattice.errors import AwsError
from ecs_lattice.lattice_side.reconcile import LatticeSide
from ecs_lattice.matching import EVERYTHING, normal
from ecs_lattice.model import Match
from ecs_lattice.outcome import NotYet
from local_aws.lattice.routing import choose
from local_aws.network import Request
from tests import strategies as profile  # noqa: F401  its profile makes examples deterministic
from tests.lattice_side.direct import Crash, DirectClient
from tests.lattice_side.stage import NAME, SETTINGS, Stage, path, service, stage

SERVICES = [service("one"), service("two"), service("three")]
MATCHES = [None, path("/"), path("/a"), path("/a/b"), path("/b", "exact"), path("/b")]
PATHS = ["/", "/a", "/a/b", "/a/c", "/b", "/b/c"]
WRITES = ["CreateRule", "UpdateRule", "DeleteRule", "UpdateListener", "CreateTargetGroup", "CreateService",
          "CreateListener", "CreateServiceNetworkServiceAssociation", "DeleteTargetGroup"]  # fmt: skip

services = st.sampled_from(SERVICES)
names = st.sampled_from(["x", "y"])


@dataclasses.dataclass(frozen=True)
class Declared:
    match: Match | None
    port: str
    weight: int | None

    @property
    def requests(self) -> Match:
        return normal(self.match)


class AnyHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.exit = contextlib.ExitStack()
        self.stage: Stage = self.exit.enter_context(stage())
        self.client = DirectClient()
        self.stage.lattice = self.client
        self.stage.side = LatticeSide(
            SETTINGS,
            BotoLattice(self.client),
            self.stage.registry,
            self.stage.requests,
            self.stage.clock.time,
            self.stage.holders,
        )  # type: ignore[arg-type]
        self.declared: dict[tuple[str, str], Declared] = {}
        self.effective: dict[tuple[str, str], Declared] = {}
        self.before: dict[str, set[str]] = {}
        self.probed: list[tuple[str, dict[str, set[str]]]] = []
        self.changes = 0
        self.drifted = self.edited = False

    def teardown(self) -> None:
        self.exit.close()

    @initialize()
    def something_foreign(self) -> None:
        self.client.create_service(name="foreign")
        self.client.create_target_group(
            name="foreign", type="IP", config={"port": 80, "protocol": "HTTP", "vpcIdentifier": self.stage.vpc}
        )
        self.stage.clock.advance(60)
        self.foreign = self._foreign()
        self.stage.backend.after_write.append(self._probe)
        self.before = self._answers()

    # What people declare

    @rule(who=services, name=names, match=st.sampled_from(MATCHES), port=st.sampled_from(["p", "q"]),
          weight=st.sampled_from([None, None, 50, 10]))  # fmt: skip
    def declare(self, who: Any, name: str, match: Match | None, port: str, weight: int | None) -> None:
        others = [
            d
            for key, d in self.declared.items()
            if key[0] == str(who) and key[1] != name and d.requests == normal(match)
        ]
        if any(other.weight is None or weight is None for other in others):
            return  # a declaration with two routes of one match is refused as a whole before it comes here
        route = self.stage.route(name, match, port_name=port, weight=weight)
        self.stage.claim(who, route, created_at=float(SERVICES.index(who)))
        wanted = Declared(match, port, weight)
        self.changes += self.declared.get((str(who), name)) != wanted
        self.declared[str(who), name] = wanted

    @precondition(lambda self: self.declared)
    @rule(data=st.data(), phase=st.sampled_from(["vanished", "deleted"]))
    def take_away(self, data: Any, phase: str) -> None:
        who, name = data.draw(st.sampled_from(sorted(self.declared)))
        owner = next(one for one in SERVICES if str(one) == who)
        for other in [key for key in self.declared if key[0] == who and (phase == "deleted" or key[1] == name)]:
            self.stage.vanish(owner, other[1], phase)
            # Nobody has the match of a deleted service, which leaves at once while it is kept for it, nor that of a route
            # that another one waits for: who waits is not attached before the first has gone.
            mine = self.declared[other]
            waits = [key for key, d in self.declared.items() if key != other and d.requests == mine.requests]
            self.changes += 2 if phase == "deleted" or waits else 1
            del self.declared[other]

    # What goes wrong

    @rule(operation=st.sampled_from(WRITES), kind=st.sampled_from(["throttle", "fail", "lose_answer"]))
    def a_call_fails(self, operation: str, kind: str) -> None:
        getattr(self.stage.backend.faults, kind)(operation)

    @rule(writes=st.integers(1, 6), late=st.booleans())
    def the_function_is_killed(self, writes: int, late: bool) -> None:
        self.client.crash_in, self.client.late = writes, late

    @precondition(lambda self: self.stage.registry.lattice(NAME).service_arn)
    @rule(data=st.data(), what=st.sampled_from(["delete", "weights", "priority", "match", "default", "association"]))
    def somebody_uses_the_console(self, data: Any, what: str) -> None:
        self._drift(data, what)

    def _drift(self, data: Any, what: str) -> None:  # noqa: C901  one case an edit
        associations = self.client.list_service_network_service_associations(serviceIdentifier=self.stage.service_id())
        if what == "association":
            for each in associations["items"]:
                if each["status"] == "ACTIVE":
                    self._by_hand("delete_service_network_service_association",
                                  serviceNetworkServiceAssociationIdentifier=each["id"])  # fmt: skip
            return
        listeners = self.client.list_listeners(serviceIdentifier=self.stage.service_id())["items"]
        if not listeners:
            return
        ids = self.stage.listener()
        if what == "default":
            self._by_hand("update_listener", **ids, defaultAction={"fixedResponse": {"statusCode": 500}})
            return
        rules = self.stage.rules()
        if not rules:
            return
        chosen = data.draw(st.sampled_from(rules))
        ids["ruleIdentifier"] = chosen["id"]
        if what == "delete":
            self._by_hand("delete_rule", **ids)
        elif what == "priority":
            free = next(n for n in range(2000, 0, -1) if n not in {each["priority"] for each in rules})
            self._by_hand("update_rule", **ids, priority=free)
        elif what == "weights" and "forward" in chosen["action"]:
            groups = [{**each, "weight": 7} for each in chosen["action"]["forward"]["targetGroups"]]
            self._by_hand("update_rule", **ids, action={"forward": {"targetGroups": groups}})
        elif what == "match":
            self._by_hand("update_rule", **ids, match={"httpMatch": {"pathMatch": {"match": {"exact": "/edited"}}}})

    def _by_hand(self, method: str, **parameters: Any) -> None:
        self.drifted = self.edited = True
        crash, self.client.crash_in = self.client.crash_in, None
        waiting = dict(self.stage.backend.faults.waiting)
        self.stage.backend.faults.waiting.clear()
        getattr(self.client, method)(**parameters)
        self.stage.backend.faults.waiting.update(waiting)
        self.client.crash_in = crash

    # Time

    @rule(seconds=st.sampled_from([0, 5, 30, 120, 600]))
    def both_sides_work_a_while(self, seconds: int) -> None:
        end = self.stage.clock.time() + seconds
        for _ in range(60):
            after = self._one_reconcile()
            left = end - self.stage.clock.time()
            if left <= 0:
                return
            self.stage.clock.advance(min(after, left))

    def _one_reconcile(self) -> float:
        """A reconcile and the ECS side's; how long to wait."""
        try:
            outcome = self.stage.reconcile()
        except (Crash, AwsError):
            return 1.0
        self._note_what_serves()
        crash, self.client.crash_in = self.client.crash_in, None
        changed = self.stage.ecs()
        self.client.crash_in = crash
        if changed:
            return 1.0
        return float(outcome.after) if isinstance(outcome, NotYet) else 3600.0

    def _note_what_serves(self) -> None:
        """What a route had when it served last: what it keeps when it comes into conflict."""
        for record in self.stage.records():
            key = str(record.claim.service), record.claim.route.name
            if record.answer.state == "Live" and record.claim.phase == "declared" and not record.is_unapplied:
                route = record.claim.route
                self.effective[key] = Declared(route.match, route.port_name, route.weight)

    @rule()
    def all_has_settled(self) -> None:
        for _ in range(500):
            after = self._one_reconcile()
            if after == 3600.0:
                break
            self.stage.clock.advance(after)
        else:
            raise AssertionError(f"it does not settle: {self.stage.reconcile()}")
        self.client.crash_in = None
        self.stage.backend.faults.waiting.clear()
        self.stage.clock.advance(1)
        self.check()

    def check(self) -> None:
        conflicts = self._conflicts()
        self.effective = {key: self.effective.get(key) if key in conflicts else wanted
                          for key, wanted in self.declared.items()}  # fmt: skip
        self.effective = {
            key: wanted
            for key, wanted in self.effective.items()
            if wanted is not None and not self._given_away(key, wanted, conflicts)
        }
        observed = self._observed(conflicts)
        if self.edited and conflicts:
            # What a route in conflict had may be edited by hand without anybody putting it right: nothing changes for it.
            self.effective = {key: wanted for key, wanted in self.effective.items() if key not in conflicts}
            observed = {match: groups for match, groups in observed.items() if match in self._expected()}
        assert observed == self._expected()
        self._conflicts_are_right(conflicts)
        with self.stage.writes() as made:
            records = self.stage.records(), self.stage.registry.lattice(NAME)
            self.stage.reconcile()
        assert made == []
        assert (self.stage.records(), self.stage.registry.lattice(NAME)) == records
        after = self._answers()
        self._probes_are_right(after)
        self.before, self.probed, self.changes, self.drifted = after, [], 0, False

    # The oracle

    def _conflicts(self) -> set[tuple[str, str]]:
        records = [r for r in self.stage.records() if r.claim.phase == "declared"]
        states = {(str(r.claim.service), r.claim.route.name): r.answer.state for r in records}
        assert set(states) == set(self.declared)
        assert set(states.values()) <= {"Live", "Conflicted"}, states
        return {key for key, state in states.items() if state == "Conflicted"}

    def _given_away(self, key: tuple[str, str], had: Declared, conflicts: set[tuple[str, str]]) -> bool:
        """Whether a route in conflict has lost what it had: to another route of its own ECS service, which declared that,
        or because somebody took it out by hand."""
        if key not in conflicts:
            return False
        takers = [o for o, d in self.declared.items() if o not in conflicts and d.requests == had.requests]
        return any(o[0] == key[0] for o in takers) or (self.drifted and bool(takers))

    def _conflicts_are_right(self, conflicts: set[tuple[str, str]]) -> None:
        for key in conflicts:
            mine = self.declared[key]
            others = [d for other, d in self.effective.items() if other != key and d.requests == mine.requests]
            assert self.edited or any(d.weight is None or mine.weight is None for d in others), (
                f"{key} is in conflict with nobody"
            )

    def _expected(self) -> dict[str, dict[str, int]]:
        """Weights by who serves, by match."""
        wanted: dict[str, dict[str, int]] = {}
        for (who, _name), declared in self.effective.items():
            place = wanted.setdefault(str(declared.requests), {})
            served = f"{who}:{declared.port}"
            place[served] = place.get(served, 0) + (100 if declared.weight is None else declared.weight)
        return wanted

    def _observed(self, conflicts: set[tuple[str, str]]) -> dict[str, dict[str, int]]:
        backend = self.stage.backend
        found: dict[str, dict[str, int]] = {}
        service_id = next((s.id for s in backend.services.values() if s.name == NAME), None)
        for listener in backend.listeners.values():
            if listener.service.id != service_id:
                continue
            for each in [*backend.rules_of(listener), listener.default]:
                text = str(EVERYTHING) if each.is_default else self._text(each.match)
                if text == "parked" and conflicts:
                    continue  # what a route had that is in conflict now stays, also what had not served yet
                if "forward" in each.action:
                    assert text not in found, f"two rules for {text}"
                    found[text] = {
                        self.stage.tasks[backend.target_groups[g["targetGroupIdentifier"]].arn]: g["weight"]
                        for g in each.action["forward"]["targetGroups"]
                    }
                else:
                    assert each.action == {"fixedResponse": {"statusCode": 404}}
        ours = {group.arn for group in backend.target_groups.values() if naming.is_ours(group.name)}
        assert ours >= set(self.stage.tasks), "tasks in no group"
        assert conflicts or ours == set(self.stage.tasks), "target groups that nobody needs"
        if found:
            states = [a.status for a in backend.service_network_service_associations.values()]
            assert states == ["ACTIVE"]
        return found

    @staticmethod
    def _text(match: Any) -> str:
        http = match["httpMatch"]
        if http.get("headerMatches"):
            return "parked"
        kind, value = next(iter(http["pathMatch"]["match"].items()))
        return str(normal(path(value, kind)))

    # Requests at every moment

    def _probe(self, call: Any) -> None:
        self.probed.append((call.operation, self._answers()))

    def _answers(self) -> dict[str, set[str]]:
        """Who may answer each path now: everybody with a weight in the rule that is chosen."""
        backend = self.stage.backend
        table = backend.data_plane.table()
        routes = next((r for (_, port), r in table.listeners.items() if port == 80), None)
        return {each: self._who(choose(routes, Request("GET", each))) if routes else {"404"} for each in PATHS}

    def _who(self, chosen: Any) -> set[str]:
        if chosen.fixed_status is not None:
            return {str(chosen.fixed_status)}
        backend, found = self.stage.backend, set()
        for group_id, weight in chosen.groups:
            if weight:
                group = backend.target_groups[group_id]
                able = any(t.health in {"HEALTHY", "UNAVAILABLE"} for t in group.targets.values() if not t.draining)
                found.add(self.stage.tasks.get(group.arn, "503") if able else "503")
        return found or {"503"}

    def _probes_are_right(self, after: dict[str, set[str]]) -> None:
        """Between two settled states with one change between them, every request gets the old answer or the new one."""
        if self.drifted or self.changes > 1:
            return
        for operation, answers in self.probed:
            for asked, who in answers.items():
                allowed = self.before[asked] | after[asked]
                assert who <= allowed, (
                    f"{asked} got {who} after {operation}, before {self.before[asked]}, then {after[asked]}"
                )

    @invariant()
    def nothing_foreign_is_touched(self) -> None:
        if hasattr(self, "foreign"):
            assert self._foreign() == self.foreign

    def _foreign(self) -> list[Any]:
        backend = self.stage.backend
        kept = [*backend.services.values(), *backend.target_groups.values()]
        return [each.view() for each in kept if each.name == "foreign"]


AnyHistory.TestCase.settings = settings(
    max_examples=12, stateful_step_count=14, deadline=None, derandomize=True,
    suppress_health_check=[Health.too_slow, Health.data_too_large, Health.filter_too_much],
)  # fmt: skip
TestAnyHistory = AnyHistory.TestCase
