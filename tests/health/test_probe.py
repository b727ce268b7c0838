"""One run of the probe: what it reads, what it publishes, and what it reports of what it could not read."""

from dataclasses import dataclass, field

import pytest

from ecs_lattice import drift_limit
from ecs_lattice.errors import AlarmsError, DeniedError, InvalidError, UnavailableError
from ecs_lattice.facts import Container, Task
from ecs_lattice.health.alarm_sync import AlarmSync
from ecs_lattice.health.alarms import desired
from ecs_lattice.health.probe import Probe
from tests.health.making import GROUP, NOW, FakeAlarms, FakeMetrics, FakeTime, a_deployment, a_record, a_service, group


@dataclass
class Surroundings:
    """Everything around a probe, as dictionaries."""

    records: list = field(default_factory=list)
    targets: dict = field(default_factory=dict)
    services: dict = field(default_factory=dict)
    documents: dict = field(default_factory=lambda: {("stack", "marker"): "{}"})
    tasks: dict = field(default_factory=dict)
    enqueued: list = field(default_factory=list)
    asked_for_tasks: list = field(default_factory=list)
    broken: set = field(default_factory=set)
    listed: list = field(default_factory=list)
    described: list = field(default_factory=list)
    seconds_a_call: float = 0.0
    time: FakeTime = field(default_factory=FakeTime)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    alarms: FakeAlarms = field(default_factory=FakeAlarms)

    def claims(self):
        if "registry" in self.broken:
            raise UnavailableError("Scan", "InternalServerError", "later")
        return iter(self.records)

    def document(self, kind, key):
        return self.documents.get((kind, key))

    def documents_of(self, kind, keys):
        return {key: self.documents[kind, key] for key in keys if (kind, key) in self.documents}

    def put_document(self, kind, key, text, *, expires_at=None):
        self.documents[kind, key] = text

    def delete_document(self, kind, key):
        del self.documents[kind, key]

    def statuses(self, group_arn):
        self.time.time += self.seconds_a_call
        self.listed.append(group_arn)
        if group_arn in self.broken:
            raise DeniedError("ListTargets", "AccessDeniedException", "no")
        return tuple(self.targets.get(group_arn, ()))

    def services_of(self, ids):
        self.described.append(tuple(ids))
        if "ecs" in self.broken:
            raise UnavailableError("DescribeServices", "ServerException", "later")
        return tuple(self.services[one] for one in ids if one in self.services)

    def enqueue(self, requests):
        if "queue" in self.broken:
            raise UnavailableError("SendMessageBatch", "InternalError", "later")
        self.enqueued += [(request.kind, request.key) for request in requests]

    def tasks_of(self, service):
        self.asked_for_tasks.append(service.arn)
        if "tasks" in self.broken:
            raise UnavailableError("ListTasks", "ServerException", "later")
        return tuple(self.tasks.get(service, ()))

    def run(self, seconds=50.0):
        self.asked_for_tasks.clear()
        self.listed.clear()
        self.described.clear()
        self.metrics.published.clear()
        self.metrics.members.clear()
        self.metrics.zeros.clear()
        alarm_sync = AlarmSync("stack", "lattice", self.alarms, self.time.now, self.time.sleep)

        class Ecs:
            services = staticmethod(self.services_of)
            tasks = staticmethod(self.tasks_of)

        probe = Probe(
            "stack", self, self, Ecs(), self, self.metrics, alarm_sync, self.time.now, self.time.sleep, threads=1
        )
        return probe.run(seconds)


def with_service(*records, **service) -> Surroundings:
    around = Surroundings(list(records))
    for record in records:
        name, cluster = record.claim.service.name, record.claim.service.cluster
        around.services[record.claim.service] = a_service(name=name, cluster=cluster, **service)
    return around


def test_a_healthy_route_costs_one_call_and_no_metric():
    around = with_service(a_record())
    around.targets[GROUP] = ["HEALTHY", "HEALTHY"]
    around.alarms.there = desired("stack", "lattice", around.records)
    done = around.run()
    assert around.metrics.published[0] == (
        {"LatticeService": "orders", "EcsService": "shop/orders", "Route": "default"},
        {},
    )
    assert around.metrics.zeros == []
    assert ("probe", "series") not in around.documents
    assert around.metrics.beside() == {"Healthy": 2.0}
    assert around.metrics.of_stack == {"Heartbeat": 1.0}
    assert around.metrics.beside_of_stack == {"Routes": 1.0, "Unknown": 0.0}
    assert (around.listed, around.described) == ([GROUP], [])
    assert (done.routes, done.impaired, done.unknown, done.not_reached, dict(done.unread)) == (1, 0, 0, 0, {})


def test_a_live_route_without_targets_is_impaired():
    around = with_service(a_record())
    assert around.run().impaired == 1
    assert around.metrics.of_route() == {"Impaired": 1.0}


def test_a_service_that_is_scaled_to_zero_is_not_impaired():
    around = with_service(a_record(), desired=0)
    assert around.run().impaired == 0
    assert around.metrics.of_route() == {}


def test_a_new_alarm_has_zeros_from_its_first_minute_on():
    around = with_service(a_record())
    around.targets[GROUP] = ["HEALTHY"]
    around.run()
    ((dimensions, at),) = around.metrics.zeros
    assert (dimensions["Route"], at) == ("default", NOW)
    around.time.time += 60
    around.run()
    assert (around.metrics.of_route(), around.metrics.zeros) == ({"Impaired": 0.0}, [])


def test_the_first_impaired_minute_brings_the_zeros_before_it():
    around = with_service(a_record())
    around.alarms.there = desired("stack", "lattice", around.records)
    around.targets[GROUP] = ["UNHEALTHY"]
    around.run()
    assert around.metrics.of_route() == {"Impaired": 1.0}
    assert [at - NOW for _, at in around.metrics.zeros] == [-300, -240, -180, -120, -60]
    around.time.time += 60
    around.run()
    assert (around.metrics.of_route(), around.metrics.zeros) == ({"Impaired": 1.0}, [])


def test_alarms_that_cannot_be_read_hold_no_metric_of_the_minute_back():
    around = with_service(a_record())
    around.targets[GROUP] = ["UNHEALTHY"]
    around.alarms.errors["with_prefix"] = [InterruptedError()]
    with pytest.raises(InterruptedError):
        around.run()
    assert around.metrics.of_route() == {"Impaired": 1.0}
    assert around.metrics.of_stack == {"Heartbeat": 1.0}


def test_what_could_not_be_read_is_unknown_and_never_zero():
    around = with_service(a_record(), a_record(name="other", group_arn=group(2)))
    around.targets[group(2)] = ["HEALTHY"]
    around.broken.add(GROUP)
    done = around.run()
    assert around.metrics.of_route() == {}
    assert around.metrics.beside() == {"Unknown": 1.0}
    assert around.metrics.of_route(service="shop/other") == {}
    assert around.metrics.beside(service="shop/other") == {"Healthy": 1.0}
    assert around.metrics.beside_of_stack == {"Routes": 2.0, "Unknown": 1.0}
    assert done.unread == {"tg-00000000000000001": "ListTargets: AccessDeniedException: no"}


def test_when_ecs_cannot_be_asked_nothing_is_concluded():
    around = with_service(a_record())
    around.targets[GROUP] = ["UNHEALTHY"]
    around.broken.add("ecs")
    done = around.run()
    assert around.metrics.of_route() == {}
    assert around.metrics.beside() == {"Healthy": 0.0, "Unhealthy": 1.0, "Unknown": 1.0}
    assert (done.impaired, done.unknown) == (0, 1)
    assert done.unread == {"shop/orders": "DescribeServices: ServerException: later"}


def test_a_registry_that_cannot_be_read_publishes_nothing_not_even_a_heartbeat():
    around = with_service(a_record())
    around.broken.add("registry")
    with pytest.raises(UnavailableError):
        around.run()
    assert around.metrics.published == []
    assert around.alarms.calls == []


def test_two_routes_that_share_a_group_cost_one_call_and_each_has_its_own_metrics():
    around = with_service(a_record(), a_record("Wired", name="orders", lattice_service="second", named=True))
    around.services = {record.claim.service: a_service(desired=2) for record in around.records}
    around.targets[GROUP] = ["INITIAL"]
    around.run()
    assert around.listed == [GROUP]
    assert len(around.described) == 1
    by_service = {dimensions.get("LatticeService"): values for dimensions, values in around.metrics.published}
    assert by_service["orders"] == by_service["second"] == {"Impaired": 1.0}


def test_a_foreign_group_is_probed_too():
    around = with_service(a_record("Pending", group_arn=None, own_group=group(7)))
    around.targets[group(7)] = ["HEALTHY"]
    around.run()
    assert around.listed == [group(7)]
    assert around.metrics.beside()["Healthy"] == 1.0


@pytest.mark.parametrize(
    "record", [a_record("Pending", group_arn=None), a_record("Wired"), a_record("Removed", live_as="x")]
)
def test_a_route_without_a_group_has_no_metrics(record):
    around = with_service(record)
    assert around.run().routes == 0
    assert around.metrics.beside_of_stack["Routes"] == 0.0
    assert around.listed == []


def test_ecs_is_asked_for_ten_services_of_one_cluster_at_a_time_and_only_where_necessary():
    records = [
        a_record(name=f"s{n:02}", cluster=c, group_arn=group(n + 50 * (c == "b"))) for c in "ab" for n in range(12)
    ]
    around = with_service(*records)
    around.targets = {group(n): ["HEALTHY"] for n in range(5)}
    around.run()
    assert [len(batch) for batch in around.described] == [7, 10, 2]
    assert all(len({one.cluster for one in batch}) == 1 for batch in around.described)


def test_a_run_that_was_too_short_publishes_what_it_has_and_the_next_one_starts_with_the_rest():
    around = with_service(*(a_record(name=f"s{n}", group_arn=group(n)) for n in range(10)))
    around.targets = {group(n): ["HEALTHY"] for n in range(10)}
    around.seconds_a_call = 5.0
    done = around.run(50)
    assert around.listed == [group(n) for n in range(7)]
    assert (done.unknown, done.not_reached, done.impaired) == (3, 3, 0)
    assert around.metrics.beside_of_stack == {"Routes": 10.0, "Unknown": 3.0}
    around.run(50)
    assert around.listed == [group(n) for n in (7, 8, 9, 0, 1, 2, 3)]
    around.seconds_a_call = 0.0
    assert around.run(50).not_reached == 0
    assert ("probe", "not-reached") not in around.documents


def test_alarms_are_synchronized_in_every_run_and_deleted_only_when_the_table_is_known_to_be_complete():
    around = with_service(a_record())
    around.targets[GROUP] = ["HEALTHY"]
    around.run()
    assert list(around.alarms.there) == ["ecs-lattice/stack/orders/shop/orders/default"]
    marker = around.documents.pop(("stack", "marker"))
    around.records.clear()
    around.run()
    assert len(around.alarms.there) == 1
    around.documents["stack", "marker"] = marker
    assert around.run().alarms.deleted == 1
    assert around.alarms.there == {}


def test_alarms_that_aws_rejects_are_an_error_of_the_function_after_the_metrics_are_published():
    around = with_service(a_record())
    around.alarms.errors["put"] = [InvalidError("PutMetricAlarm", "ValidationError", "too long")]
    done = around.run()
    assert around.metrics.of_stack["Heartbeat"] == 1.0
    with pytest.raises(AlarmsError, match="too long"):
        done.raise_for_alarms()
    around.run().raise_for_alarms()


def crashed(ago, exit_code=1, deployment="ecs-svc/1"):
    containers = (Container("app", exit_code),)
    return Task(
        "task/1", "orders:1", deployment, "STOPPED", "STOPPED", stopped_at=NOW - ago,
        stop_code="EssentialContainerExited", containers=containers,
    )  # fmt: skip


def restarting():
    around = with_service(a_record())
    around.targets[GROUP] = ["HEALTHY", "HEALTHY", "DRAINING"]
    (service,) = around.services
    around.tasks[service] = [crashed(ago) for ago in (30, 160, 290)]
    return around, service


def test_a_service_that_restarts_tasks_is_impaired_though_its_targets_are_healthy_and_until_it_has_stopped_to():
    around, service = restarting()
    assert around.run().impaired == 1
    around.targets[GROUP] = ["HEALTHY", "HEALTHY"]  # in most minutes
    assert around.run().impaired == 1
    around.broken = {"tasks"}
    assert around.run().impaired == 1  # as it was
    around.broken = set()
    around.tasks[service] = [crashed(ago) for ago in (640, 770, 901)]
    assert around.run().impaired == 0
    around.run()
    assert around.asked_for_tasks == []


@pytest.mark.parametrize("what", [{"exit_code": 0}, {"deployment": "ecs-svc/2"}])
def test_a_clean_exit_and_a_task_of_another_deployment_are_no_restarts(what):
    around, service = restarting()
    around.tasks[service] = [crashed(ago, **what) for ago in (30, 160, 290)]
    assert around.run().impaired == 0
    assert around.asked_for_tasks == [service.arn]


def test_restarts_during_a_deployment_do_not_count():
    around, service = restarting()
    around.services[service] = a_service(a_deployment(rollout="IN_PROGRESS"))
    assert around.run().impaired == 0


def test_the_tasks_of_at_most_twenty_services_are_read_a_minute_and_of_others_in_the_next():
    records = [a_record(name=f"s{number}", group_arn=group(number)) for number in range(1, 51)]
    around = with_service(*records)
    around.targets = {group(number): ["HEALTHY", "DRAINING"] for number in range(1, 51)}
    seen = set()
    for _ in range(5):
        around.run()
        assert len(around.asked_for_tasks) <= 20
        seen |= set(around.asked_for_tasks)
        around.time.time += 60
    assert len(seen) == 50


def test_what_is_remembered_of_a_service_that_is_gone_is_forgotten():
    around, _ = restarting()
    around.run()
    around.records = []
    around.run()
    assert around.documents["probe", "restarting"] == "[]"


def test_a_lattice_service_is_reconciled_when_a_route_becomes_impaired_and_then_at_doubling_distance():
    around = with_service(a_record())
    around.targets[GROUP] = ["UNUSED"]
    began, times = around.time.time, []
    for _ in range(60):
        around.enqueued.clear()
        around.run()
        times += [around.time.time - began for _ in around.enqueued]
        around.time.time += 60
    assert times == [0, 300, 900, 2100]
    around.targets[GROUP] = ["HEALTHY"]
    around.time.time += 3600
    around.targets[GROUP] = ["UNUSED"]  # anew: the distances begin anew
    began, times = around.time.time, []
    for _ in range(20):
        around.enqueued.clear()
        around.run()
        times += [around.time.time - began for _ in around.enqueued]
        around.time.time += 60
    assert times == [0, 300, 900]


def test_the_probe_and_calls_of_others_share_one_limit():
    around = with_service(a_record())
    around.targets[GROUP] = ["UNUSED"]
    drift_limit.remember(around, "orders", drift_limit.Asked(NOW - 200))
    around.run()
    assert around.enqueued == []
    around.time.time += 100
    around.run()
    assert around.enqueued == [("latticeService", "orders")]
    (asked,) = drift_limit.asked(around, ["orders"]).values()
    assert asked.by_call(NOW + 101) == drift_limit.Asked(NOW + 400)


def test_what_was_remembered_before_the_probe_kept_to_it_is_still_understood():
    around = with_service(a_record())
    around.documents["drift", "orders"] = str(NOW - 10.5)
    assert drift_limit.asked(around, ["orders", "other"]) == {
        "orders": drift_limit.Asked(NOW - 10.5),
        "other": drift_limit.Asked(),
    }


def test_at_most_a_hundred_lattice_services_are_asked_for_in_a_minute_and_the_others_in_the_next():
    around = with_service(*(a_record(lattice_service=f"s{number:03}") for number in range(150)))
    around.targets[GROUP] = ["UNUSED"]
    around.run()
    assert len(around.enqueued) == 100
    around.time.time += 60
    around.run()
    assert len({key for _, key in around.enqueued}) == len(around.enqueued) == 150


def test_a_route_that_flaps_costs_one_request_in_five_minutes():
    around = with_service(a_record())
    for number in range(10):
        around.targets[GROUP] = ["UNUSED"] if number % 2 else ["HEALTHY"]
        around.run()
        around.time.time += 30
    assert around.enqueued == [("latticeService", "orders")]


def test_a_queue_that_fails_keeps_neither_the_metrics_nor_the_heartbeat_nor_the_alarms_back():
    around = with_service(a_record())
    around.targets[GROUP] = ["UNUSED"]
    around.run()
    whole, alarms = list(around.metrics.published), dict(around.alarms.there)
    around = with_service(a_record())
    around.targets[GROUP], around.broken = ["UNUSED"], {"queue"}
    with pytest.raises(UnavailableError):
        around.run()
    assert around.metrics.published == whole
    assert around.alarms.there == alarms != {}
