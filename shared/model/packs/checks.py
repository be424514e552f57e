"""Checks a pack: each part by itself, and the references between parts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from shared.model.events import Json
from shared.model.packs.expressions import check_expressions
from shared.model.packs.faults import Fault, Path
from shared.model.packs.model import Constraint, Entity, Field, FieldType, Pack, Relationship
from shared.model.packs.values import NUMERIC, ORDERED, TEXTUAL, described, has_between, read_value
from shared.patterns import BadPattern, compile_pattern
from shared.patterns.overlap import Overlap, Overlaps
from shared.words import all_of
from shared.yaml import near

MAX_PARTS = 20_000
"""The most entities, fields in all, relationships, rules, edge cases, steps and scenarios."""
MAX_FIELDS = 1_000
"""The most fields of an entity."""
MAX_VALUES = 1_000
"""The most values of an enumeration."""
_PATTERN_WORK = 1_000_000
"""How much is looked at to compare the patterns of a pack with lengths, which takes about a second."""
MAX_NAME, MAX_TITLE, MAX_TEXT = 128, 200, 10_000
"""The most characters of a name or id, of the name of a domain, and of any other text."""


def check_pack(pack: Pack) -> Iterator[Fault]:
    """Everything that is wrong with a pack, part by part."""
    entities = {entity.name: entity for entity in pack.entities}
    yield from _check_texts(pack)
    yield from _check_sizes(pack)
    for entity in pack.entities:
        yield from _check_entity(entity, ("entities", entity.name))
        yield from _check_json_schemas(entity, entities, ("entities", entity.name))
    yield from _check_patterns(pack)
    for number, relationship in enumerate(pack.relationships):
        yield from _check_relationship(relationship, entities, ("relationships", number))
    yield from _check_child_names(pack)
    yield from _check_circles(pack)
    yield from _check_rules(pack, entities)
    yield from check_expressions(pack)
    yield from _check_edge_cases(pack, entities)
    yield from _check_workflows(pack, entities)
    yield from _check_scenarios(pack, entities)


def _check_texts(pack: Pack) -> Iterator[Fault]:
    title = pack.display_name
    if not title.strip() or len(title) > MAX_TITLE or not title.isprintable():
        yield Fault(("display_name",), f"The name of a domain is 1 to {MAX_TITLE} printable characters.")
    for path, text in _texts(pack):
        if len(text) > MAX_TEXT:
            yield Fault(path, f"The text has {len(text):,} characters; up to {MAX_TEXT:,} are allowed.")
        if "\0" in text:
            yield Fault(path, "The text has the character NUL; leave it out.")
    for kind, named in (
        ("entities", [entity.name for entity in pack.entities]),
        ("rules", [rule.id for rule in pack.rules]),
        ("edge_cases", [case.id for case in pack.edge_cases]),
        ("workflows", [workflow.id for workflow in pack.workflows]),
        ("scenarios", [scenario.id for scenario in pack.scenarios]),
    ):
        yield from _check_names(named, (kind,))
    for entity in pack.entities:
        yield from _check_names([field.name for field in entity.fields], ("entities", entity.name, "fields"))
    for workflow in pack.workflows:
        yield from _check_names([step.id for step in workflow.steps], ("workflows", workflow.id, "steps"))


def _texts(pack: Pack) -> Iterator[tuple[Path, str]]:
    yield ("description",), pack.description
    for entity in pack.entities:
        yield ("entities", entity.name, "description"), entity.description
        for field in entity.fields:
            yield ("entities", entity.name, "fields", field.name, "description"), field.description
    for rule in pack.rules:
        yield ("rules", rule.id, "text"), rule.text
    for case in pack.edge_cases:
        yield ("edge_cases", case.id, "text"), case.text
    for workflow in pack.workflows:
        yield ("workflows", workflow.id, "text"), workflow.text
        for step in workflow.steps:
            yield ("workflows", workflow.id, "steps", step.id, "text"), step.text
    for scenario in pack.scenarios:
        yield ("scenarios", scenario.id, "text"), scenario.text


def _check_names(names: Sequence[str], path: Path) -> Iterator[Fault]:
    seen: set[str] = set()
    for name in names:
        if not 0 < len(name) <= MAX_NAME or not name.isprintable() or "`" in name or name != name.strip():
            sentence = f"A name is 1 to {MAX_NAME} printable characters without backquotes, not blank at an end."
            yield Fault((*path, name), sentence)
        if name in seen:
            yield Fault((*path, name), f"`{name}` is there twice; names are unique.")
        seen.add(name)


def _check_sizes(pack: Pack) -> Iterator[Fault]:
    counts: Mapping[str, int] = {
        "entities": max(len(pack.entities), sum(len(entity.fields) for entity in pack.entities)),
        "relationships": len(pack.relationships),
        "rules": len(pack.rules),
        "edge_cases": len(pack.edge_cases),
        "workflows": max(len(pack.workflows), sum(len(workflow.steps) for workflow in pack.workflows)),
        "scenarios": max(len(pack.scenarios), sum(len(scenario.constraints) for scenario in pack.scenarios)),
    }
    for name, count in counts.items():
        if count > MAX_PARTS:
            yield Fault((name,), f"There are {count:,} of them, counting their parts; up to {MAX_PARTS:,} are allowed.")


def _check_entity(entity: Entity, path: Path) -> Iterator[Fault]:
    fields = {field.name: field for field in entity.fields}
    if len(entity.fields) > MAX_FIELDS:
        yield Fault(path, f"There are {len(entity.fields):,} fields; an entity has up to {MAX_FIELDS:,}.")
        return
    if not fields:
        yield Fault(path, f"The entity `{entity.name}` has no fields; give it at least one.")
    for number, name in enumerate(entity.key):
        yield from _known(name, fields, "field", _item((*path, "key"), number, entity.key), entity.name)
        if name in fields and fields[name].nullable:
            yield Fault((*path, "fields", name, "nullable"), f"`{name}` is part of the key, so it cannot be null.")
    for number, names in enumerate(entity.uniques):
        for name in names:
            yield from _known(name, fields, "field", (*path, "uniques", number), entity.name)
    for field in entity.fields:
        yield from _check_field(field, entity, (*path, "fields", field.name))


def _check_field(field: Field, entity: Entity, path: Path) -> Iterator[Fault]:
    yield from _check_bounds(field, field.type, path)
    if field.type is FieldType.MONEY:
        yield from _check_currency(field, entity, path)
    elif field.currency:
        yield Fault((*path, "currency"), f"Only money has a currency, and `{field.name}` is {field.type}.")
    if field.unit and field.type not in NUMERIC - {FieldType.MONEY}:
        yield Fault((*path, "unit"), f"Only numbers have a unit, and `{field.name}` is {field.type}.")
    for name in ("precision", "scale"):
        if getattr(field, name) is not None and field.type not in NUMERIC:
            yield Fault((*path, name), f"Only numbers have a {name}, and `{field.name}` is {field.type}.")
    if field.precision is not None and field.scale is not None and field.scale > field.precision:
        yield Fault((*path, "scale"), "The scale is greater than the precision; it counts some of those digits.")
    for name in ("default", "example"):
        value = getattr(field, name)
        if value is not None:
            yield from _check_value(value, field, (*path, name))


def _check_json_schemas(entity: Entity, entities: Mapping[str, Entity], path: Path) -> Iterator[Fault]:
    for field in entity.fields:
        at = (*path, "fields", field.name, "json_schema")
        if field.json_schema is None:
            continue
        if field.type is not FieldType.JSON:
            yield Fault(at, f"Only json has a JSON Schema, and `{field.name}` is {field.type}.")
        elif not isinstance(field.json_schema, Mapping):
            yield Fault(at, "A JSON Schema is a mapping.")
        for name in _entities_in(field.json_schema):
            if name not in entities:
                yield Fault(at, f"There is no entity `{name}`{near(name, entities) or ''}.")


def _entities_in(schema: Json) -> Iterator[str]:
    """The names in references such as `#/entities/tag`."""
    match schema:
        case {"$ref": str(reference)}:
            yield reference.removeprefix("#/entities/")
        case Mapping():
            for inner in schema.values():
                yield from _entities_in(inner)
        case [*items]:
            for inner in items:
                yield from _entities_in(inner)


def _check_currency(field: Field, entity: Entity, path: Path) -> Iterator[Fault]:
    code = field.currency
    if not code:
        sentence = f"`{field.name}` is money without a currency; name one, such as EUR, or the field that has it."
        yield Fault((*path, "currency"), sentence)
    elif not (len(code) == 3 and code.isascii() and code.isupper()):
        of = entity.field(code)
        if of is None:
            hint = near(code, [one.name for one in entity.fields]) or "; write a code such as EUR, or a field's name"
            yield Fault((*path, "currency"), f"`{code}` is neither a currency nor a field of `{entity.name}`{hint}.")
        elif of.type not in TEXTUAL:
            yield Fault((*path, "currency"), f"`{code}` has the currency, so it should be text; it is {of.type}.")


def _check_bounds(given: Field | Constraint, kind: FieldType, path: Path) -> Iterator[Fault]:
    """Check minimum, maximum, lengths, pattern and values. given: a field, or a constraint of a field of this type."""
    bounds: dict[str, Any] = {}
    for name in ("minimum", "maximum"):
        value = getattr(given, name)
        if value is None:
            if getattr(given, f"exclusive_{name}"):
                yield Fault((*path, f"exclusive_{name}"), f"`exclusive_{name}` needs a `{name}`.")
        elif kind not in ORDERED:
            yield Fault((*path, name), f"A field that is {kind} has no {name}; numbers, money and times have one.")
        elif (read := _read(kind, value)) is None:
            yield Fault((*path, name), f"The {name} of a field that is {kind} is {described(kind)}.")
        else:
            bounds[name] = read
    if len(bounds) == 2 and not _has_between(kind, bounds, given):
        is_excluded = bounds["minimum"] <= bounds["maximum"] and (given.exclusive_minimum or given.exclusive_maximum)
        exclusive = " and one of them is excluded" if is_excluded else ""
        shown = f"The minimum {_shown(given.minimum)} and the maximum {_shown(given.maximum)} leave no value{exclusive}"
        yield Fault((*path, "maximum"), f"{shown}; the maximum should be greater.")
    longest = given.max_length
    if kind not in TEXTUAL:
        for name, is_set in (
            ("min_length", given.min_length),
            ("max_length", longest is not None),
            ("pattern", given.pattern),
        ):
            if is_set:
                yield Fault((*path, name), f"Only text has a {name.replace('_', ' ')}, and this field is {kind}.")
    elif longest is not None and longest < given.min_length:
        sentence = f"Texts of {given.min_length} to {longest} characters do not exist; the greater length comes second."
        yield Fault((*path, "max_length"), sentence)
    if given.pattern:
        try:
            compile_pattern(given.pattern)
        except BadPattern as bad:
            yield Fault((*path, "pattern"), str(bad))
    yield from _check_values(given, kind, bounds, path)


def _check_patterns(pack: Pack) -> Iterator[Fault]:
    """Patterns that no text of their field's lengths matches, as far as _PATTERN_WORK reaches."""
    overlaps = Overlaps(_PATTERN_WORK)
    for entity in pack.entities:
        for field in entity.fields:
            least, most = field.min_length, field.max_length
            if not field.pattern or (most is not None and most < least):
                continue
            if overlaps.of([field.pattern], least, most) is Overlap.NONE:
                long = f"of at least {least} characters" if most is None else f"of {least} to {most} characters"
                sentence = f"No text {long} matches the pattern {field.pattern}; mend the pattern or the lengths."
                yield Fault(("entities", entity.name, "fields", field.name, "pattern"), sentence)


def _check_values(given: Field | Constraint, kind: FieldType, bounds: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    if len(given.values) > MAX_VALUES:
        sentence = f"There are {len(given.values):,} values; up to {MAX_VALUES:,} are allowed."
        yield Fault((*path, "values"), sentence)
    seen: set[Json] = set()
    for number, value in enumerate(given.values[:MAX_VALUES]):
        place = (*path, "values", number)
        read = _read(kind, value)
        if read is None:
            yield Fault(place, f"The values of a field that is {kind} are each {described(kind)}.")
        elif not _within(read, given, bounds):
            yield Fault(place, f"{_shown(value)} lies outside the field's own bounds.")
        elif kind is not FieldType.JSON and value in seen:
            yield Fault(place, f"{_shown(value)} is there twice; write it once.")
        elif kind is not FieldType.JSON:
            seen.add(value)


def _check_value(value: Json, field: Field, path: Path) -> Iterator[Fault]:
    read = _read(field.type, value)
    if read is None:
        yield Fault(path, f"The {path[-1]} of a field that is {field.type} is {described(field.type)}.")
        return
    bounds = {
        name: bound
        for name in ("minimum", "maximum")
        if field.type in ORDERED and (bound := _read(field.type, getattr(field, name))) is not None
    }
    if field.values and value not in field.values:
        known = [one for one in field.values if isinstance(one, str)]
        hint = near(value, known) if isinstance(value, str) else ""
        yield Fault(path, f"{_shown(value)} is none of the values of `{field.name}`{hint}.")
    elif not _within(read, field, bounds):
        yield Fault(path, f"{_shown(value)} lies outside the bounds of `{field.name}`.")


def _within(read: Any, given: Field | Constraint, bounds: Mapping[str, Any]) -> bool:
    """True if a value that was read keeps the bounds, lengths and pattern."""
    least, most = bounds.get("minimum"), bounds.get("maximum")
    if least is not None and (read < least or (given.exclusive_minimum and read == least)):
        return False
    if most is not None and (read > most or (given.exclusive_maximum and read == most)):
        return False
    if not isinstance(read, str):
        return True
    if len(read) < given.min_length or (given.max_length is not None and len(read) > given.max_length):
        return False
    try:
        return not given.pattern or compile_pattern(given.pattern).is_whole(read)
    except BadPattern:
        return True  # reported by itself


def _has_between(kind: FieldType, bounds: Mapping[str, Any], given: Field | Constraint) -> bool:
    above, below = given.exclusive_minimum, given.exclusive_maximum
    scale = given.scale if isinstance(given, Field) else None
    return has_between(kind, bounds["minimum"], bounds["maximum"], above=above, below=below, scale=scale)


def _read(kind: FieldType, value: Json) -> Any:
    """The value as one of this type; None if it is none."""
    try:
        return None if value is None else read_value(kind, value)
    except (ValueError, OverflowError):
        return None


def _check_relationship(relationship: Relationship, entities: Mapping[str, Entity], path: Path) -> Iterator[Fault]:
    sides: dict[str, list[Field | None]] = {}
    for side in ("child", "parent"):
        name, names = getattr(relationship, side), getattr(relationship, f"{side}_fields")
        yield from _known(name, entities, "entity", (*path, side))
        entity = entities.get(name)
        sides[side] = [entity.field(one) if entity else None for one in names]
        if not names:
            yield Fault((*path, f"{side}_fields"), f"A relationship names at least one field of its {side}.")
        for number, one in enumerate(names):
            if entity is not None:
                fields = [field.name for field in entity.fields]
                yield from _known(one, fields, "field", _item((*path, f"{side}_fields"), number, names), entity.name)
    child, parent = sides["child"], sides["parent"]
    if len(child) != len(parent):
        sentence = f"{len(child)} fields of the child cannot equal {len(parent)} fields of the parent; name as many."
        yield Fault((*path, "parent_fields"), sentence)
    for number, (one, other) in enumerate(zip(child, parent, strict=False)):
        if one is None or other is None:
            continue
        if not _may_equal(one.type, other.type):
            sentence = f"`{one.name}` is {one.type} and `{other.name}` is {other.type}; both should have one type."
            yield Fault(_item((*path, "child_fields"), number, relationship.child_fields), sentence)
        if relationship.required and one.nullable:
            sentence = f"`{one.name}` may be null, so the relationship cannot be required; set `required: false`."
            yield Fault((*path, "required"), sentence)
    if relationship.maximum is not None and relationship.maximum < max(relationship.minimum, 1):
        yield Fault((*path, "maximum"), "The most children are fewer than the fewest, or none; make it greater.")


def _may_equal(one: FieldType, other: FieldType) -> bool:
    names = {FieldType.IDENTIFIER, FieldType.TEXT, FieldType.INTEGER}
    return one is other or (FieldType.IDENTIFIER in (one, other) and {one, other} <= names)


def _check_child_names(pack: Pack) -> Iterator[Fault]:
    """A name in rules means one thing: a field, the children of one relationship, or the parent of one."""
    for side, other in (("child_name", "parent"), ("parent_name", "child")):
        seen: set[tuple[str, str]] = set()
        for number, relationship in enumerate(pack.relationships):
            name, owner = getattr(relationship, side), pack.entity(getattr(relationship, other))
            if not name or owner is None:
                continue
            path = ("relationships", number, side)
            if owner.field(name):
                yield Fault(path, f"`{owner.name}` has a field `{name}`; choose another name.")
            if (owner.name, name) in seen:
                yield Fault(path, f"`{name}` means another relationship of `{owner.name}` too; choose another name.")
            seen.add((owner.name, name))


def _check_circles(pack: Pack) -> Iterator[Fault]:
    """No record could come first in a circle of required references."""
    needs: dict[str, dict[str, int]] = {}
    for number, one in enumerate(pack.relationships):
        if one.required:
            needs.setdefault(one.child, {}).setdefault(one.parent, number)
    done: set[str] = set()
    for start in needs:
        trail: dict[str, None] = {}
        pending = [(start, 0)]
        while pending:
            name, depth = pending.pop()
            while len(trail) > depth:
                trail.popitem()
            if name in trail:
                within = [*trail]
                circle = [*within[within.index(name) :], name]
                number = needs[circle[-2]][circle[-1]]
                shown = " → ".join(f"`{one}`" for one in (circle if len(circle) <= 10 else [*circle[:9], "…", name]))
                sentence = f"Required references go in a circle: {shown}; one of them must not be required."
                yield Fault(("relationships", number), sentence)
            elif name not in done:
                trail[name] = None
                done.add(name)
                pending += [(parent, depth + 1) for parent in needs.get(name, ())]


def _check_rules(pack: Pack, entities: Mapping[str, Entity]) -> Iterator[Fault]:
    for rule in pack.rules:
        path = ("rules", rule.id)
        yield from _known(rule.entity, entities, "entity", (*path, "entity"))
        if not rule.text.strip():
            yield Fault((*path, "text"), "A rule says in words what it means.")


def _check_edge_cases(pack: Pack, entities: Mapping[str, Entity]) -> Iterator[Fault]:
    for case in pack.edge_cases:
        path = ("edge_cases", case.id)
        yield from _known(case.entity, entities, "entity", (*path, "entity"))
        entity = entities.get(case.entity)
        if case.field and entity is not None:
            yield from _known(
                case.field, [field.name for field in entity.fields], "field", (*path, "field"), case.entity
            )


def _check_workflows(pack: Pack, entities: Mapping[str, Entity]) -> Iterator[Fault]:
    for workflow in pack.workflows:
        path = ("workflows", workflow.id)
        for number, name in enumerate(workflow.entities):
            yield from _known(name, entities, "entity", _item((*path, "entities"), number, workflow.entities))
        for step in workflow.steps:
            if step.entity:
                yield from _known(step.entity, entities, "entity", (*path, "steps", step.id, "entity"))


def _check_scenarios(pack: Pack, entities: Mapping[str, Entity]) -> Iterator[Fault]:
    workflows = [workflow.id for workflow in pack.workflows]
    cases = {case.id for case in pack.edge_cases}
    for scenario in pack.scenarios:
        path = ("scenarios", scenario.id)
        if scenario.workflow:
            yield from _known(scenario.workflow, workflows, "workflow", (*path, "workflow"))
        for number, name in enumerate(scenario.entities):
            yield from _known(name, entities, "entity", _item((*path, "entities"), number, scenario.entities))
        for number, name in enumerate(scenario.edge_cases):
            yield from _known(name, cases, "edge case", _item((*path, "edge_cases"), number, scenario.edge_cases))
        for number, constraint in enumerate(scenario.constraints):
            yield from _check_constraint(constraint, entities, (*path, "constraints", number))
    if pack.scenarios and not any(scenario.weight for scenario in pack.scenarios):
        yield Fault(("scenarios",), "Every scenario has the weight 0; give one of them a greater weight.")


def _check_constraint(constraint: Constraint, entities: Mapping[str, Entity], path: Path) -> Iterator[Fault]:
    yield from _known(constraint.entity, entities, "entity", (*path, "entity"))
    entity = entities.get(constraint.entity)
    if entity is None:
        return
    field = entity.field(constraint.field)
    if field is None:
        yield from _known(constraint.field, [one.name for one in entity.fields], "field", (*path, "field"), entity.name)
    else:
        yield from _check_bounds(constraint, field.type, path)
        yield from _check_against(constraint, field, path)


def _check_against(constraint: Constraint, field: Field, path: Path) -> Iterator[Fault]:
    """A constraint asks for something that its field can be."""
    for name, other in (("minimum", "maximum"), ("maximum", "minimum")):
        own, bound = _read(field.type, getattr(constraint, name)), _read(field.type, getattr(field, other))
        if own is None or bound is None or field.type not in ORDERED:
            continue
        if (own > bound) if name == "minimum" else (own < bound):
            against = f"the {other} {_shown(getattr(field, other))} of `{field.name}`"
            yield Fault((*path, name), f"The {name} {_shown(getattr(constraint, name))} contradicts {against}.")
    longest = constraint.max_length
    if longest is not None and longest < field.min_length:
        sentence = f"`{field.name}` has at least {field.min_length} characters, so it cannot have at most {longest}."
        yield Fault((*path, "max_length"), sentence)
    if field.max_length is not None and constraint.min_length > field.max_length:
        sentence = (
            f"`{field.name}` has at most {field.max_length} characters, so it cannot have {constraint.min_length}."
        )
        yield Fault((*path, "min_length"), sentence)
    for number, value in enumerate(constraint.values[:MAX_VALUES]):
        if _read(field.type, value) is not None:
            yield from _check_value(value, field, (*path, "values", number))


def _known(name: str, known: Collection[str], what: str, path: Path, of: str = "") -> Iterator[Fault]:
    if name not in known:
        owner = f"`{of}` has no {what}" if of else f"There is no {what}"
        first = [*islice(known, 10)]
        listed = f"{', '.join(first)} and others" if len(known) > len(first) else all_of(first)
        similar = islice((one for one in known if abs(len(one) - len(name)) <= 3), 300)
        hint = near(name, similar) or (f"; there is {listed}" if first else "")
        yield Fault(path, f"{owner} `{name}`{hint}.")


def _item(path: Path, number: int, items: Sequence[Any]) -> Path:
    """The path of an item; a single one may stand without its list."""
    return (*path, number) if len(items) > 1 else path


def _shown(value: Json) -> str:
    return f"`{value}`" if isinstance(value, str | int | float) and len(str(value)) <= 60 else "The value"
