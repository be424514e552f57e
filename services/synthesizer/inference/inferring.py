"""Infers a procedure and personas from observations."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from services.synthesizer.inference.commonest import Commonest
from services.synthesizer.inference.model import Inferred, InferredPersona, InferredTool, SchemaSupport, Support
from services.synthesizer.inference.observing import MOST_TOOLS, Observations, Observed
from services.synthesizer.inference.schemas import schema_of
from services.synthesizer.inference.steps import steps_in
from services.synthesizer.personas.model import (
    DecisionSpeed,
    ObjectionLikelihood,
    Persona,
    Personality,
    ResponseLength,
)
from services.synthesizer.procedures.checks import check_revision
from shared.llm.briefs import Measured
from shared.model.steps import Schema, Step, Tool

MOST_CHECKED = 150_000
"""Characters of recorded results, as JSON, that `check_recorded` can check within its work budget."""
MOST_SCHEMAS = 300_000
"""Characters of all schemas, as JSON; as a message, they fit into a revision."""
MOST_PERSONAS = 7
"""As many as there are built-in personas."""


def infer(seen: Observations) -> Inferred:
    """What the conversations show."""
    notes = list[str]()
    tools = tuple(_fitting(list(_tools(seen, notes)), notes))
    instructions, instructions_support = _instructions(seen.instructions, notes)
    if not tools:
        notes.append("No conversation calls or offers a tool, so there are none.")
    steps, steps_support = _steps(seen, tools, notes)
    personas = tuple(_personas(seen.measured))
    if not personas:
        notes.append("No customer wrote two messages, so no personas were measured.")
    return Inferred(
        instructions=instructions,
        instructions_support=instructions_support,
        steps=steps,
        steps_support=steps_support,
        tools=tools,
        personas=personas,
        notes=tuple(notes),
    )


def _instructions(texts: Commonest, notes: list[str]) -> tuple[str, Support | None]:
    """The commonest system text; if it is rare, those of its lines that most of the texts have."""
    text, records = texts.best()
    if not text:
        notes.append("No conversation has a system text, so the instructions are empty: write what the agent must do.")
        return "", None
    parts = {one: set(one.split("\n")) for one in texts.counts}
    known = sum(texts.counts.values())
    counts = Counter[str]()
    for one, lines in parts.items():
        counts.update(dict.fromkeys(lines, texts.counts[one]))
    shared = [line for line in text.split("\n") if 2 * counts[line] > known or not line.strip()]
    if 2 * records > texts.total or not any(map(str.strip, shared)):
        return text, Support(records, texts.total)
    notes.append("The system texts differ; the instructions are the lines that most of them have.")
    records = sum(count for one, count in texts.counts.items() if parts[one].issuperset(shared))
    return "\n".join(shared).strip("\n"), Support(records, known)


def _steps(
    seen: Observations, tools: Sequence[InferredTool], notes: list[str]
) -> tuple[tuple[Step, ...], Support | None]:
    """The steps, if the conversations show one order and the customers say what the tools take."""
    recorded = {one.tool.name: (one.tool, seen.tools[one.tool.name].arguments) for one in tools if one.calls}
    if not recorded:
        return (), None
    found = seen.orders.one()
    if found is None or not recorded.keys() >= set(found[0]):
        notes.append("The conversations do not show one order of the tools, so there are no steps.")
        return (), None
    order, support = found
    steps = steps_in(order, seen.orders, recorded)
    if steps is None or check_revision(steps, [one.tool for one in tools]):
        notes.append("The customers do not say all that the tools take, so there are no steps.")
        return (), None
    return steps, support


def _tools(seen: Observations, notes: list[str]) -> Iterator[InferredTool]:
    checked = _checked(seen.tools)
    for name, observed in seen.tools.items():
        if observed.calls and observed.unknown == observed.calls:
            notes.append(f"The tool {name!r} was left out: every call of it failed with an error that names it.")
            continue
        inferred = _tool(name, observed, notes)
        if name not in checked:
            notes.append(f"{name} has no schema of its results: they are too large to be checked in a rehearsal.")
            inferred = replace(inferred, tool=replace(inferred.tool, result_schema={}), results=())
        if wrong := check_revision((), (inferred.tool,), path=""):
            notes.append(f"The tool {name!r} was left out: {wrong[0].description}")
        else:
            yield inferred
    if seen.more_tools:
        notes.append(f"A procedure has up to {MOST_TOOLS} tools; those that come later in the file were left out.")


def _fitting(tools: Sequence[InferredTool], notes: list[str]) -> Iterator[InferredTool]:
    """The tools, the largest without schemas if all together are too large for a revision."""
    sizes = [len(json.dumps([one.tool.arguments_schema, one.tool.result_schema])) for one in tools]
    sums = dict(zip(sorted(range(len(tools)), key=sizes.__getitem__), accumulate(sorted(sizes)), strict=True))
    for number, one in enumerate(tools):
        if sums[number] <= MOST_SCHEMAS:
            yield one
        else:
            notes.append(f"{one.tool.name} has no schemas: those of all tools are too large for a procedure.")
            yield replace(one, tool=Tool(one.tool.name, one.tool.description), arguments=(), results=())


def _checked(tools: Mapping[str, Observed]) -> set[str]:
    """The names of the tools whose results, those of a conversation together, are small enough to be checked."""
    names = sorted(tools, key=lambda name: tools[name].longest)
    sums = accumulate(tools[name].longest for name in names)
    return {name for name, characters in zip(names, sums, strict=True) if characters <= MOST_CHECKED}


def _tool(name: str, observed: Observed, notes: list[str]) -> InferredTool:
    offer, offers = observed.offers.best()
    description, offered = json.loads(offer) if offer else ("", {})
    arguments, argument_supports = (offered, ()) if offered else _arguments(name, observed, notes)
    results, result_supports = schema_of(observed.results, named=False)
    answer, answer_records = observed.answers.best()
    return InferredTool(
        tool=Tool(name, description, arguments, results),
        calls=observed.calls,
        conversations=observed.conversations,
        offers=offers,
        answers=observed.answered,
        arguments=argument_supports,
        results=result_supports,
        answer=json.loads(answer) if answer else None,
        answer_records=answer_records,
    )


def _arguments(name: str, observed: Observed, notes: list[str]) -> tuple[Schema, tuple[SchemaSupport, ...]]:
    """The schema of the recorded arguments. An argument is left out if only the calls without it succeeded."""
    members = observed.arguments.members
    failed = [one for one in members if observed.accepted and one not in observed.accepted]
    notes += [f"The argument {one!r} of {name} was left out: every call with it failed." for one in failed]
    accepted = {one: place for one, place in members.items() if one not in failed}
    return schema_of(replace(observed.arguments, members=accepted), named=True)


def _personas(measured: Mapping[Measured, int]) -> Iterator[InferredPersona]:
    """The commonest ways to write: by language, tone and length."""
    alike: dict[tuple[str, str, str], Counter[Measured]] = defaultdict(Counter)
    for writes, records in measured.items():
        alike[writes.language, writes.tone, writes.response_length][writes] += records
    commonest = sorted(alike.values(), key=Counter.total, reverse=True)[:MOST_PERSONAS]
    for group in commonest:
        yield InferredPersona(_persona(group), Support(group.total(), sum(measured.values())))


def _persona(group: Counter[Measured]) -> Persona:
    """The persona of customers who share language, tone and length. Its other traits are those of most of them."""
    one = next(iter(group))
    length, language = one.response_length.lower(), f", {one.language}" if one.language else ""
    speeds, objections, traits = Counter[str](), Counter[str](), Counter[str]()
    for writes, records in group.items():
        speeds[writes.decision_speed] += records
        objections[writes.objection_likelihood] += records
        traits.update(dict.fromkeys(writes.traits, records))
    return Persona(
        name="",
        display_name=f"{one.tone.capitalize()} customer, {length} messages{language}",
        description=f"A customer who writes {length} messages in this tone: {one.tone}.",
        personality=Personality(
            one.tone,
            ResponseLength(one.response_length),
            DecisionSpeed(speeds.most_common(1)[0][0]),
            ObjectionLikelihood(objections.most_common(1)[0][0]),
        ),
        behaviour_traits=tuple(trait for trait, records in traits.items() if 2 * records > group.total()),
        language=one.language,
    )
