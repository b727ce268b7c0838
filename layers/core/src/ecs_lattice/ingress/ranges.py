"""Port ranges: which cover which, and how few rules do for all. Pure."""

from collections.abc import Iterable

from ecs_lattice.ingress.model import AllowedPorts, PortRange


def covers(one: AllowedPorts, other: AllowedPorts) -> bool:
    """Whether ``one`` lets in all that ``other`` asks for."""
    return one.family == other.family and one.ports.covers(other.ports)


def is_covered(opening: AllowedPorts, by: Iterable[AllowedPorts]) -> bool:
    """Whether a single one of ``by`` lets in all that ``opening`` asks for."""
    return any(covers(one, opening) for one in by)


def merged(openings: Iterable[AllowedPorts]) -> tuple[AllowedPorts, ...]:
    """The fewest openings of exactly the same ports and families: those that overlap or touch are one. Sorted."""
    out: list[AllowedPorts] = []
    for opening in sorted(openings):
        last = out[-1] if out else None
        if last and last.family == opening.family and opening.ports.first <= last.ports.last + 1:
            ports = PortRange(last.ports.first, max(last.ports.last, opening.ports.last))
            out[-1] = AllowedPorts(last.family, ports)
        else:
            out.append(opening)
    return tuple(out)


def outermost(openings: Iterable[AllowedPorts]) -> tuple[AllowedPorts, ...]:
    """Those that no other one of them covers. Sorted."""
    everything = sorted(set(openings))
    return tuple(one for one in everything if not is_covered(one, (other for other in everything if other != one)))
