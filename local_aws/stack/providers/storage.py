"""Buckets and their policies."""

import json
from typing import Any

from local_aws.stack.resources import Made, Properties, Provider, ResourceError, client

_KNOWN = frozenset(
    {"BucketEncryption", "BucketName", "PublicAccessBlockConfiguration", "Tags", "VersioningConfiguration"}
)


def _create_bucket(properties: Properties, name: str) -> Made:
    strange = sorted(set(properties) - _KNOWN)
    if strange:
        raise ResourceError(
            f"{name} (AWS::S3::Bucket): the local AWS does not know the properties {', '.join(strange)}"
        )
    bucket = properties.get("BucketName") or name.lower()
    client("s3").create_bucket(Bucket=bucket)
    made = Made(bucket, {"Arn": f"arn:aws:s3:::{bucket}", "DomainName": f"{bucket}.s3.amazonaws.com"})
    return _update_bucket(made, {}, properties, name)


def _update_bucket(made: Made, before: Properties, properties: Properties, name: str) -> Made:
    if before and properties.get("BucketName", made.ref) != made.ref:
        _delete_bucket(made, before)
        return _create_bucket(properties, name)
    s3, bucket = client("s3"), {"Bucket": made.ref}
    if "PublicAccessBlockConfiguration" in properties:
        s3.put_public_access_block(
            **bucket,
            PublicAccessBlockConfiguration={
                key: str(value).lower() == "true" for key, value in properties["PublicAccessBlockConfiguration"].items()
            },
        )
    if "BucketEncryption" in properties:
        s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration=_encryption(properties))
    if "VersioningConfiguration" in properties or "VersioningConfiguration" in before:
        wanted = properties.get("VersioningConfiguration", {"Status": "Suspended"})
        s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": wanted["Status"]})
    if properties.get("Tags"):
        s3.put_bucket_tagging(**bucket, Tagging={"TagSet": list(properties["Tags"])})
    return made


def _encryption(properties: Properties) -> dict[str, Any]:
    rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    return {
        "Rules": [{"ApplyServerSideEncryptionByDefault": dict(rule["ServerSideEncryptionByDefault"])} for rule in rules]
    }


def _delete_bucket(made: Made, _properties: Properties) -> None:
    """S3 rejects the deletion while objects, versions or delete markers remain."""
    client("s3").delete_bucket(Bucket=made.ref)


def _create_policy(properties: Properties, name: str) -> Made:
    client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
    return Made(name)


def _delete_policy(_made: Made, properties: Properties) -> None:
    client("s3").delete_bucket_policy(Bucket=properties["Bucket"])


PROVIDERS = (
    Provider(
        "AWS::S3::Bucket",
        _create_bucket,
        _delete_bucket,
        frozenset({"Arn", "DomainName"}),
        "BucketName",
        update_from=_update_bucket,
    ),
    Provider("AWS::S3::BucketPolicy", _create_policy, _delete_policy),
)

__all__ = ["PROVIDERS"]
