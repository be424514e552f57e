"""Makes records in worker processes: all at once, or cell by cell.

The server only passes these functions on, so what they need is imported when they run.
"""

import io
import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from services.testdata.records.errors import RecordsTooLarge, RuleNotSatisfiable, RulesContradict, UniqueSetRepeats
from services.testdata.records.formats import PARQUET_MAGIC, Format
from services.testdata.records.model import Beside, Checked, Quality, RecordSpec, together
from shared.model.packs.model import Entity, Field, Pack, Severity

if TYPE_CHECKING:
    from services.testdata.records.formats.registry import Encoder
    from services.testdata.records.generation.cell import Cell
    from services.testdata.records.generation.generate import Generator
    from services.testdata.records.generation.plan import Plan
    from services.testdata.records.tables import Table

CHUNK_BYTES = 1 << 20
"""Bytes of a chunk, about."""
GROUP_ROWS = 1 << 17
"""Records of the largest entity in a row group of Parquet, about."""
MOST_BYTES = 3 << 20
"""The most bytes of records in one answer."""
_NO_PACK = Pack("")
_NOTHING = Beside()
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
    beside: Beside


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded records of one entity. last: the number of the last record, from 1. fields: only in its first chunk.

    place: which chunk of the cell it is. footer: in PARQUET, of the row groups that end with it.
    """

    entity: str
    fields: tuple[str, ...]
    data: bytes
    count: int
    last: int
    place: int
    beside: Beside
    footer: bytes = b""


@dataclass(frozen=True, slots=True)
class Outline:
    """A stream before it begins. entities: in the order in which they can be stored, with their numbers of records.

    group: how many cells make a row group of PARQUET. qualities: by entity, those of the first cell.
    """

    entities: tuple[tuple[str, int], ...]
    cells: int
    group: int
    qualities: Mapping[str, Quality] = field(default_factory=dict)


def packed_pack(pack: Pack) -> bytes:
    """The pack for a worker process."""
    return pickle.dumps(pack)


def packed(spec: RecordSpec, pack: bytes) -> bytes:
    """The spec for a worker process. pack: its pack, packed."""
    rest = pickle.dumps(replace(spec, pack=_NO_PACK, seed=0))
    return pickle.dumps((pack, rest, spec.seed))


@lru_cache(maxsize=4)
def _generator(source: bytes) -> "Generator":
    pack, rest, seed = pickle.loads(source)  # noqa: S301 - from our own server
    return _planned(pack, rest).with_seed(seed)


@lru_cache(maxsize=4)
def _planned(pack: bytes, rest: bytes) -> "Generator":
    from services.testdata.records.generation.generate import Generator
    from services.testdata.records.generation.plan import make_plan

    spec: RecordSpec = pickle.loads(rest)  # noqa: S301 - from our own server
    return Generator(make_plan(replace(spec, pack=pickle.loads(pack))))  # noqa: S301 - from our own server


def warm() -> None:
    """Make a record, which loads all that records need: that takes a new worker seconds."""
    fields = Field("name"), Field("email", format="email", unique=True)
    pack = Pack("", entities=(Entity("one", fields=fields),))
    make_records(packed(RecordSpec(pack, {"one": 1}), packed_pack(pack)), Format.JSON, True)


def make_records(
    source: bytes, form: Format, measured: bool
) -> tuple[list[MadeRecords], list[Checked], dict[str, Quality]]:
    """All records that were asked for, how the rules fare, and if `measured` the quality by entity.

    Raises RecordsTooLarge, RuleNotSatisfiable, and what `make_plan` and the fillers raise.
    """
    from services.testdata.records.generation.telling import beside

    generator = _generator(source)
    plan, cell = generator.plan, generator.cell(0)
    checks = _checks(generator, cell)
    cell = generator.finished(cell)
    qualities = _qualities(generator, cell, checks) if measured else {}
    made, size = [], 0
    for entity in plan.written:
        if entity in plan.spec.counts:
            table = cell.table(entity, generator.fields(entity))
            data = _encoded(table, form)
            size += len(data)
            made.append(MadeRecords(entity, tuple(table.columns), table.rows, data, beside(plan, cell, table)))
    if size > MOST_BYTES:
        raise RecordsTooLarge(size=f"{size:,}", most=f"{MOST_BYTES:,}")
    return made, checks, qualities


def outline(source: bytes, measured: bool) -> Outline:
    """How much a stream has. Makes and checks the first records, so that what cannot be made is refused at once."""
    generator = _generator(source)
    cell = generator.cell(0)
    checks = _checks(generator, cell)
    counts = generator.plan.spec.counts
    return Outline(
        tuple((entity, counts[entity]) for entity in generator.plan.written if entity in counts),
        generator.plan.cells,
        _cells_a_group(generator),
        _qualities(generator, generator.finished(cell), checks) if measured else {},
    )


def _cells_a_group(generator: "Generator") -> int:
    """How many cells make a row group of Parquet."""
    largest = max(generator.plan.counts.values()) // generator.plan.cells + 1
    return max(1, GROUP_ROWS // largest)


def make_cell(source: bytes, form: Format, number: int, first: int, count: int) -> tuple[list[Chunk], list[Checked]]:
    """The records of a cell as chunks, and how its rules fare. first, count: only these records of each entity.

    A cell without any of them is not made.
    """
    generator = _generator(source)
    return _cell(generator, form, number, _spans(generator, first, count))


def make_row_groups(source: bytes, numbers: range, first: int, count: int) -> tuple[list[Chunk], list[Checked]]:
    """The records of some cells as chunks of row groups of Parquet, and how their rules fare; otherwise as `make_cell`.

    The chunks of an entity are bytes of the file, cut anywhere.
    """
    generator = _generator(source)
    return _row_groups(generator, numbers, _spans(generator, first, count))


def parquet_endings(files: Mapping[str, Sequence[tuple[int, bytes]]]) -> list[Chunk]:
    """What ends the Parquet file of each entity. files: their row groups, as `parquet.ending` takes them."""
    from services.testdata.records.formats import parquet

    return _placed([chunk for entity, pieces in files.items() for chunk in _cut(entity, parquet.ending(pieces))])


def write_cells(
    source: bytes, form: Format, cells: range, write: Callable[[Chunk], object]
) -> tuple[dict[str, int], list[Checked]]:
    """Write the records of some cells as one document for each entity, in chunks.

    Returns how many records of each entity there are, parents first, and how the rules fare.
    """
    generator = _generator(source)
    plan = generator.plan
    spans = {
        entity: (int(plan.bounds[entity][cells.start]), int(plan.bounds[entity][cells.stop]))
        if entity not in plan.shared
        else (0, 0 if cells.start else plan.counts[entity])
        for entity in plan.written
        if entity in plan.spec.counts
    }
    counts = {entity: end - first for entity, (first, end) in spans.items() if first < end}
    checks: list[Checked] = []
    groups = ParquetPlaces()
    step = _cells_a_group(generator) if form is Format.PARQUET else 1
    for number in range(cells.start, cells.stop, step):
        if form is Format.PARQUET:
            chunks, found = _row_groups(generator, range(number, min(number + step, cells.stop)), spans)
            groups.add(chunks)
        else:
            chunks, found = _cell(generator, form, number, spans)
        checks = together(checks, found)
        for chunk in chunks:
            write(chunk)
    for chunk in parquet_endings(groups.files):
        write(chunk)
    return counts, checks


class ParquetPlaces:
    """Where the row groups of the Parquet files of a stream are. files: for `parquet_endings`."""

    def __init__(self) -> None:
        self.files: dict[str, list[tuple[int, bytes]]] = {}
        self._sizes = Counter[str]()
        self._begin: dict[str, int] = {}

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Count the next chunks, in order."""
        for chunk in chunks:
            begin = self._begin.setdefault(chunk.entity, len(PARQUET_MAGIC))
            self._sizes[chunk.entity] += len(chunk.data)
            if chunk.footer:
                self.files.setdefault(chunk.entity, []).append((begin, chunk.footer))
                self._begin[chunk.entity] = self._sizes[chunk.entity]


Spans = Mapping[str, tuple[int, int]]
"""Entity → the first record that is asked for, and the one after the last."""


def _spans(generator: "Generator", first: int, count: int) -> Spans:
    counts = generator.plan.spec.counts
    return {entity: (first, min(first + count, rows) if count else rows) for entity, rows in counts.items()}


def _wanted(generator: "Generator", number: int, spans: Spans) -> list[str]:
    """The entities, parents first, of which a cell has records that are asked for."""
    plan = generator.plan
    return [entity for entity in plan.written if entity in spans and number in plan.cells_of(entity, *spans[entity])]


def _cell(generator: "Generator", form: Format, number: int, spans: Spans) -> tuple[list[Chunk], list[Checked]]:
    wanted = _wanted(generator, number, spans)
    if not wanted:
        return [], []
    cell = generator.cell(number)
    finished = generator.finished(cell)
    chunks = [chunk for entity in wanted for chunk in _chunks(generator, finished, entity, form, spans[entity])]
    return _placed(chunks), _checks(generator, cell, shared=number == 0, refuse=False)


def _row_groups(generator: "Generator", numbers: range, spans: Spans) -> tuple[list[Chunk], list[Checked]]:
    from services.testdata.records.formats import parquet

    tables: dict[str, list[Table]] = {}
    beside: dict[str, Beside] = {}
    checks: list[Checked] = []
    for number in numbers:
        if wanted := _wanted(generator, number, spans):
            cell = generator.cell(number)
            finished = generator.finished(cell)
            for entity in wanted:
                table, told = _rows(generator, finished, entity, spans[entity])
                if table.rows or not table.first:
                    tables.setdefault(entity, []).append(table)
                    beside[entity] = beside.get(entity, _NOTHING).plus(told)
            checks = together(checks, _checks(generator, cell, shared=number == 0, refuse=False))
    chunks: list[Chunk] = []
    for entity, some in tables.items():
        made, begins = parquet.row_groups(some), not some[0].first
        rows, last = sum(table.rows for table in some), spans[entity][0] + some[-1].first + some[-1].rows
        data = (PARQUET_MAGIC if begins else b"") + made.data
        fields = tuple(some[0].columns) if begins else ()
        pieces = [replace(one, last=last - rows) for one in _cut(entity, data)]
        pieces[0] = replace(pieces[0], fields=fields)
        pieces[-1] = replace(pieces[-1], count=rows, last=last, beside=beside[entity], footer=made.footer)
        chunks += pieces
    return _placed(chunks), checks


def _rows(generator: "Generator", cell: "Cell", entity: str, span: tuple[int, int]) -> "tuple[Table, Beside]":
    """The records of a cell that are asked for, and what is told beside them.

    They are numbered from the first that is asked for, because encoders see where it is.
    """
    from services.testdata.records.generation.telling import beside, between

    whole, (first, end) = cell.table(entity, generator.fields(entity)), span
    start, stop = max(first - whole.first, 0), min(end - whole.first, whole.rows)
    table = whole.part(start, max(stop, start))
    told = between(beside(generator.plan, cell, whole), whole.first + start, whole.first + stop)
    return replace(table, first=table.first - first), told


def _cut(entity: str, data: bytes) -> list[Chunk]:
    starts = range(0, len(data), CHUNK_BYTES)
    return [Chunk(entity, (), data[at : at + CHUNK_BYTES], 0, 0, 0, _NOTHING) for at in starts]


def _placed(chunks: Sequence[Chunk]) -> list[Chunk]:
    return [replace(chunk, place=place) for place, chunk in enumerate(chunks)]


def _chunks(generator: "Generator", cell: "Cell", entity: str, form: Format, span: tuple[int, int]) -> Iterator[Chunk]:
    from services.testdata.records.generation.telling import between

    (table, told), (first, end) = _rows(generator, cell, entity, span), span
    if not table.rows:
        return
    encoder, begins = _encoder(table.part(0, 0), form, _STREAMED_ROWS_FIELD), not table.first
    ends = table.first + table.rows == end - first
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
        last = part.first + part.rows + first
        yield Chunk(entity, fields, data, part.rows, last, 0, between(told, last - part.rows, last))


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
    from services.testdata.records.generation.checks import check_broken, check_cell, repeated

    plan = generator.plan
    entities: Sequence[str] = [name for name in cell.rows if shared or name not in plan.shared]
    found = check_cell(plan, cell, entities)
    if refuse:
        for entity, of in repeated(plan, cell):
            raise UniqueSetRepeats(entity=entity, fields=of.words(plan.pack))
        for one in found:
            if one.violated and one.severity is Severity.ERROR:
                _refuse_contradiction(plan, one)
                rule = next(rule for rule in plan.rules if (rule.id, rule.entity) == (one.rule, one.entity))
                raise RuleNotSatisfiable(
                    rule=one.rule,
                    entity=one.entity,
                    text=one.text.rstrip("."),
                    failed=f"{one.violated:,}",
                    tried=f"{one.checked:,}",
                    needs=_needs(sorted({f"`{entity}.{name}`" for entity, name in rule.columns})),
                )
    broken = generator.broken(cell)
    if not broken:
        return found
    return [*check_cell(plan, generator.finished(cell), entities), *check_broken(cell, entities, broken)]


def _refuse_contradiction(plan: "Plan", failed: Checked) -> None:
    """Raise RulesContradict if another rule is why a rule failed."""
    from services.testdata.records.generation.contradictions import contradicting

    other = contradicting(plan, failed.rule)
    if other is not None:
        raise RulesContradict(
            entity=failed.entity,
            rule=failed.rule,
            text=failed.text.rstrip("."),
            other=other.id,
            other_text=other.text.rstrip("."),
        )


def _qualities(generator: "Generator", cell: "Cell", checks: Sequence[Checked]) -> dict[str, Quality]:
    """The quality of the records of a cell, by entity."""
    from services.testdata.records.quality.measuring import measure

    plan = generator.plan
    wanted = [entity for entity in plan.written if entity in plan.spec.counts]
    return {entity: measure(plan, cell, cell.table(entity, generator.fields(entity)), checks) for entity in wanted}


def _needs(fields: list[str]) -> str:
    return f"wider bounds of {', '.join(fields)}, or other numbers of records"
