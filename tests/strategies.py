"""Hypothesis strategies for ECS services and their declarations, shared by the tests of the library."""

from hypothesis import strategies as st

from ecs_lattice.model import ListenerKey, Match, PathMatch, Placement, Route, ServiceId

ecs_names = st.from_regex(r"[a-zA-Z0-9_-]{1,255}", fullmatch=True)
"""Names of ECS clusters and services."""

port_names = st.from_regex(r"[a-z0-9_][a-z0-9_-]{0,63}", fullmatch=True)
"""portMappings[].name of a task definition."""

route_names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)

lattice_service_names = st.from_regex(r"[a-z0-9]{2,12}(-[a-z0-9]{1,8}){0,3}", fullmatch=True).filter(
    lambda name: 3 <= len(name) <= 40 and not name.startswith("svc-")
)

service_ids = st.builds(
    lambda cluster, name: ServiceId(f"arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{name}"),
    ecs_names,
    ecs_names,
)

listener_keys = st.builds(
    ListenerKey, st.sampled_from(["HTTP", "HTTPS", "TLS_PASSTHROUGH"]), st.integers(min_value=1, max_value=65535)
)

placements = st.builds(
    Placement,
    st.from_regex(r"vpc-[0-9a-f]{8}", fullmatch=True),
    st.sampled_from(["IPV4", "IPV6"]),
    st.integers(min_value=1, max_value=65535),
)

matches = st.one_of(
    st.none(),
    st.builds(
        Match,
        st.builds(
            PathMatch,
            st.sampled_from(["exact", "prefix"]),
            st.from_regex(r"/[a-z0-9/.-]{0,40}", fullmatch=True),
            st.booleans(),
        ),
    ),
)

routes = st.builds(
    Route,
    name=route_names,
    lattice_service=lattice_service_names,
    port_name=port_names,
    match=matches,
    protocol=st.sampled_from(["HTTP", "HTTPS"]),
    protocol_version=st.sampled_from(["HTTP1", "HTTP2", "GRPC"]),
)
"""Routes over HTTP; each is valid by itself, not beside any other."""

valid_values = {
    "path.prefix": st.from_regex(r"/[a-z0-9/.-]{0,20}", fullmatch=True),
    "path.exact": st.from_regex(r"/[a-z0-9/.-]{0,20}", fullmatch=True),
    "path.case-sensitive": st.sampled_from(["true", "false"]),
    "method": st.sampled_from(["GET", "POST", "REPORT"]),
    "header.x-tenant": st.from_regex(r"[a-z0-9 ]{0,10}[a-z0-9]", fullmatch=True),
    "priority": st.integers(1, 2000).map(str),
    "weight": st.integers(0, 999).map(str),
    "listener": st.sampled_from(["HTTP:80", "HTTPS:443", "HTTP:80 HTTPS:443", "TLS_PASSTHROUGH:443"]),
    "network": st.sampled_from(["platform", "platform other"]),
    "domain": st.just("orders.example.com"),
    "certificate": st.just("arn:aws:acm:us-east-1:123456789012:certificate/0123abcd"),
    "auth": st.sampled_from(["iam", "none"]),
    "idle-timeout": st.integers(60, 600).map(str),
    "protocol": st.sampled_from(["HTTP", "HTTPS", "TCP"]),
    "protocol-version": st.sampled_from(["HTTP1", "HTTP2", "GRPC"]),
    "health.enabled": st.sampled_from(["true", "false"]),
    "health.path": st.just("/healthz"),
    "health.code": st.sampled_from(["200", "200 204", "200-299"]),
    "health.interval": st.integers(5, 300).map(str),
    "targets": st.sampled_from(["ecs", "controller"]),
    "pause": st.sampled_from(["true", "false"]),
    "remove": st.sampled_from(["true", "false"]),
}
"""Values of keys, each allowed by itself; together they may clash."""

label_pairs = st.lists(
    st.one_of(
        [
            st.tuples(
                st.sampled_from([f"lattice.{start}{name}" for start in ("", "routes.api.", "routes.web.")]),
                values,
            )
            for name, values in valid_values.items()
        ]
        + [
            st.tuples(st.just("lattice.service"), lattice_service_names),
            st.tuples(st.just("lattice.port"), st.just("web")),
        ]
    ),
    max_size=12,
).map(lambda pairs: tuple(dict(pairs).items()))
"""Labels (or tags) with keys and values that exist."""

_never_clashing = (
    "path.prefix",
    "method",
    "header.x-tenant",
    "weight",
    "network",
    "idle-timeout",
    "health.enabled",
    "health.path",
    "health.code",
    "health.interval",
    "targets",
    "pause",
)

accepted_labels = st.builds(
    lambda service, others: (
        ("lattice.service", service),
        ("lattice.port", "web"),
        *((f"lattice.{name}", value) for name, value in others.items()),
    ),
    lattice_service_names,
    st.fixed_dictionaries({}, optional={name: valid_values[name] for name in _never_clashing}),
)
"""Labels of a declaration with one route that is accepted within the default bounds."""

path_like = st.one_of(st.text(max_size=20), st.from_regex(r"/[ -~]{0,210}", fullmatch=True))
"""Texts, many of which are nearly paths."""
