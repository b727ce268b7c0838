"""Where responses may be sent: CloudFormation's own buckets of the function's Region, by https.

An event is only a claim, and its ResponseURL an address that the function connects to. So the hosts are enumerated, and any
other address is refused before anything is done. Sources: CloudFormation User Guide, "Access CloudFormation using an
interface endpoint" (the bucket, whose name has the Region without dashes); Amazon S3 User Guide, "Methods for accessing a
bucket" (virtual-hosted style: with the Region after a dot or, in older Regions, a dash; without it the global endpoint); the
DNS suffixes are those of botocore's partitions.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ecs_lattice.errors import UnknownEventError

_BUCKET = "cloudformation-custom-resource-response-"
_SUFFIX = "amazonaws.com"
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}
_HTTPS_PORT = 443


def hosts(region: str) -> tuple[str, ...]:
    """The names of CloudFormation's bucket for responses in ``region``."""
    suffix = next((suffix for start, suffix in _SUFFIXES.items() if region.startswith(start)), _SUFFIX)
    bucket = _BUCKET + region.replace("-", "")
    return tuple(f"{bucket}.{s3}.{suffix}" for s3 in (f"s3.{region}", f"s3-{region}", "s3"))


@dataclass(frozen=True, slots=True)
class ResponseHosts:
    """The addresses of a function in ``region``. With ``endpoint`` (AWS_ENDPOINT_URL: the local AWS) only that one."""

    region: str
    endpoint: str = ""

    def check(self, url: str) -> None:
        """Raise UnknownEventError unless a response may be sent to ``url``. The URL is a credential: it is not repeated."""
        if not self._accepts(url):
            expected = self.endpoint or " or ".join(f"https://{host}" for host in hosts(self.region))
            raise UnknownEventError(
                f"The ResponseURL of the request is not one of CloudFormation's; responses are sent to {expected} only. "
                "Nothing was done."
            )

    def _accepts(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            address = _address(parts)
        except ValueError:  # a port or an IPv6 address that is none
            return False
        if parts.username is not None or parts.password is not None:
            return False
        if self.endpoint:
            return address == _address(urlsplit(self.endpoint))
        return address in {("https", host, _HTTPS_PORT) for host in hosts(self.region)}


def _address(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port."""
    return parts.scheme, parts.hostname or "", parts.port or (_HTTPS_PORT if parts.scheme == "https" else 80)
