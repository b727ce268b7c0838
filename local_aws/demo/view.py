"""What the demo prints: the graph, what happened in a chapter, and a line while it waits."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from local_aws.demo.ecs import EcsService
from local_aws.demo.graph import Graph, Listener, Service
from local_aws.demo.graph import Rule as ListenerRule
from local_aws.demo.unhealthy import Rule

_WIDTH = 100
_INDENT = 3
_COLORS = {
    **dict.fromkeys(("HEALTHY", "UNAVAILABLE", "ACTIVE", "SUCCESSFUL"), "green"),
    **dict.fromkeys(("INITIAL", "DRAINING", "UNUSED", "PENDING", "IN_PROGRESS", "CREATE_IN_PROGRESS"), "yellow"),
}


class _Line(NamedTuple):
    """One line below a Lattice service, in console markup."""

    where: str
    match: str
    goes_to: str
    state: str


class View:
    """Prints to a terminal, or plain text where there is none; at most 100 columns wide."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _console()

    def chapter(self, number: int, title: str, text: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{number}. {title}[/]", align="left", style="dim")
        self.console.print(text, style="dim")
        self.console.print()

    def waiting[T](self, what: str, done: Callable[[], T]) -> T:
        """The result of ``done``; on a terminal a line shows the elapsed time meanwhile."""
        if not self.console.is_terminal:
            return done()
        columns = SpinnerColumn(), TextColumn("{task.description} [dim]…[/]"), TimeElapsedColumn()
        with Progress(*columns, console=self.console, transient=True) as progress:
            progress.add_task(f"  {what}", total=None)
            return done()

    def step(self, ok: bool, what: str) -> None:
        self.console.print(f"   [green]✓[/] {escape(what)}" if ok else f"   [bold red]✗ {escape(what)}[/]")

    def graph(self, graph: Graph, service: EcsService | None) -> None:
        """The ECS service with its deployments, and the Lattice graph."""
        if service is not None:
            self._ecs(service)
        for lattice_service, lines in _below(graph):
            self._heading(f"Lattice service [bold]{lattice_service.name}[/]")
            self.console.print(f"{' ' * _INDENT}  [dim]{lattice_service.domain}[/]")
            self._lines(lines, _widths(graph))
        loose = [(group.name, group.targets) for group in graph.groups if group.name not in _used(graph)]
        for name, targets in loose:
            self._heading("Target group without a rule", name)
            self.console.print(f"{' ' * _INDENT}  {_health(Counter(status for _, _, status in targets))}")

    def rules(self, group: str, rules: Sequence[Rule]) -> None:
        """The inbound rules of a security group that allow a prefix list."""
        self._heading(f"Security group [bold]{group}[/]", "" if rules else "no inbound rules")
        for rule in rules:
            owner = f"[green]ecs-lattice:owner={escape(rule.owner)}[/]" if rule.owner else "[dim]yours[/]"
            self.console.print(f"{' ' * _INDENT}  TCP {rule.ports:10}  from {rule.prefix_list}  {owner}")

    def mail(self, subject: str, lines: Sequence[str]) -> None:
        """An email, indented."""
        self.console.print()
        for number, line in enumerate((subject, "", *lines)):
            words = (f" {line}" if line else "", "bold" if number == 0 else "")
            bar = Text.assemble(" " * _INDENT, ("│", "dim"), words)
            self.console.print(bar, no_wrap=True, overflow="ellipsis")

    def activity(self, happened: Mapping[str, Sequence[str]]) -> None:
        """What happened in the chapter, one entry per subject, in as few lines as fit."""
        self._heading("What happened")
        width = max(map(len, happened))
        room = self.console.width - _INDENT - 2 - width - 2
        for subject, entries in happened.items():
            name = subject
            for line in _packed(entries or ("none",), room):
                self.console.print(f"{' ' * _INDENT}  [dim]{name:{width}}[/]  {escape(line)}")
                name = ""

    def _ecs(self, service: EcsService) -> None:
        self._heading(f"ECS service [bold]{service.name}[/]", f"{service.running} of {service.desired} tasks running")
        lines = [
            _Line(f"deployment {number}", deployment.task_definition, deployment.attached, _colored(deployment.status))
            for number, deployment in enumerate(service.deployments, start=1)
        ]
        self._lines(lines, (0, 0, 0))

    def _heading(self, what: str, detail: str = "") -> None:
        self.console.print(f"\n{' ' * _INDENT}{what}" + (f"  [dim]{detail}[/]" if detail else ""))

    def _lines(self, lines: Sequence[_Line], widths: tuple[int, int, int]) -> None:
        table = Table.grid(padding=(0, 2, 0, 0))
        for width in (_INDENT, *widths, 0):
            table.add_column(min_width=width, overflow="fold")
        for line in lines:
            table.add_row("", *line)
        self.console.print(table)


def _console() -> Console:
    terminal = Console()
    return Console(width=min(_WIDTH, terminal.width) if terminal.is_terminal else _WIDTH, highlight=False)


def _below(graph: Graph) -> Iterator[tuple[Service, list[_Line]]]:
    health = {group.name: Counter(status for _, _, status in group.targets) for group in graph.groups}
    for service in graph.services:
        networks = [_Line("network", name, "", _colored(status)) for name, status in service.networks]
        rules = [line for listener in service.listeners for line in _rules(listener, health)]
        yield service, [*(networks or [_Line("network", "none", "", "")]), *rules]


def _rules(listener: Listener, health: Mapping[str, Counter[str]]) -> Iterator[_Line]:
    where = listener.name
    for rule in listener.rules:
        for goes_to, state in _forwards(rule, health):
            yield _Line(where, rule.match, goes_to, state)
            where = ""


def _forwards(rule: ListenerRule, health: Mapping[str, Counter[str]]) -> Iterator[tuple[str, str]]:
    if rule.fixed is not None:
        yield f"fixed response {rule.fixed}", ""
    for name, weight in rule.forwards:
        share = f" (weight {weight})" if len(rule.forwards) > 1 else ""
        yield f"→ {name}{share}", _health(health.get(name, Counter()))


def _widths(graph: Graph) -> tuple[int, int, int]:
    """The same column widths for all Lattice services."""
    rows = [(line.where, line.match, line.goes_to) for _, lines in _below(graph) for line in lines if line.goes_to]
    where, match, goes_to = (max((len(row[column]) for row in rows), default=0) for column in range(3))
    return where, match, goes_to


def _used(graph: Graph) -> set[str]:
    return {name for _, rule in graph.rules() for name, _ in rule.forwards}


def _health(counts: Counter[str]) -> str:
    if not counts:
        return "[dim]no targets[/]"
    return ", ".join(f"{count} {_colored(status)}" for status, count in sorted(counts.items()))


def _colored(status: str) -> str:
    return f"[{_COLORS.get(status, 'red')}]{status}[/]"


def _packed(entries: Sequence[str], width: int) -> list[str]:
    """``entries`` joined by commas, as many per line as fit; an entry is never split."""
    lines = [entries[0]]
    for entry in entries[1:]:
        if len(f"{lines[-1]}, {entry},") <= width:
            lines[-1] += f", {entry}"
        else:
            lines[-1] += ","
            lines.append(entry)
    return lines
