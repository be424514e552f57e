"""Reads lines that are JSON objects: checks their ids and the types and sizes of their fields."""

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from jiter import from_json

from services.synthesizer.imports.model import Problem, Record
from shared.model.events import Json
from shared.model.numbers import INEXACT, inexact
from shared.yaml import unknown_keys

R = TypeVar("R", bound=Record)
ReadLine = Callable[[Mapping[str, Json], int], Iterable[R | Problem]]
"""(a line's object, its number) → its record and problems. May raise BadLine, which becomes a Problem."""


class BadLine(Exception):
    """The line cannot be read. reason, description: as in Problem."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason
        self.description = description


def read_lines(read: ReadLine[R], lines: Iterable[bytes]) -> Iterator[R | Problem]:
    """Apply a format's reader to each line; each line yields a record, problems, or both."""
    first_lines: dict[str, int] = {}
    number = 0
    for number, line in enumerate(lines, start=1):
        items = read_line(read, line, number)
        for item in items:
            if not isinstance(item, Problem):
                first = first_lines.setdefault(item.external_id, number)
                if first != number:
                    sentence = f"The id {item.external_id!r} is on line {first} too; ids are unique in a file."
                    items = [Problem(number, "DUPLICATE_ID", sentence)]
                    break
        yield from items
    if number == 0:
        yield Problem(1, "EMPTY_FILE", "The file is empty; it should have one JSON object a line.")


def read_line(read: ReadLine[R], line: bytes, number: int) -> list[R | Problem]:
    """Apply a format's reader to a line."""
    try:
        return list(read(parsed(line), number))
    except BadLine as bad:
        return [Problem(number, bad.reason, bad.description)]


def parsed(line: bytes) -> Mapping[str, Json]:
    """The JSON object on a line. Raises BadLine."""
    try:
        record = from_json(line, allow_inf_nan=False)
    except ValueError:
        record = _parsed_slowly(line)
    if not isinstance(record, dict):
        raise BadLine("NOT_AN_OBJECT", f"The line is {kind_of(record)} where it should be a JSON object.")
    return record


def _parsed_slowly(line: bytes) -> Json:
    """The JSON value on a line that the fast parser refuses, or what is wrong with it. Raises BadLine.

    The fast parser says less about errors, and refuses half a surrogate pair and deep nesting, whose problems have
    sentences of their own. What it accepts, both read as the same value.
    """
    if not line.strip():
        raise BadLine("BLANK_LINE", "The line is blank; each line should be one JSON object.")
    try:
        return _decode(line.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        raise BadLine("BAD_UTF8", f"Byte {error.start + 1} of the line is not UTF-8.") from None
    except (ValueError, RecursionError) as error:
        why = (
            f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else "it is malformed"
        )
        raise BadLine("BAD_JSON", f"The line is not JSON: {why}.") from None


def _refuse_constant(name: str) -> Json:
    raise ValueError(name)


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


def kind_of(value: Json) -> str:
    """The type of a JSON value in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "an object"
        case _:
            return "a list"


class Fields:
    """Reads the members of a JSON object by name and type; raises BadLine with the path of a wrong one."""

    def __init__(self, value: Json, path: str = "", known: Sequence[str] | None = None) -> None:
        """known: the allowed names; None allows any name."""
        self.path = path
        if not isinstance(value, Mapping):
            raise BadLine("WRONG_TYPE", f"{path or 'The line'} is {kind_of(value)} where it should be an object.")
        self.record = value
        if known is not None and (unknown := unknown_keys(value, known)):
            where = f"{path} has" if path else "The line has"
            raise BadLine("UNKNOWN_FIELD", f"{where} an unknown field {', '.join(unknown)}.")

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str, most: int, *, needed: bool = False) -> str:
        """Text of up to `most` characters; "" if it is missing and not needed."""
        value: str = self._get(name, "", str, "text", needed=needed)
        if needed and not value.strip():
            raise BadLine("MISSING_FIELD", f"{self.at(name)} is empty; it should be text.")
        if len(value) > most:
            raise BadLine("TOO_LONG", f"{self.at(name)} has {len(value):,} characters; up to {most:,} are allowed.")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadLine("BAD_TEXT", f"{self.at(name)} has half a surrogate pair, which is not a character.") from None
        if "\0" in value:
            raise BadLine("BAD_TEXT", f"{self.at(name)} has the character NUL, which no database stores.")
        return value

    def flag(self, name: str) -> bool:
        """A boolean; false if it is missing."""
        return bool(self._get(name, False, bool, "a boolean"))

    def count(self, name: str) -> int:
        """A whole number from 0; 0 if it is missing."""
        value = self.record.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
            raise BadLine("WRONG_TYPE", f"{self.at(name)} is not a whole number from 0.")
        return value

    def items(self, name: str, most: int, *, needed: bool = False) -> list[Json]:
        """A list of up to `most` items; empty if it is missing and not needed."""
        value: list[Json] = self._get(name, [], list, "a list", needed=needed)
        if len(value) > most:
            raise BadLine("TOO_MANY", f"{self.at(name)} has {len(value):,} items; up to {most:,} are allowed.")
        return value

    def mapping(self, name: str) -> dict[str, Json]:
        """An object; empty if it is missing."""
        value: dict[str, Json] = self._get(name, {}, dict, "an object")
        return value

    def data(self, name: str) -> dict[str, Json]:
        """An object of the user's, whose numbers stay exact; empty if it is missing."""
        self.value(name)
        return self.mapping(name)

    def value(self, name: str) -> Json:
        """A value of the user's, whose numbers stay exact; null if it is missing."""
        value = self.record.get(name)
        if (where := inexact(value, self.at(name))) is not None:
            raise BadLine("VALUE_NOT_STORABLE", f"{where} {INEXACT}.")
        return value

    def _get(self, name: str, default: Json, kind: type, words: str, *, needed: bool = False) -> Json:
        value = self.record.get(name)
        if value is None:
            if needed:
                raise BadLine("MISSING_FIELD", f"{self.at(name)} is missing; it should be {words}.")
            return default
        if not isinstance(value, kind):
            raise BadLine("WRONG_TYPE", f"{self.at(name)} is {kind_of(value)} where it should be {words}.")
        return value
