"""Makes a campaign of an n8n workflow."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.synthesizer.campaigns.formats.building import MAX_TEXT, Fields, Names, Use, slug, text_of
from services.synthesizer.campaigns.formats.errors import CampaignImportInvalid
from services.synthesizer.campaigns.formats.imported import Imported, Outcome, Output, Part
from services.synthesizer.campaigns.formats.n8n.actions import Actions, short
from services.synthesizer.campaigns.formats.n8n.conditions import Rule, fallback_of, rules_of
from services.synthesizer.campaigns.formats.n8n.data import Data
from services.synthesizer.campaigns.formats.n8n.flow import Flow, Place, Turn
from services.synthesizer.campaigns.formats.n8n.javascript import Unreadable, parse
from services.synthesizer.campaigns.formats.n8n.kinds import Role, role
from services.synthesizer.campaigns.formats.n8n.meaning import Meaning, quoted
from services.synthesizer.campaigns.formats.n8n.paths import Parts
from services.synthesizer.campaigns.formats.n8n.workflow import Node, Workflow, read_workflow
from shared.errors import Violation
from shared.model.campaigns.conditions import Conditions
from shared.model.campaigns.model import (
    MAX_CONDITION,
    MAX_STEPS,
    Action,
    Branch,
    Campaign,
    Condition,
    Exit,
    FieldType,
    QuietHours,
    Step,
    UpdateContact,
)
from shared.model.expressions import BadExpression

_START, _END = "start", "end"
_MOST_BRANCHES = 200

_Way = tuple[str, int, str]
"""(condition, number of the output, name) of a way out of a node that branches."""


def import_workflow(document: Any, file: str) -> Imported:
    """The campaign of a workflow. Raises CampaignImportInvalid."""
    workflow = read_workflow(document, file)
    fields = Fields()
    answers: dict[str, dict[str, tuple[Use, Parts]]] = {}
    _Import(workflow, fields, Data(workflow, fields, answers), file).run()
    fields.settle()
    return _Import(workflow, fields, Data(workflow, fields, answers), file).run()


@dataclass
class _Told:
    """What is known about a node when all is imported. reached: a contact may come to it."""

    steps: list[str] = field(default_factory=list)
    reasons: dict[str, None] = field(default_factory=dict)
    reached: bool = False


class _Import:
    """One pass over a workflow. In the first one all fields are texts, and conditions are not compiled."""

    def __init__(self, workflow: Workflow, fields: Fields, data: Data, file: str) -> None:
        self._workflow = workflow
        self._fields = fields
        self._file = file
        self._data = data
        self._actions = Actions(self._data, self._say)
        self._flow = Flow(workflow)
        self._ids = Names((_START, _END))
        self._steps: dict[str, Step] = {}
        self._text = 0
        self._places: dict[Place, str] = {}
        self._open: list[Place] = []
        self._told = {name: _Told() for name in workflow.nodes}
        self._outputs: dict[tuple[str, int], dict[tuple[str, str], None]] = {}
        self._evaluated: dict[tuple[str, int, int], bool] = {}
        self._conditions = Conditions(fields.declared()) if fields.settled else None

    def run(self) -> Imported:
        """Import it. Raises CampaignImportInvalid if it cannot begin or takes too many steps."""
        first = self._begin()
        while self._open:
            self._build(self._open.pop())
            if len(self._steps) > MAX_STEPS or self._text > MAX_TEXT:
                most = f"{MAX_STEPS:,} steps or {MAX_TEXT:,} characters"
                why = "it is too large"
                raise self._invalid(why, f"It takes more than {most}, because outputs lead to several nodes.")
        self._steps[_END] = Step(_END, Exit("The workflow is through."))
        campaign = Campaign(
            display_name=self._workflow.name,
            description="Imported from n8n.",
            start=first,
            quiet_hours=QuietHours(0, 0),
            contact=self._fields.declared(),
            steps=tuple(self._ordered(first)),
        )
        outputs = [Output(*key, tuple(edges)) for key, edges in sorted(self._outputs.items())]
        return Imported(campaign, [*self._parts()], outputs, len(self._evaluated), sum(self._evaluated.values()))

    def _begin(self) -> str:
        """The id of the first step."""
        nodes, leads = self._workflow.nodes, self._workflow.outputs
        entered = {one for found in leads.values() for one in found}
        starts = [
            name
            for name, node in nodes.items()
            if role(node) is Role.START and not node.disabled and self._workflow.numbers(name)
        ]
        if not starts:
            first = (Role.MESSAGE, Role.WAIT, Role.SET, Role.CALL, Role.BRANCH)
            starts = [
                name
                for name, node in nodes.items()
                if name not in entered and name not in self._workflow.helps and role(node) in first
            ]
        if not starts:
            raise self._invalid("it has no beginning", "No node is a trigger, and none has no other one before it.")
        for name, node in nodes.items():
            if role(node) is Role.START and name not in starts:
                self._say(name, "It is disabled, or leads to no node.")
        if len(starts) == 1:
            return self._at(Place(Turn(starts[0])))
        use = self._fields.use(("trigger",), "trigger", "The trigger that starts the workflow.")
        slugs = Names()
        named = {name: slugs.of(name, slug(name)) for name in starts}
        use.values, use.default = tuple(named.values()), named[starts[0]]
        branches = []
        for name in starts[1:]:
            self._say(name, f"The workflow starts here if the contact's field `{use.name}` is `{named[name]}`.")
            when = f"contact.{use.name} == '{named[name]}'"
            branches.append(Branch(when, self._at(Place(Turn(name))), named[name]))
        otherwise = self._at(Place(Turn(starts[0])))
        self._steps[_START] = Step(_START, Condition(tuple(branches[:_MOST_BRANCHES]), otherwise))
        return _START

    def _at(self, place: Place | None) -> str:
        """The id of the first step at a place, or behind it if its node takes none."""
        seen = set()
        while place is not None and place not in self._places and place not in seen:
            seen.add(place)
            self._told[place.turn.node].reached = True
            behind = self._behind(place)
            if behind == place:
                self._places[place] = self._ids.of(place, slug(place.turn.node))
                self._open.append(place)
            place = behind
        return _END if place is None or place not in self._places else self._places[place]

    def _behind(self, place: Place) -> Place | None:
        """The place behind one whose node takes no step; the place itself if it takes one."""
        node = self._workflow.nodes[place.turn.node]
        trigger = self._goes_on_at(node)
        if trigger:
            self._say(node.name, f"It goes on at `{trigger}` with the same contact.")
            return Place(Turn(trigger), place.pending)
        branches = role(node) in (Role.BRANCH, Role.LOOP) and not node.disabled
        if branches or any(self._workflow.numbers(node.name)) or self._actions.of(node):
            return place
        return self._flow.after(node.name, 0, place.pending)

    def _build(self, place: Place) -> None:
        """Add the steps of a place."""
        node = self._workflow.nodes[place.turn.node]
        if node.disabled or role(node) not in (Role.BRANCH, Role.LOOP):
            self._play(node, place)
        elif role(node) is Role.LOOP:
            self._loop(node, place)
        else:
            self._branch(node, place)

    def _play(self, node: Node, place: Place) -> None:
        """Add what a node does, and where it leads: to its output, or to another one for errors."""
        here, actions = self._places[place], self._actions.of(node)
        target = self._at(self._flow.after(node.name, 0, place.pending))
        branches = []
        others = [number for number in self._workflow.numbers(node.name) if number > 0]
        for number in others:
            name = "fails" if others == [1] else f"output_{number}"
            told = f"`{node.name}` takes its output {number}."
            use = self._fields.use((node.name, "output", number), f"{slug(node.name)}_{name}", told)
            use.hints.add(FieldType.BOOLEAN)
            self._say(node.name, f"Its output {number} is taken if the contact's field `{use.name}` is true.")
            behind = self._at(self._flow.after(node.name, number, place.pending))
            branches.append(Branch(f"contact.{use.name}", behind, name))
        if branches:
            chosen = self._ids.of((here, "outputs"), f"{here[:50]}_output") if actions else here
            self._add(node.name, Step(chosen, Condition(tuple(branches[:_MOST_BRANCHES]), target)))
            for number, name in ((0, "otherwise"), *zip(others, (one.name for one in branches), strict=True)):
                self._took(node, number, chosen, name)
            target = chosen
        self._chain(node.name, here, actions, target)

    def _chain(self, node: str, here: str, actions: Sequence[Action], target: str) -> None:
        """Add steps one after the other. here: the id of the first."""
        ids = [here] + [self._ids.of((here, one.kind), f"{here[:45]}_{one.kind}") for one in actions[1:]]
        for number, action in enumerate(actions):
            following = "" if isinstance(action, Exit) else [*ids[1:], target][number]
            self._add(node, Step(ids[number], action, following))

    def _loop(self, node: Node, place: Place) -> None:
        """Run the body of a loop for one item, then what is behind it."""
        here = self._places[place]
        numbers = self._workflow.numbers(node.name)
        leads = self._workflow.outputs
        returns = [one for one in numbers if any(map(partial(self._returns, node.name), leads[node.name, one]))]
        body = returns[0] if returns else int(node.version >= 3)
        done = next((number for number in numbers if number != body), 1 - body)
        self._say(node.name, "The loop runs for one item.")
        tag = f"in_{here}"
        inside, out = (self._ids.of((place, way), f"{here[:50]}_{way}") for way in ("begin", "done"))
        self._add(node.name, Step(here, Condition((Branch(f"'{tag}' in tags", out, "done"),), inside)))
        for way, number, action in (
            (inside, body, UpdateContact(add_tags=(tag,))),
            (out, done, UpdateContact(remove_tags=(tag,))),
        ):
            self._add(node.name, Step(way, action, self._at(self._flow.after(node.name, number, place.pending))))
            self._took(node, number, here, "done" if number == done else "otherwise")

    def _returns(self, to: str, node: str) -> bool:
        return node == to or self._flow.leads_to(node, to)

    def _branch(self, node: Node, place: Place) -> None:
        ways = self._ways(node)
        last = 1 if node.kind == "if" else fallback_of(node, len(ways)) if node.kind == "switch" else None
        options = node.parameters.get("options")
        if node.kind == "switch" and isinstance(options, Mapping) and options.get("allMatchingOutputs") is True:
            self._every(node, place, ways, last)
            return
        here, names, branches = self._places[place], Names(("otherwise",)), []
        for number, (when, output, name) in enumerate(ways[:_MOST_BRANCHES]):
            named = names.of(number, name[:50] or f"output {output}")
            target = self._at(self._flow.after(node.name, output, place.pending))
            branches.append(Branch(when, target, named))
            self._took(node, output, here, named)
        behind = self._flow.rest(place.pending) if last is None else self._flow.after(node.name, last, place.pending)
        if last is not None:
            self._took(node, last, here, "otherwise")
        self._add(node.name, Step(here, Condition(tuple(branches), self._at(behind))))

    def _every(self, node: Node, place: Place, ways: Sequence[_Way], last: int | None) -> None:
        """A Switch that takes every output whose rule holds: a condition for each rule, one after the other."""
        here, rule = self._places[place], place.turn.rule
        if rule < len(ways):
            when, output, name = ways[rule]
            left = rule + 1 < len(ways) or last is not None
            pending = (Turn(node.name, rule + 1), *place.pending) if left else place.pending
            target, otherwise = self._at(self._flow.after(node.name, output, pending)), self._flow.rest(pending)
            named = name[:50] or f"output {output}"
            self._took(node, output, here, named)
        else:
            when, named = " || ".join(f"({when})" for when, *_ in ways)[:MAX_CONDITION] or "true", "any"
            target = self._at(self._flow.rest(place.pending))
            otherwise = self._flow.after(node.name, last or 0, place.pending)
            self._took(node, last or 0, here, "otherwise")
        self._add(node.name, Step(here, Condition((Branch(when, target, named),), self._at(otherwise))))

    def _ways(self, node: Node) -> Sequence[_Way]:
        """The ways out of a node that branches, in the order in which they are tried."""
        if node.kind in ("textClassifier", "sentimentAnalysis"):
            return self._classes(node)
        if node.kind == "switch" and node.parameters.get("mode") == "expression":
            return self._numbered(node)
        return [(self._when(node, number, rule), rule.number, rule.name) for number, rule in enumerate(rules_of(node))]

    def _when(self, node: Node, number: int, rule: Rule) -> str:
        """The CEL of a rule. A comparison that has no meaning is a contact field."""
        meaning = Meaning(self._data.scope(node))
        held = []
        for place, comparison in enumerate(rule.comparisons):
            told = short(f"{comparison.left} {comparison.operation} {comparison.right}")
            key = node.name, number, place
            try:
                cel = meaning.comparison(comparison)
                self._compile(cel)
                self._evaluated[key] = True
            except Unreadable as why:
                self._evaluated[key] = False
                use = self._fields.use(key, f"{slug(node.name)}_holds_{number + 1}", f"Whether `{told}` holds.")
                use.hints.add(FieldType.BOOLEAN)
                instead = f"the contact's field `{use.name}` says whether it holds"
                self._say(node.name, f"`{told}` is not evaluated, because {why}; {instead}.")
                cel = f"contact.{use.name}"
            held.append(cel)
        if len(held) < 2:
            return held[0] if held else "true"
        return (" || " if rule.any else " && ").join(f"({one})" if " " in one else one for one in held)

    def _compile(self, cel: str) -> None:
        """Raises Unreadable if the condition is too long, or is not valid with the types that fields have."""
        if len(cel) > MAX_CONDITION // 2:
            raise Unreadable("it is too long")
        try:
            if self._conditions is not None:
                self._conditions.compile(cel)
        except BadExpression as bad:
            raise Unreadable(f"as CEL it is wrong: {str(bad)[:200]}") from None

    def _classes(self, node: Node) -> Sequence[_Way]:
        inside = node.parameters.get("categories")
        listed = inside.get("categories") if isinstance(inside, Mapping) else None
        names = [str(one.get("category")) for one in listed or () if isinstance(one, Mapping)]
        if node.kind == "sentimentAnalysis":
            names = ["Positive", "Neutral", "Negative"]
        use = self._fields.use((node.name, "class"), f"{slug(node.name)}_class", f"The class that `{node.name}` finds.")
        use.hints.add(FieldType.TEXT)
        self._say(node.name, f"Nothing is classified; the contact's field `{use.name}` says the class.")
        return [(f"contact.{use.name} == {quoted(name)}", number, name) for number, name in enumerate(names)]

    def _numbered(self, node: Node) -> Sequence[_Way]:
        """The ways out of a Switch whose output is the number that an expression gives."""
        source = str(node.parameters.get("output") or "")
        key = node.name, 0, 0
        try:
            inside = re.fullmatch(r"=?\s*\{\{(.*)\}\}\s*", source, re.DOTALL)
            value = Meaning(self._data.scope(node)).number(parse(inside[1] if inside else source.removeprefix("=")))
            self._compile(f"{value} == 0.0")
            self._evaluated[key] = True
        except Unreadable as why:
            self._evaluated[key] = False
            use = self._fields.use(key, f"{slug(node.name)}_output", f"The output that `{node.name}` takes.")
            use.hints.add(FieldType.NUMBER)
            instead = f"the contact's field `{use.name}` is the output"
            self._say(node.name, f"`{short(source)}` is not evaluated, because {why}; {instead}.")
            value = f"contact.{use.name}"
        return [(f"{value} == {number}.0", number, "") for number in self._workflow.numbers(node.name)]

    def _goes_on_at(self, node: Node) -> str | None:
        """The trigger at which a workflow goes on that starts itself, if nothing follows; or None."""
        if node.kind != "executeWorkflow" or node.disabled or self._workflow.numbers(node.name):
            return None
        if "$workflow.id" not in json.dumps(node.parameters.get("workflowId") or ""):
            return None
        return next((name for name, one in self._workflow.nodes.items() if one.kind == "executeWorkflowTrigger"), None)

    def _say(self, node: str, reason: str) -> None:
        self._told[node].reasons[reason] = None

    def _add(self, node: str, step: Step) -> None:
        self._steps[step.id] = step
        self._text += text_of(step.action)
        self._told[node].steps.append(step.id)

    def _took(self, node: Node, number: int, step: str, branch: str) -> None:
        """Note the edge that is taken when an output is."""
        if (node.name, number) in self._workflow.outputs:
            self._outputs.setdefault((node.name, number), {})[step, branch] = None

    def _ordered(self, first: str) -> Iterable[Step]:
        """The steps in the order in which contacts come to them."""
        seen: dict[str, None] = {}
        rest = [first]
        while rest:
            one = rest.pop()
            if one not in seen:
                seen[one] = None
                rest += [edge.target for edge in reversed(self._steps[one].edges)]
        return [self._steps[one] for one in seen]

    def _parts(self) -> Iterable[Part]:
        for name, node in self._workflow.nodes.items():
            told = self._told[name]
            if role(node) is Role.NOTE:
                continue
            reasons = tuple(told.reasons)
            outcome = Outcome.APPROXIMATED if reasons else Outcome.READ
            if not told.reached and name in self._workflow.helps:
                outcome = Outcome.LEFT_OUT
                reasons = (f"It is a part of `{self._workflow.helps[name]}`, whose answer is a contact field.",)
            elif not told.reached or (not told.steps and (node.disabled or role(node) is Role.SHAPES) and reasons):
                outcome = Outcome.LEFT_OUT
                reasons = reasons or ("No trigger leads to it.",)
            yield Part(name, node.kind, outcome, tuple(told.steps), reasons)

    def _invalid(self, why: str, sentence: str) -> CampaignImportInvalid:
        problem = Violation("nodes", sentence)
        return CampaignImportInvalid(file=self._file, format="n8n workflow", why=why, violations=[problem])
