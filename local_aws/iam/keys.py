"""The condition keys that the local AWS supports: every request has them where it has them on AWS.

A policy with any other key is rejected: if the key counted as absent, the decision could be wrong. Sources: IAM User Guide, "AWS global condition context keys"; Service Authorization Reference of each service.
"""

_KNOWN = frozenset({
    # about the principal
    "aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:userid", "aws:username",
    # about the request
    "aws:currenttime", "aws:epochtime", "aws:requestedregion", "aws:securetransport", "aws:sourceip", "aws:useragent",
    "aws:viaawsservice", "lambda:sourcefunctionarn",
    # a service on behalf of one of its resources
    "aws:sourceaccount", "aws:sourcearn",
    # tags and resources
    "aws:tagkeys", "aws:resourceaccount",
    # of services
    "ec2:createaction", "ec2:region", "ecs:cluster", "ecs:enable-vpc-lattice", "ecs:service", "ecs:task-definition",
    "events:detail-type", "events:source", "iam:awsservicename", "iam:passedtoservice", "lambda:invocationtype", "sts:externalid",
    "sts:rolesessionname", "vpc-lattice:authtype", "vpc-lattice:protocol", "vpc-lattice:securitygroupids",
    "vpc-lattice:servicearn", "vpc-lattice:servicenetworkarn", "vpc-lattice:targetgrouparns", "vpc-lattice:vpcid",
    # always absent: the account is in no organization, there is no MFA, no service calls on a caller's behalf
    "aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths", "aws:resourceorgid",
    "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast",
    "aws:sourcevpc", "aws:sourcevpce", "aws:referer", "aws:federatedprovider",
})  # fmt: skip
_FAMILIES = (
    "aws:principaltag/", "aws:requesttag/", "aws:resourcetag/", "ec2:resourcetag/", "ecs:resourcetag/",
)  # fmt: skip
_MANY = frozenset({
    "aws:tagkeys", "vpc-lattice:securitygroupids", "vpc-lattice:targetgrouparns", "aws:principalorgpaths",
    "aws:calledvia", "aws:sourceorgpaths",
})  # fmt: skip


def is_known(key: str) -> bool:
    """Whether requests have this key (lower case) where they have it on AWS."""
    return key in _KNOWN or key.startswith(_FAMILIES)


def has_many_values(key: str) -> bool:
    """Whether the key is multivalued (IAM User Guide, "Multivalued context keys")."""
    return key in _MANY


__all__ = ["has_many_values", "is_known"]
