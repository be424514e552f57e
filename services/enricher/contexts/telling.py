"""Tells a context as text, for people and for language models. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from services.enricher.contexts.model import Context
from services.enricher.knowledge.model import Match
from services.enricher.patterns.model import Pattern, Plan
from shared.model.events import Json
from shared.model.packs.model import (
    Constraint,
    EdgeCase,
    Entity,
    Field,
    FieldType,
    Pack,
    Relationship,
    Severity,
    Workflow,
)
from shared.words import counted

MAX_TEXT, MAX_CUSTOMER_TEXT = 32 << 10, 16 << 10
"""The most characters of a text, and of one for customers; what follows is left out, and the text says so."""
_PATTERN = 500
"""The most characters of the sentence about a pattern."""
_SHOWN = 5
"""How many hints, constraints and scenarios of a pattern that sentence has."""
_VALUES = 12
"""How many values of an enumeration a text lists."""


def tell(pack: Pack, context: Context, names: frozenset[str]) -> str:
    """The context as text in sections, at most MAX_TEXT characters. names: the entities that it is about."""
    return _joined(_sections(pack, context, names), MAX_TEXT)


def tell_customers(
    pack: Pack, names: frozenset[str], workflows: Iterable[Workflow], edge_cases: Iterable[EdgeCase]
) -> str:
    """What customers may know, as text of at most MAX_CUSTOMER_TEXT characters: no rules, and nothing of fields.

    names: the entities that it is about.
    """
    return _joined(_for_customers(pack, names, workflows, edge_cases), MAX_CUSTOMER_TEXT)


def _joined(sections: Iterable[Sequence[str]], most: int) -> str:
    text = "\n\n".join("\n".join(section) for section in sections)
    if len(text) <= most:
        return text
    end = "\n\nThe rest is left out, because it is too long."
    return text[: most - len(end)].rsplit("\n", 1)[0] + end


def tell_documents(matches: Iterable[Match]) -> str:
    """The passages that were found as a last section, or "" if there are none."""
    passages = [f"- {one.document.title} ({one.document.source}): {' '.join(one.passage.split())}" for one in matches]
    return "\n".join(["\n\nWhat documents say", *passages]) if passages else ""


def tell_pattern(pattern: Pattern) -> str:
    """A pattern as one sentence, up to _PATTERN characters."""
    request, plan = pattern.request, pattern.plan or Plan()
    shares = ", ".join(f"{share:.0%} {name}" for name, share in list(plan.shares.items())[:_SHOWN])
    told = [
        f"A similar request gave {counted(pattern.records, 'record')} of quality {pattern.quality:.2f}",
        *(f"it asked “{hint}”" for hint in request.hints[:_SHOWN]),
        *map(tell_constraint, request.constraints[:_SHOWN]),
        *([f"scenarios: {shares}"] if shares else []),
    ]
    text = "; ".join(told) + "."
    return text if len(text) <= _PATTERN else text[: _PATTERN - 1] + "…"


def tell_constraint(one: Constraint) -> str:
    """A constraint in a few words, such as `total: at least 1000, at most 5000`."""
    values = " or ".join(map(str, one.values))
    given = "always given" if one.nullable is False else ""
    return f"{one.field}: {', '.join(filter(None, [*tell_bounds(one), values, given]))}"


def _sections(pack: Pack, context: Context, names: frozenset[str]) -> Iterator[Sequence[str]]:
    yield [pack.display_name, *([pack.description] if pack.description else [])]
    for entity in pack.entities:
        if entity.name in names:
            yield list(_entity(entity, context.relationships, full=context.entity is not None))
    if context.rules:
        yield ["What must be true", *(f"- {_rule(rule.text, rule.severity)}" for rule in context.rules)]
    for workflow in context.workflows:
        yield list(_workflow(workflow))
    if context.scenarios:
        yield ["Scenarios", *(f"- {one.id}: {one.text}" for one in context.scenarios)]
    if context.edge_cases:
        cases = (f"- {case.category} ({_about(case.entity, case.field)}): {case.text}" for case in context.edge_cases)
        yield ["Edge cases", *cases]


def _for_customers(
    pack: Pack, names: frozenset[str], workflows: Iterable[Workflow], edge_cases: Iterable[EdgeCase]
) -> Iterator[Sequence[str]]:
    yield [pack.display_name, *([pack.description] if pack.description else [])]
    entities = (one for one in pack.entities if one.name in names)
    yield ["What it deals with", *(": ".join(filter(None, (_words(one.name), one.description))) for one in entities)]
    for workflow in workflows:
        steps = (f"{number}. {step.text}" for number, step in enumerate(workflow.steps, 1))
        yield [_how(workflow), *steps]
    if cases := [f"- {case.text}" for case in edge_cases]:
        yield ["What may happen", *cases]


def _entity(entity: Entity, relationships: Iterable[Relationship], *, full: bool) -> Iterator[str]:
    yield f"{entity.name}: {entity.description}" if entity.description else entity.name
    for field in entity.fields if full else ():
        yield f"- {field.name}: {_field(field)}"
    for one in relationships:
        if one.child == entity.name:
            yield f"- Each {one.child} {_belongs(one)}."
        elif one.parent == entity.name and full:
            yield f"- Each {one.parent} has {_children(one)}."


def _belongs(one: Relationship) -> str:
    other = f" as its {one.parent_name}" if one.parent_name not in ("", one.parent) else ""
    return f"{'belongs' if one.required else 'may belong'} to one {one.parent}{other}"


def _children(one: Relationship) -> str:
    name = one.child_name or one.child
    match one.minimum, one.maximum:
        case 0, None:
            return f"any number of {name}"
        case least, None:
            return f"{least} or more {name}"
        case 0, most:
            return f"up to {most} {name}"
        case least, most:
            return f"{least} to {most} {name}" if least != most else f"exactly {most} {name}"


def _field(field: Field) -> str:
    parts = [_kind(field), *tell_bounds(field)]
    if field.unique:
        parts.append("no two the same")
    if field.nullable:
        parts.append("may be missing")
    if field.derived:
        parts.append(f"always {field.derived}")
    said = ", ".join(parts)
    return f"{said}. {field.description}" if field.description else said


def _kind(field: Field) -> str:
    if field.values:
        shown = ", ".join(_shown(value) for value in field.values[:_VALUES])
        more = len(field.values) - _VALUES
        return f"one of {shown}" + (f" and {more} more" if more > 0 else "")
    if field.type is FieldType.MONEY:
        return f"an amount in minor units of {field.currency}"
    name = field.format or field.type.value
    return f"{name} in {field.unit}" if field.unit else name


def tell_bounds(one: Field | Constraint) -> Iterator[str]:
    """The bounds of the values, in a few words each."""
    if one.minimum is not None:
        yield f"{'more than' if one.exclusive_minimum else 'at least'} {_shown(one.minimum)}"
    if one.maximum is not None:
        yield f"{'less than' if one.exclusive_maximum else 'at most'} {_shown(one.maximum)}"
    if one.min_length and not one.values:
        yield f"at least {one.min_length} characters"
    if one.max_length is not None and not one.values:
        yield f"at most {one.max_length} characters"


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _rule(text: str, severity: Severity) -> str:
    match severity:
        case Severity.ERROR:
            return text
        case Severity.WARNING:
            return f"{text} (Otherwise it is doubtful.)"
        case Severity.INFO:
            return f"{text} (Worth knowing.)"


def _workflow(workflow: Workflow) -> Iterator[str]:
    yield _how(workflow)
    for number, step in enumerate(workflow.steps, 1):
        yield f"{number}. {step.text}"
        if step.validations:
            yield f"   Before: {' '.join(step.validations)}"
        if step.outcomes:
            yield f"   How it may end: {' '.join(step.outcomes)}"


def _how(workflow: Workflow) -> str:
    return f"How {_words(workflow.id)} works: {workflow.text}"


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _about(entity: str, field: str) -> str:
    return f"{entity}.{field}" if field else entity
