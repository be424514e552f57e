"""Contacts in a file: CSV with a header, or JSON Lines, one contact a row."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.model.campaigns.clock import BadTimeZone, zone
from shared.model.campaigns.model import Campaign, Field, FieldType, has_type
from shared.model.events import Json
from shared.yaml import near

MAX_ROWS = 10_000
_OWN = ("name", "first_name", "time_zone")
"""The fields that contacts may have although no campaign declares them."""
_ID, _TAGS = "id", "tags"
_WHOLE, _NUMBER = re.compile(r"[+-]?\d{1,18}"), re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?")
_TRUTHS = {"true": True, "false": False}


class BadRow(ValueError):
    """A row cannot be read; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """A contact. id: "" if it has none."""

    id: str = ""
    fields: Mapping[str, Json] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


def count_rows(text: str) -> int:
    """How many contacts the file has; 0 if it cannot be read."""
    try:
        return sum(1 for _ in _records(text))
    except BadRow:
        return 0


def read_rows(text: str, campaigns: Sequence[Campaign]) -> tuple[list[Row], list[str]]:
    """The contacts, and what is wrong with them: a sentence each, which begins with the number of the row."""
    known = {name: Field(name) for name in _OWN} | {one.name: one for each in campaigns for one in each.contact}
    rows: list[Row] = []
    wrong: list[str] = []
    first: dict[str, int] = {}
    number = 0
    try:
        for number, record in enumerate(_records(text), 1):
            if number > MAX_ROWS:
                wrong.append(f"There are more than {MAX_ROWS:,} rows.")
                break
            row, problems = _row(record, known)
            if row.id and first.setdefault(row.id, number) != number:
                problems.append(f"field `id`: `{row.id[:60]}` is the id of row {first[row.id]}, too.")
            wrong += [f"Row {number}, {problem}" for problem in problems]
            rows.append(row)
    except BadRow as bad:
        wrong.append(f"Row {number + 1}: {bad}")
    if not rows and not wrong:
        wrong.append("There is no row.")
    return rows, wrong


def _records(text: str) -> Iterator[Mapping[str, Json]]:
    """Each row as its fields; cells of CSV are texts, and empty ones are left out. Raises BadRow."""
    text = text.removeprefix("\ufeff")
    return _of_json(text) if text.lstrip().startswith("{") else _of_csv(text)


def _of_json(text: str) -> Iterator[Mapping[str, Json]]:
    for line in text.splitlines():
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                raise BadRow("it is no JSON object.") from None
            if not isinstance(record, dict):
                raise BadRow("it is no JSON object.")
            yield {name: value for name, value in record.items() if value is not None}


def _of_csv(text: str) -> Iterator[Mapping[str, Json]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if len({*header}) < len(header):
            raise BadRow("the header has a column twice.")
        for cells in reader:
            if any(cells):
                if len(cells) > len(header):
                    raise BadRow(f"it has {len(cells)} cells, and the header has {len(header)}.")
                yield {name: _Cell(cell.strip()) for name, cell in zip(header, cells, strict=False) if cell.strip()}
    except csv.Error as error:
        raise BadRow(f"it is no CSV: {error}.") from None


class _Cell(str):
    """A cell of CSV, which may be a value of any type."""


def _row(record: Mapping[str, Json], known: Mapping[str, Field]) -> tuple[Row, list[str]]:
    fields: dict[str, Json] = {}
    tags: tuple[str, ...] = ()
    wrong: list[str] = []
    for name, value in record.items():
        if name == _TAGS:
            listed = [tag.strip() for tag in value.split(";")] if isinstance(value, str) else value
            if isinstance(listed, list) and all(isinstance(tag, str) for tag in listed):
                tags = tuple(filter(None, listed))
            else:
                wrong.append("field `tags`: should be a list of texts; in CSV, separate them by `;`.")
        elif name in known:
            fields[name] = _value(value, known[name].type)
            if not has_type(fields[name], known[name].type):
                wrong.append(f"field `{name}`: should be of type {known[name].type}, not {str(value)[:60]!r}.")
            elif name == "time_zone" and (problem := _zone_problem(str(value))):
                wrong.append(f"field `{name}`: {problem}")
        elif name != _ID:
            wrong.append(f"field `{name[:60]}`: no campaign declares it{near(name[:60], [*known, _ID, _TAGS])}.")
    identifier = record.get(_ID, "")
    if not isinstance(identifier, str | int) or isinstance(identifier, bool):
        wrong.append("field `id`: should be a text or a whole number.")
    return Row(str(identifier), fields, tags), wrong


def _value(value: Json, of: FieldType) -> Json:
    """The value of a cell of CSV; other values as they are."""
    if not isinstance(value, _Cell):
        return value
    match of:
        case FieldType.INTEGER if _WHOLE.fullmatch(value):
            return int(value)
        case FieldType.NUMBER if _NUMBER.fullmatch(value):
            return float(value)
        case FieldType.BOOLEAN:
            return _TRUTHS.get(value.lower(), str(value))
        case _:
            return str(value)


def _zone_problem(name: str) -> str:
    try:
        zone(name)
    except BadTimeZone as bad:
        return str(bad)
    return ""
