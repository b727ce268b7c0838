"""The client of a request, and the headers that VPC Lattice adds for a target (User Guide, "HTTP targets")."""

from dataclasses import dataclass

from local_aws import eventbus
from local_aws.network import Request

_SPOOFABLE = ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto")
_LATTICE = "x-amzn-lattice-"


@dataclass(frozen=True, slots=True)
class Client:
    """The client: address, VPC (None: reachability is not checked), principal (None: unsigned), HTTP version."""

    address: str = "10.0.0.10"
    vpc_id: str | None = None
    principal: str | None = None
    version: str = "HTTP1"


def forwarded(request: Request, client: Client, port: int, scheme: str, service_arn: str, group_arn: str) -> Request:
    """The request as the target receives it: VPC Lattice's headers replace forged ones."""
    headers = {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in _SPOOFABLE and not name.lower().startswith(_LATTICE)
    }
    headers["x-forwarded-for"] = client.address
    headers["x-forwarded-port"] = str(port)
    headers["x-forwarded-proto"] = scheme
    headers[f"{_LATTICE}target"] = f"ServiceArn={service_arn}; TargetGroupArn={group_arn}"
    if client.vpc_id:
        vpc_arn = f"arn:aws:ec2:{eventbus.REGION}:{eventbus.ACCOUNT}:vpc/{client.vpc_id}"
        headers[f"{_LATTICE}network"] = f"SourceVpcArn={vpc_arn}"
    if client.principal:
        headers[f"{_LATTICE}identity"] = f"Principal={client.principal}"
    return Request(request.method, request.path, headers, request.body)
