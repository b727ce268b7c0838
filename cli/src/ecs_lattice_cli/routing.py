"""Rules and target groups of a listener together with whose they are, as the documents of `who` and `graph` have them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ecs_lattice import naming
from ecs_lattice.model import ListenerKey, ServiceId
from ecs_lattice_cli.lattice import Lattice, Rule, id_of
from ecs_lattice_cli.requests import as_written

type Data = Mapping[str, Any]


class Owners:
    """Whose the rules and target groups of a listener are, by the answer to ``status``."""

    def __init__(self, status: Data, lattice_service: str, listener: Data) -> None:
        key = ListenerKey(listener["protocol"], listener["port"])
        self._of_group: dict[str, list[Data]] = defaultdict(list)
        self._of_rule: dict[str, Data] = {}
        for service in status["ecsServices"]:
            for route in service["routes"]:
                if route["latticeService"] != lattice_service:
                    continue
                one = {"ecsService": service["arn"], **{name: route[name] for name in ("route", "state", "match")}}
                self._of_rule[naming.rule_name(ServiceId(service["arn"]), route["route"], key)] = one
                if route["targetGroupArn"]:
                    self._of_group[id_of(route["targetGroupArn"])].append(one)

    def of_rule(self, rule: Rule) -> list[Data]:
        """The routes that a rule is of: by its name, else by the target groups that it forwards to."""
        if named := self._of_rule.get(rule.name):
            return [named]
        return [route for group in rule.weights for route in self.of_group(group, as_written(rule.match))]

    def of_group(self, group: str, match: str) -> list[Data]:
        """The routes of a target group, those with this match if there are any: the routes of a port share its group."""
        routes = self._of_group.get(group, [])
        return [route for route in routes if route["match"] == match] or routes


def rule_data(rule: Rule, owners: Owners) -> dict[str, Any]:
    """A rule as JSON documents have it."""
    return {
        "name": rule.name,
        "arn": rule.arn,
        "priority": rule.priority,
        "match": as_written(rule.match),
        "routes": owners.of_rule(rule),
    }


def groups_data(rule: Rule, owners: Owners, lattice: Lattice) -> list[dict[str, Any]]:
    """The target groups that a rule forwards to, with shares and targets."""
    total = sum(rule.weights.values())
    return [
        {
            "id": group,
            "weight": weight,
            "percent": round(100 * weight / total, 1) if total else 0,
            "targets": lattice.targets(group),
            "routes": owners.of_group(group, as_written(rule.match)),
        }
        for group, weight in rule.weights.items()
    ]


def targets_text(group: Data) -> str:
    """The targets of a group as people read them: ``2 HEALTHY, 1 DRAINING``."""
    statuses = sorted(group["targets"].items(), key=lambda item: (item[0] != "HEALTHY", item[0]))
    return ", ".join(f"{number} {status}" for status, number in statuses) or "none"
