"""The story: deploy, update, change a route, become unhealthy, delete. Each chapter acts once and waits for the result."""

from collections.abc import Callable
from dataclasses import dataclass, field

from local_aws.demo import traffic, unhealthy
from local_aws.demo.graph import Graph
from local_aws.demo.machine import Machine, example_template
from local_aws.demo.view import View

SERVICE, STREAM = "file-transfer", "file-transfer-stream"
CLUSTER = "transfer"
DOMAIN = "transfer.example.com"
_LIMIT_SECONDS = 40.0  # of real time, for one step
# Replaces the example's image on the local AWS: which of its ports speaks TLS.
_LOCAL_ENVIRONMENT = "          Environment: [{ Name: TLS_PORTS, Value: '8443' }]\n          PortMappings:\n"


class StepFailedError(RuntimeError):
    """A step failed; the text is the step."""


@dataclass
class Story:
    """The chapters, in order. The first failing step ends it; ``failed`` holds the step and what is known about the cause."""

    machine: Machine
    view: View
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._caller = traffic.Caller(self.machine.aws.lattice_url)
        self._template = example_template().replace("          PortMappings:\n", _LOCAL_ENVIRONMENT, 1)
        self._parameters = self._stack_parameters()
        subnets = self._parameters["SubnetIds"].split(",")
        self._unhealthy = unhealthy.UnhealthyService(self.machine, CLUSTER, subnets, self._parameters["VpcId"])

    def play(self) -> list[str]:
        """Play all chapters; return what failed, nothing if all steps succeeded."""
        self._caller.start()
        try:
            self._deploy()
            self._update()
            self._change_a_route()
            self._become_unhealthy()
            self._delete()
        except StepFailedError as step:
            self.failed += [str(step), *sorted(set(self._caller.failures)), *self.machine.failed()]
            self.view.graph(self.machine.graph(), None)
            self.view.activity(self.machine.happened())
        finally:
            self._caller.stop()
        return self.failed

    def _deploy(self) -> None:
        self._begin(
            1,
            "Deploy the service",
            "examples/file-transfer, with CloudFormation: one ECS service with an admin UI, an API and a TLS\n"
            "port. Its security group has no inbound rule.",
        )
        self.machine.deploy(self._template, self._parameters)
        self._wait("the service's own deployment completes", lambda: self._succeeded(1))
        self._wait("a second deployment registers its tasks in VPC Lattice's target groups", lambda: self._succeeded(2))
        rules = unhealthy.rules(self.machine, self._group())
        self._check(
            "ecs-lattice opened its security group for VPC Lattice before that",
            [rule.ports for rule in rules if rule.owner] == ["8080-8081", "8443"],
        )
        self._wait("the routes receive traffic", lambda: self._live() == {"admin", "api", "transfer"})
        self._wait("all targets pass their health checks", self._all_healthy)
        self._wait(
            "no rule is parked any longer", lambda: not any(rule.parked for _, rule in self.machine.graph().rules())
        )
        self._check(
            "there was exactly one additional deployment, and both are SUCCESSFUL",
            self._statuses() == ["SUCCESSFUL"] * 2,
        )
        self._send_requests()
        self.view.rules(self._group(), rules)
        self._end()

    def _update(self) -> None:
        self._begin(
            2, "Roll out a new version", "Another image. A client keeps sending requests while ECS replaces the tasks."
        )
        self._watch("/", f"{self._parameters['ApiPath']}/files")
        rules = list(self.machine.graph().rules())
        self._parameters["Image"] = "example.com/file-transfer:2"
        self.machine.deploy(self._template, self._parameters, update=True)
        self._wait("the new version's deployment completes", lambda: self._succeeded(3))
        self._wait("the old tasks have drained", lambda: self._all_healthy() and self._target_count() == 6)
        self._check("no rule changed", list(self.machine.graph().rules()) == rules and self.machine.written() == [])
        self._no_request_failed()
        self._end()

    def _change_a_route(self) -> None:
        old, new = self._parameters["ApiPath"], "/v2"
        self._begin(
            3,
            "Change a route",
            f"The label lattice.routes.api.path.prefix: {old} becomes {new}. The client keeps sending requests.",
        )
        self._caller.unwatch(self._host(), f"{old}/files")
        self._parameters["ApiPath"] = new
        self.machine.deploy(self._template, self._parameters, update=True)
        self._wait("the deployment completes; the old path works until then", lambda: self._succeeded(4))
        self._wait(
            f"the API responds at {new}",
            lambda: self._get(f"{new}/files")[0] == 200 and "8081" in self._get(f"{new}/files")[1],
        )
        self._wait("the old tasks have drained", lambda: self._all_healthy() and self._target_count() == 6)
        self._check("one rule changed, with one call", self.machine.written() == [("lattice_service", "UpdateRule")])
        self._no_request_failed()
        self._end()

    def _become_unhealthy(self) -> None:
        self._begin(
            4,
            "A service becomes unhealthy",
            "The owner of the security group of ECS service orders revokes its rule, and lattice.ingress is off.",
        )
        orders = self._unhealthy
        orders.create()
        self._wait("its route is live while the rule is there", orders.is_live)
        orders.close()
        self._wait(
            "its targets become UNHEALTHY, because the security group stays closed",
            lambda: "UNHEALTHY" in orders.statuses(),
        )
        self._check("ecs-lattice added no security group rule", unhealthy.rules(self.machine, orders.group) == [])
        self._wait("an alarm fires, and an email gives the cause", lambda: orders.message("ALARM") is not None)
        mail = orders.message("ALARM") or {}
        self.view.mail(mail["subject"], unhealthy.shortened(mail["body"], 92))
        self.view.console.print()
        self._check(
            "the first cause is PREFIX_LIST_RULE_MISSING",
            unhealthy.first_cause(mail["body"]) == "PREFIX_LIST_RULE_MISSING",
        )
        failure = orders.run(unhealthy.first_command(mail["body"]))
        self._check(f"the command in the email succeeds as printed{failure and f': {failure}'}", not failure)
        self._wait("its targets become HEALTHY", lambda: orders.statuses() == {"HEALTHY"})
        self._wait("a second email reports the recovery", lambda: orders.message("OK") is not None)
        over = orders.message("OK") or {}
        self.view.mail(over["subject"], unhealthy.shortened(over["body"], 92))
        self.view.rules(orders.group, unhealthy.rules(self.machine, orders.group))
        self.view.activity(self.machine.happened())

    def _delete(self) -> None:
        self._begin(5, "Delete the services", "file-transfer with its CloudFormation stack, orders with the ECS API.")
        self._caller.unwatch(self._host(), "/")
        self._unhealthy.delete()
        self.machine.delete()
        self._wait("the rules and target groups are deleted", lambda: self._is_empty(self.machine.graph()))
        self._check(
            "the Lattice services remain, because a deleted DNS name cannot be restored",
            len(self.machine.graph().services) == 3,
        )
        self._check("no function failed, and the dead-letter queues are empty", not self.machine.failed())
        self._end(deleted=True)

    # The parts of a chapter.

    def _begin(self, number: int, title: str, text: str) -> None:
        self.machine.mark()
        self.view.chapter(number, title, text)

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        self._check(what, self.view.waiting(what, lambda: self.machine.until(condition, _LIMIT_SECONDS)))

    def _check(self, what: str, ok: bool) -> None:
        self.view.step(ok, what)
        if not ok:
            raise StepFailedError(what)

    def _end(self, *, deleted: bool = False) -> None:
        self.view.graph(self.machine.graph(), None if deleted else self.machine.service())
        self.view.activity(self.machine.happened())

    # What is the case now.

    def _succeeded(self, count: int) -> bool:
        return len(self._statuses()) >= count and set(self._statuses()) == {"SUCCESSFUL"}

    def _statuses(self) -> list[str]:
        return self.machine.deployments()

    def _live(self) -> set[str]:
        """The routes that receive traffic, told apart by their rules."""
        live = set()
        for where, rule in self.machine.graph().rules():
            if rule.forwards and not rule.parked:
                default = rule.priority is None
                live.add("transfer" if where.startswith(STREAM) else "admin" if default else "api")
        return live

    def _all_healthy(self) -> bool:
        statuses = {status for group in self.machine.graph().groups for _, _, status in group.targets}
        return bool(statuses) and statuses <= {"HEALTHY", "UNAVAILABLE"}

    def _target_count(self) -> int:
        return sum(len(group.targets) for group in self.machine.graph().groups)

    @staticmethod
    def _is_empty(graph: Graph) -> bool:
        return not graph.groups and all(rule.fixed == 404 for _, rule in graph.rules())

    def _group(self) -> str:
        return self.machine.resource("AWS::EC2::SecurityGroup")

    def _host(self) -> str:
        return next(service.domain for service in self.machine.graph().services if service.name == SERVICE)

    def _get(self, path: str) -> tuple[int, str]:
        return traffic.get(self.machine.aws.lattice_url, self._host(), path)

    def _send_requests(self) -> None:
        for path, port in (("/", 8080), (f"{self._parameters['ApiPath']}/files", 8081)):
            status, body = self._get(path)
            self._check(
                f"GET {path} through VPC Lattice returns {status} from port {port}", status == 200 and str(port) in body
            )
        answer = traffic.echo(self.machine.aws.lattice_tls_port, DOMAIN, "hello")
        self._check(f"a WebSocket over TLS to {DOMAIN} echoes {answer!r}", answer == "hello")

    def _watch(self, *paths: str) -> None:
        for path in paths:
            self._caller.watch(self._host(), path)

    def _no_request_failed(self) -> None:
        count = sum(self._caller.requests.values())
        self._check(f"{count} requests so far, all successful", count > 0 and not self._caller.failures)

    def _stack_parameters(self) -> dict[str, str]:
        ec2 = self.machine.aws.client("ec2")
        vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        return {
            "VpcId": vpc,
            "SubnetIds": ",".join(sorted(subnet["SubnetId"] for subnet in subnets)[:2]),
            "Image": "example.com/file-transfer:1",
            "TransferDomain": DOMAIN,
            "ApiPath": "/api",
        }
