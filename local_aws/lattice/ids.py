"""Ids, ARNs and DNS names in the forms of VPC Lattice (the patterns of botocore's service model)."""

from moto.moto_api._internal import mock_random

PARTITION_ID = "7d67968"
"""The part of generated domain names that stands for the partition, as in the VPC Lattice User Guide's examples."""

HOSTED_ZONE = "Z4E2R8KTQWLXN7"
"""The hosted zone in generated names, one per Region (assumption: its id is not published)."""


def new(prefix: str) -> str:
    """A new id: the prefix, a hyphen, seventeen hexadecimal digits."""
    return f"{prefix}-{mock_random.get_random_hex(17)}"


def tail(identifier: str) -> str:
    """The id in an id or an ARN."""
    return identifier.rsplit("/", 1)[-1]


def arn(region: str, account: str, path: str) -> str:
    return f"arn:aws:vpc-lattice:{region}:{account}:{path}"


def domain_name(service_name: str, service_id: str, region: str) -> str:
    """The generated domain name of a service (VPC Lattice User Guide, "Configure a custom domain name")."""
    return f"{service_name}-{service_id.removeprefix('svc-')}.{PARTITION_ID}.vpc-lattice-svcs.{region}.on.aws"
