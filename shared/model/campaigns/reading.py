"""Reads campaigns: a YAML or JSON document with places, or a document that was made of one."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, cast

from shared.errors import Violation
from shared.model.campaigns.errors import CampaignInvalid
from shared.model.campaigns.forms import CAMPAIGN, FIELD_NAME, KINDS, STEP, Choice, Form, Items, Value
from shared.model.campaigns.model import Campaign, Field, FieldType, Step, has_type
from shared.model.events import Json
from shared.words import any_of, counted
from shared.yaml import near
from shared.yaml_nodes import Node, Problem, of_json, read_nodes

_LISTED = 100
"""The most problems that one error lists."""


def read_campaign(data: bytes, file: str) -> Campaign:
    """The campaign in a YAML or JSON file.

    Raises BadYaml, and CampaignInvalid with every problem and its line and column. Whether its steps make sense is what
    checks say.
    """
    root, problems = read_nodes(data, file)
    reader = _Reader()
    campaign = reader.record(root, CAMPAIGN, CAMPAIGN.what)
    problems += reader.problems
    if problems:
        listed = [
            Violation(f"{file}:{one.place.line}:{one.place.column}", one.sentence)
            for one in sorted(set(problems))[:_LISTED]
        ]
        raise CampaignInvalid(file=file, problems=counted(len(problems), "problem"), violations=listed)
    return cast(Campaign, campaign)


def read_document(document: Mapping[str, Json]) -> Campaign:
    """The campaign in a document that `shared.model.campaigns.writing.document` made. Raises ValueError."""
    reader = _Reader()
    campaign = reader.record(of_json({**document}), CAMPAIGN, CAMPAIGN.what)
    if reader.problems:
        raise ValueError(reader.problems[0].sentence)
    return cast(Campaign, campaign)


class _Reader:
    """Reads nodes by forms. problems: what is wrong."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def record(self, node: Node, form: Form, what: str, **given: Any) -> Any:
        """The part in a node, or None if it cannot be read. what: the part in sentences."""
        members = self._mapping(node, what, form.members)
        before = len(self.problems)
        if members is None:
            return None
        self._check_keys(node, members, form.members, what)
        values = dict(given)
        for name, kind in form.members.items():
            if name in members and members[name].value is not None:
                values[name] = self._member(members[name], kind, name, what)
            elif name not in form.defaults:
                self._say(node, f"{what} needs the key `{name}`.")
        return form.part(**values) if len(self.problems) == before else None

    def step(self, node: Node, number: int) -> Step | None:
        """The step in a node. number: its position from 1."""
        members = self._mapping(node, f"Step {number}", [*STEP.members, *KINDS])
        if members is None:
            return None
        before = len(self.problems)
        named = members["id"].value if "id" in members else None
        what = f"The step `{named}`" if isinstance(named, str) and named else f"Step {number}"
        self._check_keys(node, members, [*STEP.members, *KINDS], what)
        values = {
            name: self._member(members[name], STEP.members[name], name, what)
            for name in STEP.members
            if name in members
        }
        if "id" not in members:
            self._say(node, f"{what} needs the key `id`.")
        kinds = [name for name in members if name in KINDS]
        if len(kinds) == 1:
            form, inside = KINDS[kinds[0]], members[kinds[0]]
            if inside.value is None:
                inside = Node({}, inside.place)
            values["action"] = self.record(inside, form, f"{what}, {kinds[0]}")
        elif kinds:
            self._say(node, f"{what} has the kinds {' and '.join(kinds)}; a step has one.")
        elif all(name in STEP.members for name in members):
            self._say(node, f"{what} needs one of the keys {any_of(KINDS)}.")
        return Step(**values) if len(self.problems) == before and kinds else None

    def _mapping(self, node: Node, what: str, keys: Iterable[str]) -> dict[str, Node] | None:
        if isinstance(node.value, dict):
            return node.value
        self._say(node, f"{what} should be a mapping with the keys {any_of(keys)}.")
        return None

    def _check_keys(self, node: Node, members: Mapping[str, Node], known: Iterable[str], what: str) -> None:
        for name in members:
            if name not in known:
                hint = self._near(name, known) or f"; it has {any_of(known)}"
                place = node.keys.get(name, node.place)
                self.problems.append(Problem(place, f"{what} has no key `{_short(name)}`{hint}."))

    def _member(self, node: Node, kind: Value | Choice | Items | Form, name: str, what: str) -> Any:
        match kind:
            case Value():
                return self._value(node, kind, f"{what}: `{name}`")
            case Choice(of):
                return self._choice(node, of, name, what)
            case Form():
                return self.record(node, kind, kind.what)
            case Items():
                return self._items(node, kind, name, what)

    def _value(self, node: Node, kind: Value, which: str) -> Any:
        try:
            return kind.read(node.json())
        except ValueError:
            self._say(node, f"{which} should be {kind.what}{_shown(node.value)}.")
            return None

    def _choice(self, node: Node, choices: type[StrEnum], name: str, what: str) -> Any:
        known = [one.value for one in choices]
        if isinstance(node.value, str) and node.value in known:
            return choices(node.value)
        hint = self._near(node.value, known) if isinstance(node.value, str) else ""
        self._say(node, f"{what}: `{name}` should be {any_of(known)}{_shown(node.value)}{hint}.")
        return None

    def _items(self, node: Node, kind: Items, name: str, what: str) -> Any:
        form = kind.of
        if isinstance(form, Form) and form.named:
            return self._fields(node, form, kind.most, what)
        if not isinstance(node.value, list):
            self._say(node, f"{what}: `{name}` should be a list.")
            return ()
        if len(node.value) > kind.most:
            self._say(node, f"{what}: `{name}` has {len(node.value):,} items, and may have {kind.most:,}.")
            return ()
        if form is STEP:
            return tuple(self.step(one, number) for number, one in enumerate(node.value, 1))
        if isinstance(form, Form):
            return tuple(self.record(one, form, f"{what}, {name} {place}") for place, one in enumerate(node.value, 1))
        return tuple(self._value(one, form, f"{what}: an item of `{name}`") for one in node.value)

    def _fields(self, node: Node, form: Form, most: int, what: str) -> Any:
        members = self._mapping(node, f"`contact` of {what[0].lower()}{what[1:]}", ["the names of contact fields"])
        if members is None or len(members) > most:
            if members is not None:
                self._say(node, f"{what} has {len(members):,} contact fields, and may have {most:,}.")
            return ()
        read = []
        for name, inside in members.items():
            place = Node(name, node.keys.get(name, inside.place))
            self._value(place, FIELD_NAME, "The name of a contact field")
            one = self.record(
                inside if inside.value is not None else Node({}, inside.place),
                form,
                f"The contact field `{_short(name)}`",
                name=name,
            )
            if one is not None:
                self._check_field(inside, one)
            read.append(one)
        return tuple(read)

    def _check_field(self, node: Node, field: Field) -> None:
        for value in (*field.values, *(() if field.default is None else (field.default,))):
            if not has_type(value, field.type):
                self._say(
                    node, f"The contact field `{field.name}` is of type {field.type.value}, and {value!r} is not."
                )
        if (field.minimum, field.maximum) != (None, None) and field.type not in (FieldType.INTEGER, FieldType.NUMBER):
            self._say(node, f"The contact field `{field.name}` has bounds and is of type {field.type.value}.")
        if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
            self._say(node, f"The contact field `{field.name}` has a minimum above its maximum.")

    def _say(self, node: Node, sentence: str) -> None:
        self.problems.append(Problem(node.place, sentence))

    def _near(self, name: str, known: Iterable[str]) -> str:
        """As `near`, which takes its time, for the problems that may be listed."""
        return near(name, known) if len(self.problems) < _LISTED and len(name) <= _NEAR else ""


_NEAR = 100
"""The longest name to look for a near one."""


def _short(text: str) -> str:
    return text if len(text) <= _NEAR else f"{text[:_NEAR]}…"


def _shown(value: Any) -> str:
    return f", not `{_short(str(value))}`" if isinstance(value, str | int | float) else ""
