"""YAML whose values keep their places, so that every problem of a file can be named with line and column, all at once.

As strict as `shared.yaml.load`: bounded size and depth, no tags, no aliases, no repeated keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, cast

import yaml

from shared.limits import MAX_YAML
from shared.model.events import Json
from shared.yaml import BadYaml, Scalars

MAX_DEPTH = 64
"""The deepest nesting of lists and mappings."""
MAX_NODES = 500_000
"""The most values of a file, keys included; each takes about 20 microseconds and 200 bytes."""
_LARGEST = 2**63

Path = tuple[str | int, ...]
"""Where a value is: the keys and indexes that lead to it."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file; line and column count characters from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at a place: one sentence."""

    place: Place
    sentence: str


@dataclass(slots=True)
class Node:
    """A value with its place. value: a scalar, a list of nodes, or a dict of nodes.

    source: a text as it stands in the file, with quotes or the head of its block; "" for others.
    keys: the places of the keys of a mapping.
    """

    value: Any
    place: Place
    source: str = ""
    keys: dict[str, Place] = field(default_factory=dict)

    def json(self) -> Json:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: node.json() for name, node in self.value.items()}
        return [node.json() for node in self.value] if isinstance(self.value, list) else self.value

    def at(self, path: Path) -> Place:
        """The place of the value at a path, or of what is there of the path; of its key, if the value is a mapping."""
        node, place = self, self.place
        for step in path:
            inside = node._step(step)
            if inside is None:
                break
            is_named = isinstance(inside.value, dict) and isinstance(node.value, dict)
            place = node.keys[str(step)] if is_named else inside.place
            node = inside
        return place

    def find(self, path: Path) -> "Node | None":
        """The node at a path, or None."""
        node: Node | None = self
        for step in path:
            node = None if node is None else node._step(step)
        return node

    def _step(self, step: str | int) -> "Node | None":
        inside = self.value
        if isinstance(inside, dict):
            return inside.get(step)
        return inside[step] if isinstance(inside, list) and isinstance(step, int) and step < len(inside) else None

    def within(self, offset: int) -> Place:
        """The place of the character at an offset of a text. Folded lines, quotes and blocks change only whitespace."""
        text = str(self.value)
        start = self.source.find("\n") + 1 if self.source[:1] in ("|", ">") else 0
        at = start
        for character in text[: offset + 1].split():
            for one in character:
                found = self.source.find(one, at)
                if found < 0:
                    return self.place
                at = found + 1
        last = max(at - 1, 0)
        if offset >= len(text) or text[offset : offset + 1].isspace():
            last += 1
        before = self.source[:last]
        lines = before.count("\n")
        column = last - before.rfind("\n") if lines else self.place.column + last
        return Place(self.place.line + lines, column)


def of_json(value: Json) -> Node:
    """A JSON value as a node without places."""
    nowhere = Place(0, 0)
    if isinstance(value, dict):
        return Node({name: of_json(member) for name, member in value.items()}, nowhere)
    return Node([of_json(item) for item in value] if isinstance(value, list) else value, nowhere)


def read_nodes(data: bytes, file: str) -> tuple[Node, list[Problem]]:
    """Parse one document: its root, and what is wrong with its keys and numbers.

    file: the name to use in errors. Raises BadYaml, with line and column, for bad syntax, aliases, unknown tags, too
    deep nesting, more than one document and more than 4 MiB.
    """
    if len(data) > MAX_YAML:
        raise BadYaml(file=file, why="it is larger than 4 MiB")
    try:
        text = data.decode("utf-8-sig")
        composer = _Composer(text)
        return composer.document(yaml.parse(text, Loader=yaml.CSafeLoader)), sorted(composer.problems)
    except _Refused as refused:
        raise BadYaml(file=file, why=str(refused)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadYaml(file=file, why=f"{where}{error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        raise BadYaml(file=file, why="it is not YAML in UTF-8") from None


class _Refused(Exception):
    pass


class _Composer:
    """Makes nodes of the events of a parser."""

    def __init__(self, text: str) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._scalars = Scalars()

    def document(self, events: Iterator[Any]) -> Node:
        root: Node | None = None
        open_nodes: list[tuple[Node, list[Node]]] = []
        count = 0
        for event in events:
            count += 1
            if count > MAX_NODES:
                raise _Refused(f"it has more than {MAX_NODES:,} values")
            where = f"line {event.start_mark.line + 1}, column {event.start_mark.column + 1}"
            if isinstance(event, yaml.AliasEvent):
                raise _Refused(f"{where} has the alias *{event.anchor}; write its value out")
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                raise _Refused(f"{where} begins another document; a file has one")
            if isinstance(event, yaml.CollectionStartEvent):
                if event.tag is not None:
                    raise _Refused(f"{where} has the tag {event.tag}; leave it out")
                if len(open_nodes) == MAX_DEPTH:
                    raise _Refused(f"{where} is nested more than {MAX_DEPTH} deep; make it flatter")
                is_map = isinstance(event, yaml.MappingStartEvent)
                open_nodes.append((Node({} if is_map else [], _place(event.start_mark)), []))
                continue
            if isinstance(event, yaml.ScalarEvent):
                done = self._scalar(event, where)
            elif isinstance(event, yaml.CollectionEndEvent):
                done, inside = open_nodes.pop()
                self._fill(done, inside)
            else:
                continue
            if open_nodes:
                open_nodes[-1][1].append(done)
            else:
                root = done
        return Node(None, Place(1, 1)) if root is None else root

    def _scalar(self, event: yaml.ScalarEvent, where: str) -> Node:
        if event.tag is not None:
            raise _Refused(f"{where} has the tag {event.tag}; leave it out")
        place = _place(event.start_mark)
        try:
            value = self._scalars.value(event.value, plain=event.implicit[0])
            is_number = not isinstance(value, float) or isfinite(value)
        except ValueError:
            value, is_number = 0, False
        if not is_number or (isinstance(value, int) and not -_LARGEST <= value < _LARGEST):
            self.problems.append(Problem(place, "A number is finite, and a whole one has up to 64 bits."))
            value = 0
        start, end = cast(Any, event.start_mark), cast(Any, event.end_mark)
        source = self._text[start.index : end.index] if isinstance(value, str) else ""
        return Node(value, place, source)

    def _fill(self, node: Node, inside: list[Node]) -> None:
        if isinstance(node.value, list):
            node.value = inside
            return
        for key, value in zip(inside[::2], inside[1::2], strict=True):
            name = key.value
            if not isinstance(name, str):
                self.problems.append(Problem(key.place, "A key is text; quote it."))
            elif name in node.value:
                first = node.keys[name].line
                self.problems.append(Problem(key.place, f"The key `{name}` is on line {first} too; write it once."))
            else:
                node.value[name], node.keys[name] = value, key.place


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)
