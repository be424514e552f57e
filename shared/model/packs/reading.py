"""Reads packs: a YAML document with places, or a document that was stored."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import islice
from typing import Any, cast

from shared.errors import Violation
from shared.model.events import Json
from shared.model.packs.checks import check_pack
from shared.model.packs.errors import PackInvalid
from shared.model.packs.faults import Fault
from shared.model.packs.forms import PACK, Form, Kind
from shared.model.packs.model import Pack
from shared.words import any_of, counted
from shared.yaml import near
from shared.yaml_nodes import Node, Path, Problem, of_json, read_nodes

_LISTED = 100
"""The most problems that one error lists."""
_COUNTED = 1_000
"""Problems are counted up to this number."""


def read_pack(data: bytes, file: str) -> Pack:
    """The pack in a YAML file, checked. Raises BadYaml, and PackInvalid with every problem and its line and column."""
    root, problems = read_nodes(data, file)
    reader = _Reader()
    pack = reader.record(root, PACK, ())
    problems += [problem for problem, _ in reader.wrong]
    faults = (_located(root, fault) for fault in check_pack(pack) if not reader.explains(fault))
    problems += islice(faults, max(0, _COUNTED + 1 - len(problems)))
    if problems:
        raise PackInvalid(file=file, problems=_count(len(problems)), violations=_violations(file, problems))
    return cast(Pack, pack)


def read_document(document: Mapping[str, Json]) -> Pack:
    """The pack in a document that `shared.model.packs.writing.document` made. Raises ValueError."""
    reader = _Reader()
    pack = reader.record(of_json({**document}), PACK, ())
    if reader.wrong:
        raise ValueError(reader.wrong[0][0].sentence)
    return cast(Pack, pack)


def _count(problems: int) -> str:
    return counted(problems, "problem") if problems <= _COUNTED else f"more than {_COUNTED:,} problems"


def _violations(file: str, problems: list[Problem]) -> list[Violation]:
    return [
        Violation(f"{file}:{problem.place.line}:{problem.place.column}", problem.sentence)
        for problem in sorted(set(problems))[:_LISTED]
    ]


def _located(root: Node, fault: Fault) -> Problem:
    node = root.find(fault.path)
    if fault.offset is not None and node is not None and isinstance(node.value, str):
        return Problem(node.within(fault.offset), fault.sentence)
    return Problem(root.at(fault.path), fault.sentence)


class _Reader:
    """Reads nodes by forms. wrong: what is wrong, with the path of the part that is."""

    def __init__(self) -> None:
        self.wrong: list[tuple[Problem, Path]] = []

    def explains(self, fault: Fault) -> bool:
        """True if the fault may only follow from what could not be read."""
        return any(_explains(path, fault) for _, path in self.wrong)

    def record(self, node: Node, form: Form, path: Path, **given: str) -> Any:
        """The part in a node. Members that cannot be read have their default, or are empty."""
        if not isinstance(node.value, dict):
            self._say(node, path, f"{form.what} is a mapping with the keys {any_of(form.members)}.")
            members: dict[str, Node] = {}
        else:
            members = node.value
            for name in members:
                if name not in form.members:
                    known = self._near(name, form.members) or f"; it has {any_of(form.members)}"
                    problem = Problem(node.keys.get(name, node.place), f"{form.what} has no key `{name}`{known}.")
                    self.wrong.append((problem, (*path, name)))
        values: dict[str, Any] = {**given}
        for name, kind in form.members.items():
            if name in members and not (members[name].value is None and form.defaults.get(name, "") is None):
                values[name] = self._member(members[name], kind, (*path, name), form.defaults.get(name))
            elif name not in form.defaults:
                if isinstance(node.value, dict):
                    self._say(node, (*path, name), f"{form.what} needs the key `{name}`.")
                values[name] = _nothing(kind)
        return form.part(**values)

    def _member(self, node: Node, kind: Any, path: Path, default: Any) -> Any:
        if isinstance(kind, Form):
            return self.record(node, kind, path) if kind.alone else self._parts(node, kind, path)
        if isinstance(kind, Kind):
            read, fits = _READ[kind]
            value = node.json()
            if fits(value):
                return read(value)
            quoted = "; quote it" if kind is Kind.TEXT and isinstance(value, int | float) else ""
            self._say(node, path, f"`{path[-1]}` should be {kind.value}{quoted}.")
        else:
            choices: type[StrEnum] = kind
            known = [one.value for one in choices]
            if node.value in known:
                return choices(node.value)
            shown = f"`{node.value}`" if isinstance(node.value, str) else "this"
            hint = self._near(node.value, known) if isinstance(node.value, str) else ""
            self._say(node, path, f"`{path[-1]}` cannot be {shown}; it is {any_of(known)}{hint}.")
        return _nothing(kind) if default is None else default

    def _parts(self, node: Node, form: Form, path: Path) -> tuple[Any, ...]:
        inside = node.value
        if inside is None:
            return ()
        if form.named_by and isinstance(inside, dict):
            named = form.named_by
            return tuple(self.record(one, form, (*path, name), **{named: name}) for name, one in inside.items())
        if not form.named_by and isinstance(inside, list):
            return tuple(self.record(one, form, (*path, number)) for number, one in enumerate(inside))
        shape = f"a mapping by {form.named_by}" if form.named_by else "a list"
        self._say(node, path, f"`{path[-1]}` should be {shape}.")
        return ()

    def _say(self, node: Node, path: Path, sentence: str) -> None:
        self.wrong.append((Problem(node.place, sentence), path))

    def _near(self, name: str, known: Iterable[str]) -> str:
        """As `near`, which takes its time, for the problems that may be listed."""
        return near(name, known) if len(self.wrong) < _LISTED else ""


def _explains(wrong: Path, fault: Fault) -> bool:
    if fault.path[: len(wrong)] == wrong:
        return True
    if wrong[-1:] == ("type",) and len(wrong) > 1:
        field = wrong[-2]
        compared = fault.path[0] == "relationships" or "constraints" in fault.path
        if fault.path[: len(wrong) - 1] == wrong[:-1] or (compared and f"`{field}`" in fault.sentence):
            return True
    return fault.offset is not None and wrong[0] in ("entities", "relationships") and wrong[-1] in _SEEN_BY_RULES


_SEEN_BY_RULES = frozenset(
    (
        "entities",
        "relationships",
        "fields",
        "type",
        "currency",
        "values",
        "child",
        "parent",
        "child_name",
        "parent_name",
    )
)
"""Keys of entities and relationships that decide what expressions mean."""


def _nothing(kind: Any) -> Any:
    if isinstance(kind, Form):
        return ()
    if isinstance(kind, Kind):
        return () if kind in (Kind.NAMES, Kind.SETS, Kind.VALUES) else _EMPTY.get(kind)
    return next(iter(kind))


_EMPTY: Mapping[Kind, Any] = {Kind.TEXT: "", Kind.FLAG: False, Kind.COUNT: 0, Kind.WEIGHT: 0.0}


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_names(value: Json) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _names(value: Json) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


_READ: Mapping[Kind, tuple[Callable[[Json], Any], Callable[[Json], bool]]] = {
    Kind.TEXT: (str, lambda value: isinstance(value, str)),
    Kind.FLAG: (bool, lambda value: isinstance(value, bool)),
    Kind.COUNT: (int, lambda value: _is_number(value) and isinstance(value, int) and value < 2**31),
    Kind.WEIGHT: (float, _is_number),
    Kind.ANY: (lambda value: value, lambda _: True),
    Kind.NAMES: (_names, _is_names),
    Kind.SETS: (
        lambda value: tuple(map(_names, value)),
        lambda value: isinstance(value, list) and all(map(_is_names, value)),
    ),
    Kind.VALUES: (tuple, lambda value: isinstance(value, list)),
}
"""By kind: how a JSON value is read, and whether it fits."""
