"""What the demo prints: the graph, what happened since the last step, a line while it waits."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from local_aws.demo.graph import Graph, Rule

_COLOURS = {"HEALTHY": "green", "UNAVAILABLE": "green", "INITIAL": "yellow", "DRAINING": "yellow", "UNUSED": "yellow"}


class View:
    """Prints to a terminal, or plainly where there is none. ``width`` is at most 110 columns."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(
            width=min(110, Console().width) if Console().is_terminal else 110, highlight=False
        )

    def chapter(self, number: int, title: str, text: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{number}. {title}", align="left")
        self.console.print(text, style="dim")

    def waiting[T](self, what: str, done: Callable[[], T]) -> T:
        """What ``done`` gives, which may take its time; a line shows that time passes."""
        if not self.console.is_terminal:
            self.console.print(f"  … {what}")
            return done()
        with self.console.status(what):
            return done()

    def step(self, ok: bool, what: str) -> None:
        self.console.print(f"  [green]✓[/] {what}" if ok else f"  [bold red]✗ {what}[/]")

    def graph(self, graph: Graph) -> None:
        if not graph.services and not graph.groups:
            self.console.print("  (no Lattice service, no target group)")
        health = {group.name: Counter(status for _, _, status in group.targets) for group in graph.groups}
        for service in graph.services:
            networks = ", ".join(f"{name} [dim]({status})[/]" for name, status in service.networks) or "no network"
            tree = Tree(f"[bold]{service.name}[/]  {service.domain}")
            tree.add(f"on service network {networks}")
            for listener in service.listeners:
                branch = tree.add(f"listener [bold]{listener.name}[/]")
                branch.add(_rules(listener.rules, health))
            self.console.print(tree)
        used = {name for _, rule in graph.rules() for name, _ in rule.forwards}
        for group in graph.groups:
            if group.name not in used:
                self.console.print(f"target group {group.name}, in no rule: {_health(health[group.name])}")

    def made_by(self, happened: Mapping[str, Any]) -> None:
        """Events that came, functions that ran and what they wrote."""
        table = Table(title="what made it so", title_justify="left", title_style="dim", box=None, padding=(0, 2, 0, 0))
        for column in ("events", "functions", "written"):
            table.add_column(column, vertical="top", overflow="fold")
        table.add_row(*("\n".join(happened[column]) or "none" for column in ("events", "functions", "written")))
        self.console.print(table)


def _rules(rules: tuple[Rule, ...], health: Mapping[str, Counter[str]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
    for column in ("priority", "requests for", "go to", "targets"):
        table.add_column(column, overflow="fold", no_wrap=column == "priority")
    for rule in rules:
        priority = "default" if rule.priority is None else str(rule.priority)
        if rule.fixed is not None:
            table.add_row(priority, rule.match, f"answer {rule.fixed}", "")
        for name, weight in rule.forwards:
            share = f" [dim](weight {weight})[/]" if len(rule.forwards) > 1 else ""
            table.add_row(priority, rule.match, f"{name}{share}", _health(health.get(name, Counter())))
    return table


def _health(counts: Counter[str]) -> str:
    if not counts:
        return "[dim]none[/]"
    return ", ".join(f"[{_COLOURS.get(status, 'red')}]{count} {status}[/]" for status, count in sorted(counts.items()))
