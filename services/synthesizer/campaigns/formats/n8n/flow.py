"""In which order one contact goes through a workflow.

n8n runs the nodes behind an output one after the other. A contact is at one step at a time, so what is still to be run
is a part of where it is. A Merge waits for what is pending and leads to it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from services.synthesizer.campaigns.formats.n8n.workflow import Workflow, targets


class Turn(NamedTuple):
    """A node that is to be run. rule: 0, or the rule of a Switch with which it goes on."""

    node: str
    rule: int = 0


class Place(NamedTuple):
    """Where a contact is: at a turn, with others that are run afterwards."""

    turn: Turn
    pending: tuple[Turn, ...] = ()


class Flow:
    """The order of the nodes of a workflow."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow

    def after(self, node: str, output: int, pending: tuple[Turn, ...]) -> Place | None:
        """The place behind an output of a node; None if nothing is left to do."""
        leads = [Turn(one) for one in self._workflow.outputs.get((node, output), ())]
        pending = tuple(dict.fromkeys((*leads[1:], *pending)))  # in a circle, nothing is pending twice
        return self._enter(leads[0], pending) if leads else self.rest(pending)

    def rest(self, pending: tuple[Turn, ...]) -> Place | None:
        """The next of what is pending; None if nothing is."""
        return self._enter(pending[0], pending[1:]) if pending else None

    def leads_to(self, node: str, other: str) -> bool:
        """True if a way leads from a node to another one."""
        return bool(self._reached[node] >> self._numbers[other] & 1)

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate(self._workflow.nodes)}

    @cached_property
    def _reached(self) -> Mapping[str, int]:
        """By node, the nodes to which ways lead: one bit for each (Warshall's algorithm)."""
        leads = targets(self._workflow)
        found = {name: sum(1 << self._numbers[one] for one in leads[name]) for name in self._numbers}
        for through, number in self._numbers.items():
            behind = found[through]
            for name, reached in found.items():
                if reached >> number & 1:
                    found[name] = reached | behind
        return found

    def _enter(self, turn: Turn, pending: tuple[Turn, ...]) -> Place:
        while self._workflow.nodes[turn.node].kind == "merge":
            if pending and pending[0] == turn:
                pending = pending[1:]
            last = max((at for at, one in enumerate(pending) if self.leads_to(one.node, turn.node)), default=None)
            if last is None:
                break
            if turn not in pending:
                pending = (*pending[: last + 1], turn, *pending[last + 1 :])
            turn, pending = pending[0], pending[1:]
        return Place(turn, pending)


def producers(workflow: Workflow, passes: Mapping[str, bool]) -> Mapping[str, Sequence[str]]:
    """For each node, the nodes whose output it gets. passes: whether a node passes on what it gets."""
    before: dict[str, list[str]] = {name: [] for name in workflow.nodes}
    for source, leads in targets(workflow).items():
        for one in leads:
            before[one].append(source)
    found = {}
    for name in workflow.nodes:
        seen: dict[str, None] = {}
        rest = before[name][::-1]
        visited = set(rest)
        while rest:
            one = rest.pop()
            if not passes[one]:
                seen[one] = None
                continue
            more = [each for each in before[one][::-1] if each not in visited]
            visited.update(more)
            rest += more
        found[name] = list(seen)
    return found
