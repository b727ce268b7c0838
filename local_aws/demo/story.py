"""The story: deploy, roll, change a route, fall ill, delete. Each chapter does one thing and waits until what should follow has."""

from collections.abc import Callable
from dataclasses import dataclass, field

from local_aws.demo import ailing, traffic
from local_aws.demo.graph import Graph
from local_aws.demo.machine import Machine, example_template
from local_aws.demo.view import View

SERVICE, STREAM = "file-transfer", "file-transfer-stream"
CLUSTER = "transfer"
DOMAIN = "transfer.example.com"
_LIMIT_SECONDS = 40.0  # of real time, for one step
# What makes the example's image up on the local AWS: which of its ports speaks TLS.
_LOCAL_ENVIRONMENT = "          Environment: [{ Name: TLS_PORTS, Value: '8443' }]\n          PortMappings:\n"


class StepFailedError(RuntimeError):
    """A step did not become as it should; the text is the step."""


@dataclass
class Story:
    """The chapters, in order. The first step that fails ends it; ``failed`` says what and what is known of the cause."""

    machine: Machine
    view: View
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._caller = traffic.Caller(self.machine.aws.lattice_url)
        self._template = example_template().replace("          PortMappings:\n", _LOCAL_ENVIRONMENT, 1)
        self._parameters = self._stack_parameters()
        subnets = self._parameters["SubnetIds"].split(",")
        self._ill = ailing.Ailing(self.machine, CLUSTER, subnets, self._parameters["VpcId"])

    def play(self) -> list[str]:
        """All chapters; what failed, nothing if all went well."""
        self._caller.start()
        try:
            self._deploys()
            self._rolls()
            self._changes_a_route()
            self._falls_ill()
            self._goes()
        except StepFailedError as step:
            self.failed += [str(step), *sorted(set(self._caller.wrong)), *self.machine.failed()]
            self.view.there_is(self.machine.graph(), None)
            self.view.made_by(self.machine.happened())
        finally:
            self._caller.stop()
        return self.failed

    def _deploys(self) -> None:
        self._begin(
            1,
            "The service is deployed",
            "examples/file-transfer, by CloudFormation: one ECS service with an admin UI, an API and a TLS port.\n"
            "Its security group lets nobody in.",
        )
        self.machine.deploy(self._template, self._parameters)
        self._wait("its own deployment completes", lambda: self._succeeded(1))
        self._wait("a second deployment hands its tasks to Lattice's target groups", lambda: self._succeeded(2))
        rules = ailing.rules(self.machine, self._group())
        self._check(
            "before that its security group was opened for VPC Lattice",
            [rule.ports for rule in rules if rule.owner] == ["8080-8081", "8443"],
        )
        self._wait("the routes go live", lambda: self._live() == {"admin", "api", "transfer"})
        self._wait("every target answers its health check", self._all_answer)
        self._wait(
            "no rule is parked any more", lambda: not any(rule.parked for _, rule in self.machine.graph().rules())
        )
        self._check(
            "exactly one deployment more than its own, and both ended SUCCESSFUL",
            self._statuses() == ["SUCCESSFUL"] * 2,
        )
        self._ask()
        self.view.rules(self._group(), rules)
        self._end()

    def _rolls(self) -> None:
        self._begin(2, "A new version rolls out", "Another image; a client keeps asking while the tasks are replaced.")
        self._watch("/", f"{self._parameters['ApiPath']}/files")
        rules = list(self.machine.graph().rules())
        self._parameters["Image"] = "example.com/file-transfer:2"
        self.machine.deploy(self._template, self._parameters, update=True)
        self._wait("the new version's deployment completes", lambda: self._succeeded(3))
        self._wait("the old tasks have drained", lambda: self._all_answer() and self._target_count() == 6)
        self._check("no rule changed", list(self.machine.graph().rules()) == rules and self.machine.written() == [])
        self._no_wrong_answer()
        self._end()

    def _changes_a_route(self) -> None:
        old, new = self._parameters["ApiPath"], "/v2"
        self._begin(
            3,
            "A route changes",
            f"The label lattice.routes.api.path.prefix: {old} becomes {new}. The client keeps asking.",
        )
        self._caller.unwatch(self._host(), f"{old}/files")
        self._parameters["ApiPath"] = new
        self.machine.deploy(self._template, self._parameters, update=True)
        self._wait("the deployment completes; until then the old path answers", lambda: self._succeeded(4))
        self._wait(
            f"the API answers on {new}",
            lambda: self._get(f"{new}/files")[0] == 200 and "8081" in self._get(f"{new}/files")[1],
        )
        self._wait("the old tasks have drained", lambda: self._all_answer() and self._target_count() == 6)
        self._check("one rule changed, in one call", self.machine.written() == [("lattice_service", "UpdateRule")])
        self._no_wrong_answer()
        self._end()

    def _falls_ill(self) -> None:
        self._begin(
            4,
            "A service falls ill",
            "The security group of ECS service orders lets nobody in, and its label says lattice.ingress: off.",
        )
        ill = self._ill
        ill.subscribe("oncall@example.com")
        ill.create()
        self._wait("its tasks are UNHEALTHY: nobody opened the group", lambda: "UNHEALTHY" in ill.statuses())
        self._check("no rule was added", ailing.rules(self.machine, ill.group) == [])
        self._wait("an alarm goes off, and a mail says why", lambda: ill.message("ALARM") is not None)
        mail = ill.message("ALARM") or {}
        self.view.mail(mail["subject"], ailing.shortened(mail["body"], 92))
        self.view.console.print()
        self._check(
            "its first cause is PREFIX_LIST_RULE_MISSING",
            ailing.first_cause(mail["body"]) == "PREFIX_LIST_RULE_MISSING",
        )
        failure = ill.run(ailing.first_command(mail["body"]))
        self._check(f"the command, run as it is printed, succeeds{failure and f': {failure}'}", not failure)
        self._wait("its tasks are HEALTHY", lambda: ill.statuses() == {"HEALTHY"})
        self._wait("a second mail says that it is over", lambda: ill.message("OK") is not None)
        over = ill.message("OK") or {}
        self.view.mail(over["subject"], ailing.shortened(over["body"], 92))
        self.view.rules(ill.group, ailing.rules(self.machine, ill.group))
        self.view.made_by(self.machine.happened())

    def _goes(self) -> None:
        self._begin(5, "The services are deleted", "One by deleting its CloudFormation stack, orders by the API.")
        self._caller.unwatch(self._host(), "/")
        self._ill.delete()
        self.machine.delete()
        self._wait("rules and target groups are taken away", lambda: self._is_bare(self.machine.graph()))
        self._check(
            "the Lattice services keep their names, since a DNS name never comes back",
            len(self.machine.graph().services) == 3,
        )
        self._check(
            "no function failed in all this, and no message is in a dead-letter queue", not self.machine.failed()
        )
        self._end(deleted=True)

    # How a chapter begins, waits, checks and ends.

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
        self.view.there_is(self.machine.graph(), None if deleted else self.machine.service())
        self.view.made_by(self.machine.happened())

    # Questions.

    def _succeeded(self, count: int) -> bool:
        return len(self._statuses()) >= count and set(self._statuses()) == {"SUCCESSFUL"}

    def _statuses(self) -> list[str]:
        return self.machine.deployments()

    def _live(self) -> set[str]:
        """Routes that take traffic, by what their rule is like."""
        live = set()
        for where, rule in self.machine.graph().rules():
            if rule.forwards and not rule.parked:
                default = rule.priority is None
                live.add("transfer" if where.startswith(STREAM) else "admin" if default else "api")
        return live

    def _all_answer(self) -> bool:
        statuses = {status for group in self.machine.graph().groups for _, _, status in group.targets}
        return bool(statuses) and statuses <= {"HEALTHY", "UNAVAILABLE"}

    def _target_count(self) -> int:
        return sum(len(group.targets) for group in self.machine.graph().groups)

    @staticmethod
    def _is_bare(graph: Graph) -> bool:
        return not graph.groups and all(rule.fixed == 404 for _, rule in graph.rules())

    def _group(self) -> str:
        return self.machine.resource("AWS::EC2::SecurityGroup")

    def _host(self) -> str:
        return next(service.domain for service in self.machine.graph().services if service.name == SERVICE)

    def _get(self, path: str) -> tuple[int, str]:
        return traffic.get(self.machine.aws.lattice_url, self._host(), path)

    def _ask(self) -> None:
        for path, port in (("/", 8080), (f"{self._parameters['ApiPath']}/files", 8081)):
            status, body = self._get(path)
            self._check(
                f"GET {path} through Lattice is answered {status} by port {port}", status == 200 and str(port) in body
            )
        answer = traffic.echo(self.machine.aws.lattice_tls_port, DOMAIN, "hello")
        self._check(f"a WebSocket over TLS to {DOMAIN} echoes {answer!r}", answer == "hello")

    def _watch(self, *paths: str) -> None:
        for path in paths:
            self._caller.watch(self._host(), path)

    def _no_wrong_answer(self) -> None:
        count = sum(self._caller.asked.values())
        self._check(f"{count} requests so far, none answered wrongly", count > 0 and not self._caller.wrong)

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
