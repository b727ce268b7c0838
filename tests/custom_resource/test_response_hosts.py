"""Where responses go: CloudFormation's buckets, in every Region that botocore knows, and nowhere else."""

import botocore.session
import pytest

from ecs_lattice.custom_resource.response_hosts import ResponseHosts, hosts
from ecs_lattice.errors import UnknownEventError

SIGNED = "/arn%3Aaws%3Acloudformation/shop?X-Amz-Signature=abc"
SESSION = botocore.session.get_session()
REGIONS = [
    (region, SESSION.get_partition_for_region(region))
    for partition in SESSION.get_available_partitions()
    for region in SESSION.get_available_regions("cloudformation", partition)
]


def suffix(partition: str) -> str:
    found = [one for one in SESSION.get_data("partitions")["partitions"] if one["id"] == partition]
    return str(found[0]["outputs"]["dnsSuffix"])


@pytest.mark.parametrize(("region", "partition"), REGIONS, ids=str)
def test_every_region_has_its_bucket_with_the_suffix_of_its_partition(region, partition):
    bucket, end = f"cloudformation-custom-resource-response-{region.replace('-', '')}", suffix(partition)
    expected = {f"{bucket}.s3.{end}", f"{bucket}.s3-{region}.{end}", f"{bucket}.s3.{region}.{end}"}
    assert set(hosts(region)) == expected
    for host in expected:
        ResponseHosts(region).check(f"https://{host}{SIGNED}")
        ResponseHosts(region).check(f"https://{host}:443{SIGNED}")


def test_the_regions_are_of_all_partitions():
    assert {"us-east-1", "eu-central-2", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"} <= dict(REGIONS).keys()


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("us-east-1", "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x"),
        ("us-west-2", "https://cloudformation-custom-resource-response-uswest2.s3-us-west-2.amazonaws.com/x"),
        ("eu-central-1", "https://cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com/x"),
        ("us-gov-west-1", "https://cloudformation-custom-resource-response-usgovwest1.s3-us-gov-west-1.amazonaws.com/x"),
        ("cn-north-1", "https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn/x"),
        ("us-east-1", "HTTPS://CloudFormation-Custom-Resource-Response-UsEast1.S3.Amazonaws.com/x"),
    ],
)  # fmt: skip
def test_what_cloudformation_sends_is_accepted(region, url):
    ResponseHosts(region).check(url)


BUCKET = "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://169.254.170.2/v2/credentials",
        "http://localhost:9001/2018-06-01/runtime/invocation/next",
        f"http://{BUCKET}/x",
        f"https://{BUCKET}:8443/x",
        f"https://{BUCKET}.evil.example/x",
        f"https://{BUCKET}@evil.example/x",
        f"https://user:secret@{BUCKET}/x",
        f"https://@{BUCKET}/x",
        f"https://evil.example/{BUCKET}",
        f"https://evil.example?{BUCKET}",
        f"https://evil.example#@{BUCKET}",
        f"https://evil-{BUCKET}/x",
        f"https://{BUCKET}./x",
        "https://cloudformation-custom-resource-response-uswest2.s3.amazonaws.com/x",
        "https://cloudformation-custom-resource-response-useast1.s3.us-west-2.amazonaws.com/x",
        "https://cloudformation-custom-resource-response-useast1-evil.s3.amazonaws.com/x",
        "https://bucket.s3.amazonaws.com/x",
        "https://s3.amazonaws.com/cloudformation-custom-resource-response-useast1/x",
        f"https://{BUCKET}:http/x",
        "https://[::1/x",
        "ftp://x/",
        "?",
        "",
    ],
)
def test_any_other_address_is_refused_without_repeating_it(url):
    with pytest.raises(UnknownEventError, match=f"responses are sent to https://.*{BUCKET} only") as raised:
        ResponseHosts("us-east-1").check(url)
    assert not url.strip("?") or url not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        f"https://{BUCKET}/x",
        "http://127.0.0.1:4567/x",
        "http://127.0.0.2:4566/x",
        "https://127.0.0.1:4566/x",
        "http://a@127.0.0.1:4566/",
    ],
)
def test_the_local_aws_is_answered_at_its_own_address_alone(url):
    local = ResponseHosts("us-east-1", "http://127.0.0.1:4566")
    local.check("http://127.0.0.1:4566/cloudformation-custom-resource-response/shop?X-Amz-Signature=abc")
    with pytest.raises(UnknownEventError, match=r"http://127\.0\.0\.1:4566 only"):
        local.check(url)
