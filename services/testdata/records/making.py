"""Makes records in worker processes: all at once, or cell by cell.

The server only passes these functions on, so what they need is imported when they run.
"""

import io
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from services.testdata.records.errors import RecordsTooLarge, RuleNotSatisfiable
from services.testdata.records.formats import Format
from services.testdata.records.model import Checked, RecordSpec
from shared.model.packs.model import Severity

if TYPE_CHECKING:
    from services.testdata.records.formats.registry import Encoder
    from services.testdata.records.generation.cell import Cell
    from services.testdata.records.generation.generate import Generator
    from services.testdata.records.tables import Table

CHUNK_BYTES = 1 << 20
"""Bytes of a chunk, about."""
MOST_BYTES = 3 << 20
"""The most bytes of records in one answer."""
_SAMPLE = 64
"""Records that are encoded to learn how many make a chunk."""
_ROWS_FIELD, _STREAMED_ROWS_FIELD = 5, 1
"""The numbers of the fields `rows` of EntityRecords and of StreamRecordsResponse."""


@dataclass(frozen=True, slots=True)
class MadeRecords:
    """Records of one entity, encoded. In ROWS, data is the serialised field `rows` of EntityRecords."""

    entity: str
    fields: tuple[str, ...]
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded records of one entity. last: the number of the last record, from 1. fields: only in its first chunk.

    place: which chunk of the cell it is.
    """

    entity: str
    fields: tuple[str, ...]
    data: bytes
    count: int
    last: int
    place: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A stream before it begins. entities: in the order in which they can be stored, with their numbers of records."""

    entities: tuple[tuple[str, int], ...]
    cells: int


def packed(spec: RecordSpec) -> bytes:
    """The spec for a worker process."""
    return pickle.dumps(spec)


@lru_cache(maxsize=4)
def _generator(source: bytes) -> "Generator":
    spec: RecordSpec = pickle.loads(source)  # noqa: S301 - from our own server
    return _planned(packed(replace(spec, seed=0))).with_seed(spec.seed)


@lru_cache(maxsize=4)
def _planned(source: bytes) -> "Generator":
    from services.testdata.records.generation.generate import Generator
    from services.testdata.records.generation.plan import make_plan

    return Generator(make_plan(pickle.loads(source)))  # noqa: S301 - from our own server


def make_records(source: bytes, form: Format) -> tuple[list[MadeRecords], list[Checked]]:
    """All records that were asked for, and how the rules fare.

    Raises RecordsTooLarge, RuleNotSatisfiable, and what `make_plan` and the fillers raise.
    """
    generator = _generator(source)
    plan, cell = generator.plan, generator.cell(0)
    checks = _checks(generator, cell)
    made, size = [], 0
    for entity in plan.written:
        if entity in plan.spec.counts:
            table = cell.table(entity, generator.fields(entity))
            data = _encoded(table, form)
            size += len(data)
            made.append(MadeRecords(entity, tuple(table.columns), table.rows, data))
    if size > MOST_BYTES:
        raise RecordsTooLarge(size=f"{size:,}", most=f"{MOST_BYTES:,}")
    return made, checks


def outline(source: bytes) -> Outline:
    """How much a stream has. Makes and checks the first records, so that what cannot be made is refused at once."""
    generator = _generator(source)
    _checks(generator, generator.cell(0))
    counts = generator.plan.spec.counts
    return Outline(
        tuple((entity, counts[entity]) for entity in generator.plan.written if entity in counts), generator.plan.cells
    )


def make_cell(source: bytes, form: Format, number: int, first: int, count: int) -> tuple[list[Chunk], list[Checked]]:
    """The records of a cell as chunks, and how its rules fare. first, count: only these records of each entity."""
    generator = _generator(source)
    cell = generator.cell(number)
    chunks: list[Chunk] = []
    for entity in generator.plan.written:
        if entity in generator.plan.spec.counts and not (number and entity in generator.plan.shared):
            chunks += _chunks(generator, cell, entity, form, first, count)
    chunks = [replace(chunk, place=place) for place, chunk in enumerate(chunks)]
    return chunks, _checks(generator, cell, shared=number == 0, refuse=False)


def _chunks(generator: "Generator", cell: "Cell", entity: str, form: Format, first: int, count: int) -> Iterator[Chunk]:
    whole = cell.table(entity, generator.fields(entity))
    all_rows = generator.plan.spec.counts[entity]
    end = min(first + count, all_rows) if count else all_rows
    start, stop = max(first - whole.first, 0), min(end - whole.first, whole.rows)
    table = whole.part(start, max(stop, start))
    # Encoders see where the stream begins, not where the records do.
    table = replace(table, first=table.first - first)
    encoder = _encoder(table.part(0, 0), form, _STREAMED_ROWS_FIELD)
    begins, ends = start < stop and table.first == 0, table.first + table.rows == end - first and start < stop
    if not table.rows:
        return
    sample = max(1, len(encoder.encode(table.part(0, min(_SAMPLE, table.rows)))) // min(_SAMPLE, table.rows))
    step = max(1, CHUNK_BYTES // sample)
    for row in range(0, table.rows, step):
        part = table.part(row, min(row + step, table.rows))
        data = encoder.encode(part)
        fields: tuple[str, ...] = ()
        if begins and row == 0:
            data, fields = encoder.beginning() + data, tuple(table.columns)
        if ends and row + step >= table.rows:
            data += encoder.ending()
        yield Chunk(entity, fields, data, part.rows, part.first + part.rows + first, 0)


def _encoder(template: "Table", form: Format, rows_field: int) -> "Encoder":
    from services.testdata.records.formats.registry import FORMATS
    from services.testdata.records.formats.rows import RowsEncoder

    if form is Format.ROWS:
        return RowsEncoder(rows_field)
    encoder = FORMATS[form].encoder
    assert encoder is not None, f"{form} is for files only"
    return encoder(template)


def _encoded(table: "Table", form: Format) -> bytes:
    from services.testdata.records.formats.registry import FORMATS

    write = FORMATS[form].write
    if write is not None:
        sink = io.BytesIO()
        write(table.part(0, 0), [table], sink, {})
        return sink.getvalue()
    encoder = _encoder(table.part(0, 0), form, _ROWS_FIELD)
    return encoder.beginning() + encoder.encode(table) + encoder.ending()


def _checks(generator: "Generator", cell: "Cell", *, shared: bool = True, refuse: bool = True) -> list[Checked]:
    """How the rules fare in a cell. refuse: raise RuleNotSatisfiable for one that generation could not hold."""
    from services.testdata.records.generation.checks import check_cell

    plan = generator.plan
    entities: Sequence[str] = [name for name in cell.rows if shared or name not in plan.shared]
    found = check_cell(plan, cell, entities)
    if refuse:
        for one in found:
            if one.violated and one.severity is Severity.ERROR:
                rule = next(rule for rule in plan.rules if (rule.id, rule.entity) == (one.rule, one.entity))
                raise RuleNotSatisfiable(
                    rule=one.rule,
                    entity=one.entity,
                    text=one.text.rstrip("."),
                    failed=f"{one.violated:,}",
                    tried=f"{one.checked:,}",
                    needs=_needs(sorted({f"`{entity}.{name}`" for entity, name in rule.columns})),
                )
    return found


def _needs(fields: list[str]) -> str:
    return f"wider bounds of {', '.join(fields)}, or other numbers of records"
