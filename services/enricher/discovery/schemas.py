"""Objects of JSON Schema as entities, for JSON Schema itself and for OpenAPI."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from services.enricher.discovery.names import unique_name
from services.enricher.discovery.places import shown
from shared.model.events import Json
from shared.model.packs.model import Entity, Field, FieldType, Rule
from shared.model.packs.values import read_value
from shared.patterns import BadPattern, compile_pattern
from shared.rules.printer import show_name

Miss = Callable[[str, str, str], None]
"""(pointer, construct, reason): name a construct that was not read."""
Schema = Mapping[str, Any]

MAX_DEPTH = 40
"""How deep references and parts of schemas are followed."""
MAX_ENTITIES = 5_000

_FORMATS = {
    "date": FieldType.DATE,
    "date-time": FieldType.DATETIME,
    "time": FieldType.TIME,
    "uuid": FieldType.IDENTIFIER,
}
_TYPES = {
    "string": FieldType.TEXT,
    "integer": FieldType.INTEGER,
    "number": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "array": FieldType.JSON,
    "object": FieldType.JSON,
}
_NAMES = {"uri": "url"}
_OF_SHAPES = (
    "enum const format pattern minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems "
    "uniqueItems"
).split()
"""What a JSON Schema of a JSON field keeps of the schema that it comes from."""
_READ = frozenset(
    "$ref type properties required description title enum const format pattern minLength maxLength minimum maximum "
    "exclusiveMinimum exclusiveMaximum multipleOf default example examples nullable allOf anyOf oneOf items $defs "
    "definitions dependentRequired".split()
)
_ANNOTATIONS = frozenset(
    "$schema $id $anchor $comment $vocabulary id deprecated readOnly writeOnly xml externalDocs additionalProperties "
    "unevaluatedProperties additionalItems contentEncoding contentMediaType".split()
)
"""What says nothing about the values of fields, or what packs mean anyhow: a record has no further fields."""


@dataclass(slots=True)
class Merged:
    """A schema with its references followed and its allOf put together. nullable: null is allowed too."""

    schema: dict[str, Any]
    pointer: str
    target: str = ""
    nullable: bool = False


@dataclass(slots=True)
class Schemas:
    """Reads the schemas of one document. names: of the entity of each pointer that is or will be one."""

    document: Any
    miss: Miss
    entities: dict[str, Entity] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def declare(self, pointer: str, name: str) -> None:
        """Say that an object stands at a pointer, so that references to it can name it."""
        if pointer not in self.names:
            self.names[pointer] = unique_name(name, set(self.names.values()))

    def is_object(self, pointer: str, schema: Any) -> bool:
        """True if the schema is an object with fields."""
        return bool(self._merge(schema, pointer, quiet=True).schema.get("properties"))

    def check(self, pointer: str, schema: Any) -> None:
        """Name what cannot be read of a schema that is no object, such as a reference that leads nowhere."""
        self._merge(schema, pointer)

    def entity(self, pointer: str, schema: Any) -> None:
        """Read the object at a pointer that was declared."""
        name = self.names[pointer]
        if name in self.entities:
            return
        if len(self.entities) >= MAX_ENTITIES:
            self.miss(pointer, name, f"More than {MAX_ENTITIES:,} objects are not read.")
            return
        merged = self._merge(schema, pointer)
        properties = merged.schema.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            self.miss(pointer, name, "An object without properties has no fields.")
            return
        self.entities[name] = Entity(name)  # an object may have itself as a part
        required = {one for one in _list(merged.schema.get("required")) if isinstance(one, str)}
        for unknown in sorted(required - set(properties)):
            self.miss(f"{merged.pointer}/required", unknown, f"The required property {unknown} is not described.")
        fields: dict[str, Field] = {}
        for key, value in properties.items():
            read = self._field(
                name, key, value, f"{merged.pointer}/properties/{_escaped(key)}", key in required, fields
            )
            if read is not None:
                fields[read.name] = read
        self._dependent(name, merged, fields)
        self._unread(merged.schema, merged.pointer)
        self.entities[name] = Entity(
            name,
            _text(merged.schema.get("description") or merged.schema.get("title")),
            tuple(fields.values()),
            origin=pointer,
        )

    def _dependent(self, name: str, merged: Merged, fields: Mapping[str, Field]) -> None:
        for key, others in _map(merged.schema.get("dependentRequired")).items():
            for other in _list(others):
                if key in fields and other in fields:
                    text = f"A record with {key} has {other} too."
                    self._rule(
                        f"{name}_{key}_needs_{other}",
                        name,
                        text,
                        f"{show_name(key)} is null or {show_name(other)} is not null",
                        merged.pointer,
                    )

    def _field(
        self, entity: str, key: str, schema: Any, pointer: str, required: bool, others: Mapping[str, Field]
    ) -> Field | None:
        if schema is False:
            self.miss(pointer, key, "Nothing is allowed as its value, so it is left out.")
            return None
        merged = self._merge(schema, pointer)
        rules = merged.schema
        kind = self._kind(merged)
        description = _text(rules.get("description") or rules.get("title"))
        shape = None
        if kind is FieldType.JSON:
            description = " ".join(filter(None, [description, self._contents(entity, key, merged)]))
            shape = self._shape(schema, merged.pointer, f"{entity}_{key}") or None
        nullable = not required or merged.nullable
        limits = self._limits(kind, rules, merged.pointer)
        name = unique_name(key, others)
        made = Field(name, kind, description, nullable=nullable, json_schema=shape, **limits)
        self._multiple(entity, made, rules, merged.pointer)
        self._unread(rules, merged.pointer)
        return made

    def _kind(self, merged: Merged) -> FieldType:
        rules, types = merged.schema, _types(merged.schema)
        values = _values(rules)
        if not types and values:
            types = [
                one
                for one, kinds in _OF_VALUES
                if all(isinstance(value, kinds) and isinstance(value, bool) == (one == "boolean") for value in values)
            ][:1]
        if not types and ("pattern" in rules or "maxLength" in rules or "minLength" in rules):
            types = ["string"]
        if len(types) == 1 and types[0] in _TYPES:
            kind = _TYPES[types[0]]
            return _FORMATS.get(str(rules.get("format")), kind) if kind is FieldType.TEXT else kind
        if set(types) == {"integer", "number"}:
            return FieldType.NUMBER
        if types:
            self.miss(f"{merged.pointer}/type", json.dumps(types), "A field has one type; it is read as any JSON.")
        return FieldType.JSON

    def _contents(self, entity: str, key: str, merged: Merged) -> str:
        """What a list or an object has inside, in words; objects that stand there become entities."""
        rules, pointer = merged.schema, merged.target or merged.pointer
        if "array" in _types(rules) or "items" in rules:
            items = rules.get("items", True)
            inner = self._merge(items, f"{merged.pointer}/items")
            if inner.schema.get("properties"):
                return f"A list of `{self._part(inner, f'{entity}_{key}')}`."
            types = _types(inner.schema)
            return f"A list of {types[0]}s." if len(types) == 1 else "A list."
        if rules.get("properties"):
            return f"A `{self._part(Merged(rules, pointer, merged.target), f'{entity}_{key}')}`."
        return ""

    def _shape(self, schema: Any, pointer: str, name: str, depth: int = 0) -> dict[str, Any]:
        """The JSON Schema of a value, in which objects are entities; of several alternatives it is the first."""
        merged = self._merge(schema, pointer, quiet=True)
        rules = merged.schema
        if rules.get("properties") and depth < MAX_DEPTH:
            return {"$ref": f"#/entities/{self._part(merged, name)}"}
        shape = {key: rules[key] for key in _OF_SHAPES if key in rules}
        types = _types(rules)
        if "array" in types or ("items" in rules and not types):
            items = self._shape(rules.get("items", True), f"{merged.pointer}/items", name, depth + 1)
            return {**shape, "type": "array", "items": items or {"type": "string"}}
        if isinstance(others := rules.get("additionalProperties"), Mapping) and others:
            inner = self._shape(others, f"{merged.pointer}/additionalProperties", name, depth + 1)
            return {"type": "object", "additionalProperties": inner or {"type": "string"}}
        if types or shape:
            return {**shape, **({"type": types[0]} if types else {})}
        for word in ("oneOf", "anyOf"):
            for number, one in enumerate(_list(schema.get(word)) if isinstance(schema, Mapping) else ()):
                found = self._shape(one, f"{pointer}/{word}/{number}", f"{name}_{number}", depth + 1)
                if found and found.get("type") != "null":
                    return found
        return {}

    def _part(self, merged: Merged, name: str) -> str:
        """The entity of an object inside of another."""
        pointer = merged.target or merged.pointer
        if pointer not in self.names:
            self.declare(pointer, name)
            self.entity(pointer, merged.schema)
        return self.names[pointer]

    def _limits(self, kind: FieldType, rules: Schema, pointer: str) -> dict[str, Any]:
        limits: dict[str, Any] = {}
        if kind in (FieldType.TEXT, FieldType.IDENTIFIER):
            limits = {"min_length": _count(rules.get("minLength")) or 0, "max_length": _count(rules.get("maxLength"))}
            limits["format"] = _NAMES.get(str(rules.get("format", "")), str(rules.get("format", "")))
            if pattern := rules.get("pattern"):
                limits["pattern"] = self._pattern(str(pattern), pointer)
        elif kind in (FieldType.INTEGER, FieldType.NUMBER):
            limits = _bounds(rules)
        for name in (
            ()
            if limits.get("max_length") or kind in (FieldType.TEXT, FieldType.IDENTIFIER)
            else ("minLength", "maxLength", "pattern")
        ):
            if name in rules:
                self.miss(f"{pointer}/{name}", json.dumps(rules[name]), f"A field that is {kind} has no {name}.")
        if values := tuple(one for one in _values(rules) if one is not None):
            limits["values"] = self._fitting(values, kind, f"{pointer}/enum")
        for name, given in (("default", rules.get("default")), ("example", _example(rules))):
            if given is not None and (fitting := self._fitting((given,), kind, f"{pointer}/{name}")):
                if limits.get("values") and fitting[0] not in limits["values"]:
                    self.miss(
                        f"{pointer}/{name}", shown(json.dumps(given)), f"The {name} is none of the field's values."
                    )
                else:
                    limits[name] = fitting[0]
        return limits

    def _pattern(self, pattern: str, pointer: str) -> str:
        """The pattern for a whole text; JSON Schema's may match anywhere in it."""
        whole = pattern
        if pattern.startswith("^") and pattern.endswith("$") and not pattern.endswith("\\$") and "|" not in pattern:
            whole = pattern[1:-1]
        else:
            whole = f"(?s:.*)(?:{pattern})(?s:.*)"
        try:
            compile_pattern(whole)
        except BadPattern as bad:
            self.miss(f"{pointer}/pattern", pattern, str(bad))
            return ""
        return whole

    def _fitting(self, values: tuple[Any, ...], kind: FieldType, pointer: str) -> tuple[Json, ...]:
        """The values that a field of this type can have; the others are named."""
        fitting: list[Json] = []
        for value in values:
            try:
                read_value(kind, value)
            except (ValueError, OverflowError):
                self.miss(pointer, shown(json.dumps(value, default=str)), f"A field that is {kind} has no such value.")
            else:
                fitting += [value] if value not in fitting or kind is FieldType.JSON else []
        return tuple(fitting)

    def _multiple(self, entity: str, made: Field, rules: Schema, pointer: str) -> None:
        step = rules.get("multipleOf")
        if step is None or isinstance(step, bool) or not isinstance(step, int | float) or step <= 0:
            return
        if isinstance(step, int) or step.is_integer():
            text = f"{made.name} is a multiple of {int(step)}."
            self._rule(
                f"{entity}_{made.name}_multiple", entity, text, f"{show_name(made.name)} % {int(step)} == 0", pointer
            )
        else:
            self.miss(f"{pointer}/multipleOf", str(step), "Only multiples of whole numbers become rules.")

    def _rule(self, rule_id: str, entity: str, text: str, expression: str, pointer: str) -> None:
        rule_id = unique_name(rule_id, self.rules)
        self.rules[rule_id] = Rule(rule_id, entity, text, expression=expression, origin=pointer)

    def _unread(self, rules: Schema, pointer: str) -> None:
        for key, value in rules.items():
            if key not in _READ and key not in _ANNOTATIONS and not key.startswith("x-"):
                reason = f"A pack has no place for {key}."
                self.miss(f"{pointer}/{_escaped(key)}", shown(json.dumps(value, default=str)), reason)

    def _merge(self, schema: Any, pointer: str, *, quiet: bool = False) -> Merged:
        """Follow references and put allOf together; what cannot be put together is named."""
        return self._merged(schema, pointer, (), quiet)

    def _merged(self, schema: Any, pointer: str, seen: tuple[str, ...], quiet: bool) -> Merged:
        if not isinstance(schema, Mapping):
            if schema is not True and not quiet:
                self.miss(pointer, shown(json.dumps(schema, default=str)), "This is no schema; it is read as any JSON.")
            return Merged({}, pointer)
        merged = Merged(
            {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "anyOf", "oneOf")}, pointer
        )
        merged.nullable = (
            bool(schema.get("nullable")) or "null" in _list(schema.get("type")) or None in _list(schema.get("enum"))
        )
        if isinstance(reference := schema.get("$ref"), str):
            self._follow(merged, reference, seen, quiet)
        parts = _list(schema.get("allOf"))
        alone = len(parts) == 1 and "properties" not in merged.schema
        for number, part in enumerate(parts):
            inner = self._merged(part, f"{pointer}/allOf/{number}", seen, quiet)
            _put(merged, inner)
            if alone:
                merged.target = merged.target or inner.target
        for word in ("anyOf", "oneOf"):
            if word in schema:
                self._alternatives(merged, _list(schema[word]), f"{pointer}/{word}", seen, quiet)
        return merged

    def _follow(self, merged: Merged, reference: str, seen: tuple[str, ...], quiet: bool) -> None:
        found, target = self._target(reference)
        if reference in seen or len(seen) > MAX_DEPTH:
            if not quiet:
                self.miss(
                    merged.pointer, f"$ref {reference}", "The reference leads back to itself, so it says nothing."
                )
        elif found is None:
            if not quiet:
                self.miss(merged.pointer, f"$ref {reference}", "The reference leads to nothing in this file.")
        else:
            inner = self._merged(found, target, (*seen, reference), quiet)
            own = dict(merged.schema)
            merged.schema, merged.nullable = {**inner.schema, **own}, merged.nullable or inner.nullable
            merged.target = inner.target or target

    def _target(self, reference: str) -> tuple[Any, str]:
        """What a reference points at, and its pointer; (None, "") if it is not in this document."""
        if not reference.startswith("#"):
            return None, ""
        at: Any = self.document
        for part in reference[1:].split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            if isinstance(at, Mapping):
                at = at.get(part)
            elif isinstance(at, list) and part.isdigit() and int(part) < len(at):
                at = at[int(part)]
            else:
                return None, ""
        return at, reference

    def _alternatives(self, merged: Merged, some: list[Any], pointer: str, seen: tuple[str, ...], quiet: bool) -> None:
        """anyOf and oneOf: one shape and null, or one type with all values; otherwise any JSON."""
        inner = [self._merged(one, f"{pointer}/{number}", seen, quiet=True) for number, one in enumerate(some)]
        real = [one for one in inner if _types(one.schema) != ["null"] and one.schema.get("enum") != [None]]
        merged.nullable = merged.nullable or len(real) < len(inner) or any(one.nullable for one in real)
        if len(real) == 1:
            _put(merged, real[0])
            merged.target = merged.target or real[0].target
            return
        kinds = {tuple(_types(one.schema)) for one in real}
        values = [_values(one.schema) for one in real]
        if len(kinds) == 1 and all(values):
            merged.schema["enum"] = [value for some_values in values for value in some_values]
            merged.schema.setdefault("type", next(iter(kinds))[0] if next(iter(kinds)) else None)
            return
        if all(set(one.schema) <= {"required"} for one in real) and not quiet:
            self.miss(
                pointer,
                shown(json.dumps(some, default=str)),
                "Which of several properties are required depends on the others.",
            )
        elif not quiet:
            self.miss(pointer, shown(json.dumps(some, default=str)), "A field has one shape; it is read as any JSON.")


_OF_VALUES: tuple[tuple[str, Any], ...] = (
    ("boolean", bool),
    ("string", str),
    ("integer", int),
    ("number", (int, float)),
)


def _put(merged: Merged, inner: Merged) -> None:
    """Add what a part of allOf says: properties and required ones of all parts, the rest of the first that says it."""
    for key, value in inner.schema.items():
        if key == "properties":
            merged.schema[key] = {**_map(value), **_map(merged.schema.get(key))}
        elif key == "required":
            merged.schema[key] = [*_list(merged.schema.get(key)), *_list(value)]
        else:
            merged.schema.setdefault(key, value)
    merged.nullable = merged.nullable or inner.nullable


def _bounds(rules: Schema) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for side, word in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        bound, exclusive = _number(rules.get(side)), rules.get(word)
        if isinstance(exclusive, bool):
            limits |= {side: bound, f"exclusive_{side}": exclusive and bound is not None}
            continue
        edge = _number(exclusive)
        stricter = edge is not None and (bound is None or (edge >= bound if side == "minimum" else edge <= bound))
        limits |= {side: edge if stricter else bound, f"exclusive_{side}": stricter}
    return limits


def _types(rules: Schema) -> list[str]:
    """The types of a schema without null."""
    given = rules.get("type")
    types = [given] if isinstance(given, str) else [one for one in _list(given) if isinstance(one, str)]
    if not types and ("properties" in rules or "additionalProperties" in rules):
        types = ["object"]
    return [one for one in types if one != "null"] or types


def _values(rules: Schema) -> list[Any]:
    return [rules["const"]] if "const" in rules else _list(rules.get("enum"))


def _example(rules: Schema) -> Any:
    examples = rules.get("examples")
    return rules.get("example", examples[0] if isinstance(examples, list) and examples else None)


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str) else ""


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def definitions(document: Mapping[str, Any], *path: str) -> Iterator[tuple[str, str, Any]]:
    """(pointer, name, schema) of each schema in a mapping of the document."""
    at: Any = document
    for part in path:
        at = _map(at).get(part)
    for name, schema in _map(at).items():
        yield f"#/{'/'.join((*path, _escaped(name)))}", name, schema
