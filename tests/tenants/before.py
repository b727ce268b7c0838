"""Small rich accounts under releases before this one: what happened in them, and what those releases' registries held.

``before-1ae38a0.json`` was recorded by the code of commit 1ae38a0: with the files of that commit in a folder and this file
copied into its ``tests/tenants``, run there ``PYTHONPATH=.:layers/core/src python -m tests.tenants.before 1ae38a0``. It has
every write call of the application with its answer, between the steps of the people, and the registry at the end.
:func:`restore` makes the same account again without any application: the steps and the calls at their times, with the ids of
the new account; then the registry, in which they replace the recorded ones.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore import xform_name

from ecs_lattice.settings import Settings
from local_aws import inprocess, lattice
from tests.world import SETTINGS, World, open_group

LISTENER = {"lattice.listener": "HTTP:80", "lattice.port": "web"}
_ID = re.compile(r"[a-z]{2,8}-[0-9a-f]{8,17}|ecs-svc/\d+|\b172\.\d+\.\d+\.\d+\b")
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}


@dataclasses.dataclass(frozen=True)
class Service:
    """An ECS service of the account. Without its prefix: the labels."""

    cluster: str
    name: str
    labels: Mapping[str, str]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_open: bool = False
    """Whether the security group of its tasks lets VPC Lattice in without the application."""


@dataclasses.dataclass(frozen=True)
class Account:
    """One recorded account: the commit that ran in it, its stack, and what was deployed, in this order."""

    commit: str
    settings: Settings
    services: tuple[Service, ...]
    never_live: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        return Path(__file__).with_name(f"before-{self.commit}.json")

    @property
    def live(self) -> list[Service]:
        return [service for service in self.services if service.name not in self.never_live]


TENANTS = (
    Service("shop", "orders", {"service": "orders", "path.prefix": "/orders", "idle-timeout": "120"}),
    Service("rivals", "invoices", {"service": "orders", "path.prefix": "/invoices"}),
    Service("shop", "signed", {"service": "signed", "path.prefix": "/signed", "auth": "iam"}),
    Service("shop", "unsigned", {"service": "signed", "path.prefix": "/unsigned"}),
    Service("shop", "root", {"service": "root", "path.prefix": "/"}),
    Service("rivals", "rest", {"service": "root", "network": "platform public"}),
    Service("shop", "crashed", {"service": "orders", "path.prefix": "/crashed"}, {"CRASH_AFTER_SECONDS": "1"}),
    Service("shop", "many", {"service": "many", **{f"routes.r{n}.path.prefix": f"/r{n}" for n in range(30)}}),
    Service(
        "shop", "checked", {"service": "checked", "health.port": "9000", "health.path": "/"}, {"LISTEN": "8080,9000"}
    ),
    Service("shop", "controlled", {"service": "controlled", "targets": "controller"}),
)
"""``crashed`` has a claim although no release of it ever completed; ``root`` and ``rest`` have the same requests in two
spellings; ``checked`` is checked at a port that is not mapped."""
ON_PLATFORM = {"network": "platform"}
RESTLESS = (
    Service("shop", "orders", {**ON_PLATFORM, "service": "orders", "path.prefix": "/orders"}, is_open=True),
    Service("rivals", "invoices", {**ON_PLATFORM, "service": "orders", "path.prefix": "/invoices", "auth": "iam"}),
    Service("shop", "alone", {"service": "alone"}),
    Service("shop", "query", {**ON_PLATFORM, "service": "query", "path.exact": "/q?x=1"}),
    Service("shop", "controlled", {**ON_PLATFORM, "service": "controlled", "targets": "controller"}),
    Service("shop", "closed", {**ON_PLATFORM, "service": "closed", "ingress": "off"}),
    Service("shop", "wrong", {**ON_PLATFORM, "service": "wrong", "health.path": "/wrong"}, {"RESPOND": "/wrong=503"}),
    Service("shop", "deaf", {**ON_PLATFORM, "service": "deaf"}, {"LISTEN": "none"}),
    Service("shop", "crashed", {**ON_PLATFORM, "service": "orders", "path.prefix": "/c"}, {"CRASH_AFTER_SECONDS": "1"}),
)
"""``invoices`` is in conflict, ``alone`` in no network, ``query`` has a path that no request has; ``closed``, ``wrong`` and ``deaf`` were never healthy:
their attach was undone, and is remembered."""
ACCOUNTS = (
    Account("1ae38a0", dataclasses.replace(SETTINGS, sharing="account"), TENANTS, ("crashed",)),
    Account(
        "6ec07ad",
        dataclasses.replace(SETTINGS, sharing="account", default_networks=()),
        RESTLESS,
        ("invoices", "closed", "wrong", "deaf", "crashed"),
    ),
)


def steps(world: World, account: Account) -> list[Callable[[], object]]:
    """What people do, a quarter of an hour apart; each returns the ids that came of it."""
    deploying = (_deploying(world, service) for service in account.services)
    return [lambda: _prepare(world), *deploying, *[lambda: None] * 6]


def _ids_of_account(world: World) -> list[Any]:
    """The ids that the account itself gave."""
    subnets = sorted(world.ec2.describe_subnets()["Subnets"], key=lambda subnet: subnet["CidrBlock"])
    lists = sorted(world.ec2.describe_managed_prefix_lists()["PrefixLists"], key=lambda one: one["PrefixListName"])
    return [[[each["SubnetId"], each["VpcId"]] for each in subnets], [each["PrefixListId"] for each in lists]]


def _prepare(world: World) -> list[Any]:
    backend = lattice.backend()
    backend.quotas = dataclasses.replace(backend.quotas, rules_per_listener=100)
    for cluster in ("shop", "rivals"):
        world.make_cluster(cluster)
    return [*_ids_of_account(world), *(world.make_network(network) for network in ("platform", "public"))]


def _deploying(world: World, service: Service) -> Callable[[], object]:
    def deploy() -> list[Any]:
        labels = {**LISTENER, **{f"lattice.{key}": value for key, value in service.labels.items()}}
        name = f"tasks-{service.name}"
        new = open_group(world.ec2, name) if service.is_open else _closed_group(world, name)
        revision = world.register(labels, service.name, environment=dict(service.environment))
        arn = world.deploy(revision, service.name, service.cluster, 1, [new], deploymentConfiguration=BREAKER)
        return [new, [deployment["id"] for deployment in world.service(arn)["deployments"]]]

    return deploy


def _closed_group(world: World, name: str) -> str:
    return str(world.ec2.create_security_group(GroupName=name, Description="tasks")["GroupId"])


# What there is.


def state(world: World, account: Account) -> dict[str, Any]:
    """The routes, authentication, networks, idle timeouts and ports of everything that was live, by names."""
    backend = lattice.backend()
    graph = world.graph()
    for found in graph.values():
        for listener in found["listeners"].values():
            listener["rules"] = sorted(
                ([m, a] for m, a in listener["rules"] if not m.get("headerMatches")), key=json.dumps
            )
    of_services = {
        each.name: [each.auth_type, each.idle_timeout, each.custom_domain] for each in backend.services.values()
    }
    return {
        "graph": graph,
        "services": of_services,
        "ports": {service.name: _ports(world, service.name) for service in account.live},
        "lists": {service.name: _listed(world, service) for service in account.live},
    }


def _ports(world: World, name: str) -> list[list[int]]:
    groups: Any = [{"Name": "group-name", "Values": [f"tasks-{name}"]}]
    (group,) = world.ec2.describe_security_groups(Filters=groups)["SecurityGroups"]
    filters: Any = [{"Name": "group-id", "Values": [group["GroupId"]]}]
    rules = world.ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return sorted([rule["FromPort"], rule["ToPort"]] for rule in rules if not rule["IsEgress"])


def _listed(world: World, service: Service) -> list[str]:
    """The target groups of the ECS service's list, and how many deployments it ever had."""
    names = {group.arn: group.name for group in lattice.backend().target_groups.values()}
    found = world.ecs.describe_services(cluster=service.cluster, services=[service.name])["services"][0]
    entries = found["deployments"][0].get("vpcLatticeConfigurations", [])
    history = world.ecs.list_service_deployments(cluster=service.cluster, service=service.name)["serviceDeployments"]
    return [*sorted(names[entry["targetGroupArn"]] for entry in entries), str(len(history))]


def _handles(world: World, account: Account) -> dict[str, Any]:
    """The ids and addresses at the end that no answer named."""
    found = [
        world.ecs.describe_services(cluster=service.cluster, services=[service.name])["services"][0]
        for service in account.services
    ]
    for each in found:
        each["events"] = []
    groups_of_targets = sorted(lattice.backend().target_groups.values(), key=lambda group: group.name)
    return {
        "services": [[each["serviceArn"], [d["id"] for d in each["deployments"]]] for each in found],
        "targets": [[ip for ip, _ in group.targets] for group in groups_of_targets],
    }


# Recording.


class Recorder(World):
    """A world that keeps the write calls of the application, with their answers, between the steps."""

    def begin(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.is_working = False
        self.began = self.clock.time()
        perform = lattice.backend().perform

        def performed(operation: str, params: Mapping[str, Any], caller: str = "") -> Any:
            answer = perform(operation, params, caller)
            if self.is_working and caller != lattice.ECS and not operation.startswith(("Get", "List")):
                self._keep("lattice", operation, params, answer)
            return answer

        lattice.backend().perform = performed  # type: ignore[method-assign]
        for service, client in (("ecs", self.ecs), ("ec2", self.ec2)):
            client.meta.events.register(f"provide-client-params.{service}", self._kept(service))

    def _kept(self, service: str) -> Callable[..., None]:
        def keep(params: Mapping[str, Any], model: Any, **_: object) -> None:
            if self.is_working and not model.name.startswith(("Describe", "List", "Get")):
                self._keep(service, model.name, params, None)

        return keep

    def _keep(self, service: str, operation: str, parameters: Any, answer: Any) -> None:
        entry = {"at": self.clock.time() - self.began, "service": service, "operation": operation}
        self.entries.append({**entry, "parameters": json.loads(json.dumps(parameters, default=str)), "answer": answer})

    def step(self, number: int, do: Callable[[], object]) -> None:
        entry = {"at": self.clock.time() - self.began, "step": number}
        self.entries.append(entry)
        entry["answer"] = do()

    @contextmanager
    def working(self) -> Iterator[None]:
        self.is_working = True
        try:
            yield
        finally:
            self.is_working = False

    def _work(self, request: Any) -> None:
        with self.working():
            super()._work(request)

    def sweep(self) -> None:
        with self.working():
            self.resync.sweep(600)
        self._drain()


def record(account: Account) -> dict[str, Any]:
    with inprocess.started() as machine:
        world = Recorder(machine, account.settings)
        world.begin()
        for number, step in enumerate(steps(world, account)):
            world.step(number, step)
            world.run(900)
            world.sweep()
        world.run(60)
        _open_incident(world)
        items = world.dynamodb.scan(TableName=world.settings.table)["Items"]
        return {
            "entries": world.entries,
            "ended": world.clock.time() - world.began,
            "handles": _handles(world, account),
            "registry": items,
            "state": state(world, account),
        }


def _open_incident(world: World) -> None:
    """One that was told and is not over."""
    from ecs_lattice import codec
    from ecs_lattice.diagnosis.incidents import Incident

    now = world.clock.time()
    incident = Incident("alarm-of-orders", "ALARM", now - 600, ("ALARM",), now - 600, occurrences=1, notified=True,
                        notified_state="ALARM", notified_at=now - 590)  # fmt: skip
    world.registry.put_document("incident", incident.key, codec.dumps(incident))


# Restoring.


def recorded(account: Account) -> dict[str, Any]:
    return dict(json.loads(account.file.read_text()))


def restore(world: World, account: Account, then: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make the recorded account again in an empty world, and return the items of its registry."""
    began, ids = world.clock.time(), dict[str, str]()
    world.chaos.lose = 1.0
    people = steps(world, account)
    for entry in then["entries"]:
        world.clock.advance(max(0.0, began + entry["at"] - world.clock.time()))
        answer = people[entry["step"]]() if "step" in entry else _call(world, entry, ids)
        ids |= _pairs(entry["answer"], answer)
    world.clock.advance(began + then["ended"] - world.clock.time())
    ids |= _pairs(then["handles"], json.loads(json.dumps(_handles(world, account))))
    world._events.clear()
    world.chaos.lose = 0.0
    return list(json.loads(_replaced(json.dumps(then["registry"]), ids)))


def _call(world: World, entry: Mapping[str, Any], ids: Mapping[str, str]) -> Any:
    parameters = json.loads(_replaced(json.dumps(entry["parameters"]), ids))
    if entry["service"] == "lattice":
        return json.loads(json.dumps(lattice.backend().perform(entry["operation"], parameters), default=str))
    getattr(getattr(world, entry["service"]), xform_name(entry["operation"]))(**parameters)
    return None


def _pairs(old: Any, new: Any) -> dict[str, str]:
    """Old id to new id, from two values of the same shape."""
    if isinstance(old, str) and isinstance(new, str):
        return {a: b for a, b in zip(_ID.findall(old), _ID.findall(new), strict=False) if a != b}
    children: Any = ()
    if isinstance(old, dict) and isinstance(new, dict):
        children = [(value, new.get(key)) for key, value in old.items()]
    elif isinstance(old, list) and isinstance(new, list):
        children = zip(old, new, strict=False)
    pairs: dict[str, str] = {}
    for one, other in children:
        pairs |= _pairs(one, other)
    return pairs


def _replaced(text: str, ids: Mapping[str, str]) -> str:
    return _ID.sub(lambda found: ids.get(found[0], found[0]), text)


if __name__ == "__main__":
    recording = next(account for account in ACCOUNTS if account.commit == sys.argv[1])
    recording.file.write_text(json.dumps(record(recording), default=str, sort_keys=True) + "\n")
