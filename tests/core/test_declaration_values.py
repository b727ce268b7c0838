"""Each key's values, against VPC Lattice's own service model where it has a say."""

import re

import botocore.session
import pytest
from hypothesis import given

from ecs_lattice.declaration import keys, values
from ecs_lattice.model import ListenerKey
from tests import strategies

LATTICE = botocore.session.get_session().get_service_model("vpc-lattice")


def accepts(name, value):
    try:
        keys.BY_NAME[name].parse(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "shape", "lowest"),
    [
        ("priority", "RulePriority", None),
        ("weight", "TargetGroupWeight", None),
        ("idle-timeout", "IdleTimeoutSeconds", None),
        ("health.port", "HealthCheckPort", 1),
        ("health.interval", "HealthCheckIntervalSeconds", 5),
        ("health.timeout", "HealthCheckTimeoutSeconds", 1),
        ("health.healthy", "HealthyThresholdCount", 2),
        ("health.unhealthy", "UnhealthyThresholdCount", 2),
    ],
)
def test_numbers_have_lattices_range(name, shape, lowest):
    """Where the model begins at 0, that resets the value; ``lowest`` is the API text's own."""
    model = LATTICE.shape_for(shape).metadata
    smallest = model["min"] if lowest is None else lowest
    assert accepts(name, str(smallest))
    assert accepts(name, str(model["max"]))
    assert not accepts(name, str(smallest - 1))
    assert not accepts(name, str(model["max"] + 1))


@pytest.mark.parametrize("text", ["", "ten", "1.0", "+1", "-1", "1e2", "1_0", "٣", "1" * 30])
def test_only_plain_digits_are_numbers(text):
    assert not accepts("priority", text)


@pytest.mark.parametrize("name", ["path.prefix", "path.exact"])
@given(text=strategies.path_like)
def test_paths_are_judged_as_lattice_judges_them(name, text):
    model = LATTICE.shape_for("PathMatchPrefix").metadata
    is_path = len(text) <= model["max"] and re.fullmatch(model["pattern"], text, re.ASCII) is not None
    assert accepts(name, text) == is_path


def test_a_path_is_up_to_200_characters_and_a_health_path_up_to_2048():
    assert accepts("path.exact", "/" + "a" * 199)
    assert not accepts("path.exact", "/" + "a" * 200)
    assert accepts("health.path", "/" + "a" * 2047)
    assert not accepts("health.path", "/" + "a" * 2048)


def test_a_bad_path_names_what_is_bad():
    with pytest.raises(ValueError, match=r"takes no '\*' in a path"):
        values.Path(200)("/orders/*")
    with pytest.raises(ValueError, match="begin with /"):
        values.Path(200)("orders")


@pytest.mark.parametrize(
    ("text", "method"), [("get", "GET"), ("GET", "GET"), ("Report", "Report"), ("M-SEARCH", "M-SEARCH")]
)
def test_standard_methods_are_upper_case_and_others_as_written(text, method):
    assert values.method(text) == method


@pytest.mark.parametrize("text", ["GET POST", "A" * 17, "GE/T", ""])
def test_a_bad_method_is_refused(text):
    assert not accepts("method", text)


def test_header_values_are_printable_and_short():
    assert accepts("header.<name>", "a b, c; d=é")
    assert accepts("header.<name>", "a" * 200)
    assert not accepts("header.<name>", "a" * 201)
    assert not accepts("header.<name>", "a\tb")


def test_listeners_are_sorted_and_said_once():
    https, http = ListenerKey("HTTPS", 443), ListenerKey("HTTP", 80)
    assert values.listeners("HTTPS:443 http:80 HTTPS:443") == (http, https)


@pytest.mark.parametrize(
    "text", ["HTTPS", "443", "FTP:21", "HTTPS:0", "HTTPS:65536", "HTTPS:443,HTTP:80", "TCP:1", "HTTP:"]
)
def test_what_is_no_listener_is_refused(text):
    assert not accepts("listener", text)


@pytest.mark.parametrize(
    "text",
    [
        "platform",
        "sn-0123456789abcdefg",
        "arn:aws:vpc-lattice:us-east-1:123456789012:servicenetwork/sn-0123456789abcdefg",
        "arn:aws-cn:vpc-lattice:cn-north-1:123456789012:servicenetwork/sn-0123456789abcdefg",
        "arn:aws-us-gov:vpc-lattice:us-gov-west-1:123456789012:servicenetwork/sn-0123456789abcdefg",
    ],
)
def test_networks_are_names_ids_or_arns_of_any_partition(text):
    assert values.networks(f"{text} other") == tuple(sorted((text, "other")))


@pytest.mark.parametrize(
    "text", ["ab", "Platform", "a--b", "-ab", "a" * 64, "arn:aws:vpc-lattice:us-east-1:1:service/x", "a,b"]
)
def test_what_is_no_network_is_refused(text):
    assert not accepts("network", text)


@pytest.mark.parametrize("text", ["example.com", "a.b-c.example.com", "xn--bcher-kva.example"])
def test_domains_are_host_names(text):
    assert values.domain(text.upper()) == text


@pytest.mark.parametrize(
    "text",
    [
        "example",
        "*.example.com",
        "a..b",
        ".example.com",
        "example.com.",
        "-a.com",
        "a_b.com",
        "a" * 64 + ".com",
        "a." * 127 + "com",
    ],
)
def test_what_is_no_host_name_is_refused(text):
    assert not accepts("domain", text)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_certificates_are_arns_of_any_partition_that_lattice_takes(partition):
    arn = f"arn:{partition}:acm:xx-north-1:123456789012:certificate/0123abcd-ef"
    assert accepts("certificate", arn)
    assert re.fullmatch(LATTICE.shape_for("CertificateArn").metadata["pattern"], arn)


@pytest.mark.parametrize(
    "text", ["x", "arn:aws:iam::123456789012:server-certificate/x", "arn:aws:acm:us-east-1:1:certificate/x"]
)
def test_what_is_no_certificate_is_refused(text):
    assert not accepts("certificate", text)


@pytest.mark.parametrize(
    ("text", "code"), [("200", "200"), ("200 204", "200,204"), ("200-299  404", "200-299,404"), ("200,302", "200,302")]
)
def test_codes_become_lattices_list(text, code):
    assert values.codes(text) == code
    assert re.fullmatch(LATTICE.shape_for("HttpCodeMatcher").metadata["pattern"], code)


@pytest.mark.parametrize("text", ["", ",", "199", "500", "300-200", "200-500", "2xx", "20", "200-", "200 - 299"])
def test_what_is_no_code_is_refused(text):
    assert not accepts("health.code", text)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("listener", "ListenerProtocol"),
        ("protocol", "TargetGroupProtocol"),
        ("protocol-version", "TargetGroupProtocolVersion"),
        ("health.protocol-version", "HealthCheckProtocolVersion"),
    ],
)
def test_every_word_of_lattices_is_known(name, shape):
    for word in LATTICE.shape_for(shape).enum:
        assert accepts(name, f"{word.lower()}:1" if name == "listener" else word.lower())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("protocol", "UDP"),
        ("protocol-version", "HTTP3"),
        ("auth", "basic"),
        ("targets", "both"),
        ("ingress", "on"),
        ("pause", "yes"),
        ("health.protocol", "TCP"),
    ],
)
def test_other_words_are_refused(name, text):
    assert not accepts(name, text)


def test_auth_is_given_in_lattices_words():
    assert {keys.BY_NAME["auth"].parse(word) for word in ("iam", "NONE")} == set(LATTICE.shape_for("AuthType").enum)


def test_a_label_has_at_most_ten_listeners():
    """Every listener of a label is compared with every route that inherits it."""
    assert len(values.listeners(" ".join(f"HTTP:{port}" for port in range(1, 11)))) == 10
    with pytest.raises(ValueError, match="11 listeners, of which at most 10"):
        values.listeners(" ".join(f"HTTP:{port}" for port in range(1, 12)))
