"""Custom resources on the in-process local AWS, and a real HTTP receiver in the place of CloudFormation's bucket."""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from ecs_lattice.aws.registry import DynamoRegistry
from ecs_lattice.aws.security_groups import BotoSecurityGroups
from ecs_lattice.custom_resource.desired import Record
from ecs_lattice.custom_resource.protocol import Request
from ecs_lattice.custom_resource.resource import IngressResource
from ecs_lattice.custom_resource.response_hosts import ResponseHosts
from ecs_lattice.custom_resource.verification import StackResource, Verification
from ecs_lattice.ingress.open import Ingress
from local_aws import inprocess
from local_aws.clock import ManualClock

OWNER = "ecs-lattice"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0-da77-11e4-872e-1234567db123"
SIGNED = "/arn%3Aaws%3Acloudformation%3Aus-east-1%3A123456789012%3Astack/shop/51af%7COpen%7C1?X-Amz-Signature=a%2Bb%2fc%3D&x=~"


@dataclass
class Put:
    """A request that came in, as it was on the wire."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers PUTs with the statuses of ``script``, then with 200; keeps what came."""

    script: list[int] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def hosts(self) -> ResponseHosts:
        return ResponseHosts("us-east-1", f"http://127.0.0.1:{self.port}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{SIGNED}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    it = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            it.puts.append(Put(self.path, dict(self.headers), body))
            status = it.script.pop(0) if it.script else 200
            if status == 0:  # the connection is lost without an answer
                self.close_connection = True
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"http://127.0.0.1:{it.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            it.came.set()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield it
    server.shutdown()
    thread.join()
    server.server_close()


_STATUSES = {"Create": "CREATE_IN_PROGRESS", "Update": "UPDATE_IN_PROGRESS", "Delete": "DELETE_IN_PROGRESS"}


@dataclass
class CloudFormation:
    """What CloudFormation says of resources: that the request which it sent last is in progress. ``errors`` are raised first."""

    resources: dict[tuple[str, str], StackResource] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    reads: int = 0

    def sends(self, request: Request, *, current: str | None = None, status: str = "") -> None:
        """Let ``request`` be in progress; ``current`` is the resource's id, by default the one in the request."""
        physical_id = request.physical_id if current is None else current
        self.resources[request.stack_id, request.logical_id] = StackResource(
            request.stack_id,
            request.logical_id,
            request.resource_type,
            status or _STATUSES.get(request.type, "UPDATE_IN_PROGRESS"),
            physical_id,
        )

    def finishes(self, request: Request) -> None:
        """Let the request be answered."""
        kind = request.type.upper()
        self.sends(request, current=request.own_id, status=f"{kind}_COMPLETE")

    def resource(self, stack_id: str, logical_id: str) -> StackResource | None:
        self.reads += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.resources.get((stack_id, logical_id))


@dataclass
class Account:
    """EC2, the registry, CloudFormation and the custom resource over them. ``before`` is called ahead of each call to EC2, by its name."""

    clock: ManualClock
    stacks: CloudFormation = field(default_factory=CloudFormation)
    before: Callable[[str], None] = lambda _call: None
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ec2 = boto3.client("ec2")
        self.dynamodb = boto3.client("dynamodb")
        self.dynamodb.create_table(
            TableName="registry",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.ec2.meta.events.register("before-call.ec2", self._on_call)
        self.registry = DynamoRegistry(self.dynamodb, "registry")
        ingress = Ingress(BotoSecurityGroups(self.ec2, OWNER), self.registry, OWNER, "lattice")
        verification = Verification(self.stacks, self.clock.advance)
        record = Record(self.registry, self.clock.time)
        self.resource = IngressResource(ingress, record, verification, self.clock.advance)
        self._numbers = itertools.count(1)

    def _on_call(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        self.before(model.name)

    def group(self) -> str:
        """A new security group."""
        name = f"group-{next(self._numbers)}"
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        return self.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]

    def rules(self, *groups: str) -> set[tuple[str, str, str]]:
        """(group, family, ports) of every inbound prefix-list rule."""
        lists = {
            one["PrefixListId"]: one["AddressFamily"] for one in self.ec2.describe_managed_prefix_lists()["PrefixLists"]
        }
        found = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": list(groups)}])
        return {
            (rule["GroupId"], lists[rule["PrefixListId"]], f"{rule['FromPort']}-{rule['ToPort']}")
            for rule in found["SecurityGroupRules"]
            if not rule["IsEgress"]
        }

    def request(self, kind: str, properties: dict[str, Any], old: dict[str, Any] | None = None, **more: Any) -> Request:
        """A request that CloudFormation has just sent, numbered as it does, for the resource ``Open`` of the stack ``shop``."""
        request = Request(
            type=kind,
            request_id=more.pop("request_id", f"request-{next(self._numbers)}"),
            stack_id=more.pop("stack_id", STACK),
            logical_id=more.pop("logical_id", "Open"),
            resource_type="Custom::LatticeIngress",
            properties={"ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:f", **properties},
            old_properties=old or {},
        )
        physical_id = "" if kind == "Create" else request.own_id
        request = Request(**{**fields(request), "physical_id": more.pop("physical_id", physical_id)})
        self.stacks.sends(request)
        return request


def fields(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in Request.__dataclass_fields__}


def event(request: Request, url: str) -> dict[str, Any]:
    """The request as it reaches the function."""
    return {
        "RequestType": request.type,
        "ResponseURL": url,
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "ResourceType": request.resource_type,
        "LogicalResourceId": request.logical_id,
        **({"PhysicalResourceId": request.physical_id} if request.physical_id else {}),
        "ResourceProperties": dict(request.properties),
        **({"OldResourceProperties": dict(request.old_properties)} if request.old_properties else {}),
        "ServiceToken": request.properties["ServiceToken"],
    }


@pytest.fixture
def account() -> Iterator[Account]:
    with inprocess.started() as machine:
        yield Account(machine.clock)
