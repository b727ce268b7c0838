"""Hypothesis strategies for ECS services and their declarations, shared by the tests of the library."""

from ecs_lattice.model import ListenerKey, Match, Placement, Route, ServiceId
from hypothesis import strategies as st

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
        st.tuples(
            st.sampled_from(["exact", "prefix"]), st.from_regex(r"/[a-z0-9/.-]{0,40}", fullmatch=True), st.booleans()
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
