"""Decides which edges no contact can take, and which contacts may take the others.

The fields and tags that no step changes keep their values on the way. For every step it is found with which of their
combinations a contact may come to it: the union over the edges that lead to it, of those combinations of the step
before with which its condition may lead there. An edge without any is proven unreachable; others may still be so.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from shared.model.campaigns.model import (
    Branch,
    Campaign,
    Condition,
    Edge,
    Field,
    SendEmail,
    SendSms,
    Split,
    Step,
    UpdateContact,
    WaitForReply,
)
from shared.model.campaigns.solving import Expression, Solver, Space, named
from shared.model.events import Json
from shared.model.expressions import BadExpression

MAX_KEPT = 4_096
"""The most combinations of fields that keep their values; further fields count as any value at each condition."""
MAX_SOLVED = 1 << 18
"""A condition with more combinations than this is taken to lead anywhere."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What was found about a campaign.

    unreachable: why no contact takes an edge, as a sentence, by edge. kept: the values of the names that keep theirs,
    such as `contact.plan` or `tags 'vip'`. combinations: those with which a contact may take an edge, as the bits of
    an integer; the value of the first name changes with every bit.
    """

    unreachable: Mapping[Edge, str]
    kept: Mapping[str, Sequence[Any]]
    combinations: Mapping[Edge, int]

    def example(self, edge: Edge, drawn: float) -> Mapping[str, Any]:
        """Values with which a contact may take an edge, by name. drawn: picks one of them, in [0, 1)."""
        bits = self.combinations[edge]
        for _ in range(int(drawn * bits.bit_count())):
            bits &= bits - 1
        at = (bits & -bits).bit_length() - 1
        found = {}
        for name, values in self.kept.items():
            at, number = divmod(at, len(values))
            found[name] = values[number]
        return found


def reach(campaigns: Sequence[Campaign], contact: Mapping[str, Json], tags: Iterable[str], most: int) -> list[Reach]:
    """What is found about each of the campaigns that a contact is in at once.

    contact, tags: those that every contact has. most: the steps that a contact takes at most.
    """
    updates = [step.action for one in campaigns for step in one.steps if isinstance(step.action, UpdateContact)]
    fields = {name for update in updates for name in update.fields}
    changed = {f"contact.{name}" for name in fields}
    changed |= {f"tags {tag!r}" for update in updates for tag in (*update.add_tags, *update.remove_tags)}
    known = {f"contact.{name}": value for name, value in contact.items() if value is not None}
    known |= {f"tags {tag!r}": True for tag in tags}
    return [_Campaign(one, changed, known, most).reach() for one in campaigns]


class _Campaign:
    def __init__(self, campaign: Campaign, changed: set[str], known: Mapping[str, Json], most: int) -> None:
        self._campaign = campaign
        self._most = most
        self._steps = {step.id: step for step in reversed(campaign.steps)}
        # An update may give a field any value of its type.
        fields = [
            Field(one.name, one.type, default=one.default) if f"contact.{one.name}" in changed else one
            for one in campaign.contact
        ]
        self._solver = Solver(fields)
        self._parsed: dict[str, Sequence[Expression]] = {}
        self._bad: dict[str, str] = {}
        for step in self._steps.values():
            if isinstance(step.action, Condition):
                self._parse(step.id, step.action.branches)
        literals, _ = named(one for parsed in self._parsed.values() for one in parsed)
        values = {
            name: (known[name],) if name in known else self._solver.values(name, found)
            for name, found in literals.items()
            if name.startswith(("contact.", "tags ")) and name not in changed
        }
        self._kept: dict[str, Sequence[Any]] = {}
        size = 1
        for name in sorted(values, key=lambda one: (len(values[one]), one)):
            if size * len(values[name]) <= MAX_KEPT:
                self._kept[name] = values[name]
                size *= len(values[name])
        self._all = (1 << size) - 1
        self._size = size
        self._ways: dict[tuple[Expression, ...], Sequence[int]] = {}
        self._alone: dict[Edge, str] = {}

    def _parse(self, step: str, branches: Sequence[Branch]) -> None:
        parsed = []
        for branch in branches:
            try:
                parsed.append(self._solver.parse(branch.when))
            except BadExpression as bad:
                # Later branches are not evaluated, because the step fails here.
                self._bad[step] = str(bad)
                break
        self._parsed[step] = parsed

    def reach(self) -> Reach:
        ways = {step.id: self._leads(step) for step in self._steps.values()}
        combinations: dict[Edge, int] = {}
        at = dict.fromkeys(self._steps, 0)
        first = self._campaign.first
        rest: deque[str] = deque()
        if first in at:
            at[first] = self._all
            rest.append(first)
        while rest:
            here = rest.popleft()
            for edge, may in ways[here]:
                combinations[edge] = combinations.get(edge, 0) | (at[here] & may)
                new = combinations[edge] & ~at.get(edge.target, self._all)
                if new:
                    at[edge.target] |= new
                    rest.append(edge.target)
        distances = self._distances(ways, at)
        unreachable = {}
        for step in self._campaign.steps:
            for edge in step.edges:
                why = self._why(step, edge, at, distances, combinations.get(edge, 0))
                if why:
                    unreachable[edge] = why
        return Reach(unreachable, self._kept, combinations)

    def _why(
        self, step: Step, edge: Edge, at: Mapping[str, int], distances: Mapping[str, int], combinations: int
    ) -> str:
        """Why nobody takes an edge; "" if somebody may."""
        if self._steps[step.id] is not step and edge not in self._steps[step.id].edges:
            return f"Another step has the id `{step.id}`, and is the one that is performed."
        if edge in self._alone:
            return self._alone[edge]
        if not at[step.id]:
            return f"No contact can come to `{step.id}`."
        if not combinations:
            return f"No contact for whom it holds can come to `{step.id}`: the conditions before it exclude that."
        if distances.get(step.id, self._most) >= self._most:
            return f"It takes {distances[step.id]:,} steps to come to `{step.id}`, and a contact takes {self._most:,}."
        return ""

    def _distances(self, ways: Mapping[str, Sequence[tuple[Edge, int]]], at: Mapping[str, int]) -> dict[str, int]:
        """The fewest steps that a contact takes before each step to which it can come."""
        found = {self._campaign.first: 0}
        rest = deque(found)
        while rest:
            step = rest.popleft()
            for edge, may in ways.get(step, ()):
                if edge.target not in found and at.get(step, 0) & may:
                    found[edge.target] = found[step] + 1
                    rest.append(edge.target)
        return found

    def _leads(self, step: Step) -> Sequence[tuple[Edge, int]]:
        """The edges of a step, each with the combinations of those at the step with which it may be taken."""
        match step.action:
            case Condition():
                return self._decided(step)
            case Split(arms):
                drawn = [arm for arm in arms if arm.weight > 0] or arms[-1:]
                chosen = {Edge(step.id, arm.name, arm.next) for arm in drawn}
                self._alone |= {
                    edge: f"The arm `{edge.branch}` has the weight 0." for edge in step.edges if edge not in chosen
                }
                return [(edge, self._all if edge in chosen else 0) for edge in step.edges]
            case WaitForReply() if step.id not in self._after_messages:
                silent = next((edge for edge in step.edges if edge.branch == "reply"), None)
                if silent is not None:
                    self._alone[silent] = "No message is sent before, so that there is nothing to reply to."
                return [(edge, self._all) for edge in step.edges if edge is not silent]
            case _:
                return [(edge, self._all) for edge in step.edges]

    @cached_property
    def _after_messages(self) -> set[str]:
        """The steps to which ways lead from messages."""
        rest = [step.id for step in self._steps.values() if isinstance(step.action, SendSms | SendEmail)]
        found: set[str] = set()
        while rest:
            step = self._steps.get(rest.pop())
            for edge in step.edges if step is not None else ():
                if edge.target not in found:
                    found.add(edge.target)
                    rest.append(edge.target)
        return found

    def _decided(self, step: Step) -> Sequence[tuple[Edge, int]]:
        """The edges of a condition."""
        assert isinstance(step.action, Condition)
        parsed = tuple(self._parsed[step.id])
        if parsed not in self._ways:
            self._ways[parsed] = self._taken(parsed)
        taken = self._ways[parsed]
        found: dict[Edge, int] = {}
        named_branches = [(name, branch.next, branch.when) for name, branch in step.action.named]
        for number, (name, target, when) in enumerate([*named_branches, ("otherwise", step.action.otherwise, "")]):
            edge = Edge(step.id, name, target)
            if not edge.target:
                continue
            may = 0
            if step.id in self._bad and number >= len(parsed):
                self._alone.setdefault(edge, f"The step fails: {self._bad[step.id]}")
            elif taken:
                may = taken[number]
                if not may:
                    self._alone.setdefault(edge, self._never(parsed[number], when) if when else _EVERY)
            else:
                may = self._all
            found[edge] = found.get(edge, 0) | may
            if found[edge]:
                self._alone.pop(edge, None)
        return list(found.items())

    def _never(self, one: Expression, when: str) -> str:
        alone = self._taken((one,))
        if alone and not alone[0]:
            return f"Its condition holds for no contact: {when}"
        return f"Whenever its condition holds, an earlier branch is taken: {when}"

    def _taken(self, parsed: Sequence[Expression]) -> Sequence[int]:
        """For each condition, and for the else after them, the combinations with which it may be taken.

        Empty if there are too many to try.
        """
        literals, opaque = named(parsed)
        own = {name: self._solver.values(name, found) for name, found in literals.items() if name not in self._kept}
        inner = prod(map(len, (*own.values(), *opaque.values())))
        if inner * self._size > MAX_SOLVED:
            return ()
        space = Space({**own, **self._kept}, opaque)
        before, found = space.all, []
        for one in parsed:
            true, false = space.pair(one)
            found.append(_projected(before & true, inner, self._size))
            before &= false
        return [*found, _projected(before, inner, self._size)]


_EVERY = "One of its branches is taken for every contact."


def _projected(among: int, inner: int, outer: int) -> int:
    """The outer combinations of which at least one inner combination is among the given ones."""
    if inner == 1 or not among:
        return among
    text = f"{among:0{inner * outer}b}"
    return int("".join("01"["1" in text[at : at + inner]] for at in range(0, len(text), inner)), 2)
