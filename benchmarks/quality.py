"""Whether the quality parts of records are those of SDMetrics, on the rows of the Chinook database.

The rows are compared with themselves and with damaged copies: each column, each pair of columns and each reference.
"""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import combinations
from random import Random
from typing import Any, TypeAlias

from benchmarks.contest import ROOT
from benchmarks.peers import python
from benchmarks.results import Result, gates, limited, report
from services.enricher.discovery import Source, discover
from services.enricher.discovery.kinds import KINDS, unpacked
from services.enricher.discovery.model import Kind
from services.testdata.records.quality import parts
from services.testdata.records.quality.samples import children_of, sample_table
from services.testdata.records.tables import Numbers, Table
from shared.model.packs.model import FieldType, Pack
from tests.data import shared_data

TOPIC = "quality"
_FILE = "Chinook_PostgreSql.sql.gz"
_FEWER = 3
"""A damaged copy has every third record of a table."""

Rows: TypeAlias = dict[str, list[dict[str, Any]]]
"""By table, the records of a database."""


def run(quick: bool) -> bool:  # noqa: ARG001 - the database is small
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    pack, rows = _chinook()
    keys = {(entity.name, name) for entity in pack.entities for name in entity.key}
    blanked = partial(_blanked, keys)
    copies: list[Callable[[Rows, Random], Rows]] = [lambda same, _: same, _shuffled, blanked, _skewed]
    wrong: dict[str, list[float]] = {"column_shapes": [], "pair_trends": [], "cardinality": []}
    undefined = 0
    for seed, damage in enumerate(copies):
        found = _differences(pack, rows, damage(rows, Random(seed)))
        for part, difference in found:
            if difference is None:
                undefined += 1
            else:
                wrong[part].append(difference)
    results: list[Result] = []
    for part, differences in wrong.items():
        print(f"{part}: {len(differences)} measurements")
        results.append(limited(gate[part], "", [max(differences)], samples={"differences": differences}))
    print(f"{undefined} measurements are not defined for one of the two")
    return report(TOPIC, results)


def _chinook() -> tuple[Pack, Rows]:
    source = Source((shared_data("schemas") / "chinook" / _FILE).read_bytes(), _FILE)
    found = KINDS[Kind.SQL].read(replace(source, data=unpacked(source), kind=Kind.SQL))
    pack = discover([source]).pack
    rows: Rows = {}
    for sample in found.samples:
        entity = pack.entity(sample.entity)
        assert entity is not None
        types = {field.name: field.type for field in entity.fields}
        columns = {name: [_json(types[name], one) for one in values] for name, values in sample.columns.items()}
        rows[sample.entity] = _records(columns)
    return pack, rows


def _records(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _json(kind: FieldType, value: object) -> Any:
    if isinstance(value, Decimal):
        return int(value) if kind is FieldType.INTEGER else float(value)
    if kind is FieldType.DATETIME and isinstance(value, str):
        year, month, day = value.split("/")
        return f"{year}-{month:0>2}-{day:0>2}"
    return value


def _shuffled(rows: Rows, dice: Random) -> Rows:
    """Each column in an order of its own, so that pairs do not belong together."""
    damaged: Rows = {}
    for table, records in rows.items():
        columns = {name: [one[name] for one in records] for name in records[0]}
        for values in columns.values():
            dice.shuffle(values)
        damaged[table] = _records(columns)
    return damaged


def _blanked(keys: set[tuple[str, str]], rows: Rows, dice: Random) -> Rows:
    """A quarter of all values but keys is missing, and of the records every third is left."""

    def blank(table: str, name: str, value: Any) -> Any:
        return None if (table, name) not in keys and dice.random() < 0.25 else value

    return {
        table: [{name: blank(table, name, value) for name, value in one.items()} for one in records[::_FEWER]]
        for table, records in rows.items()
    }


def _skewed(rows: Rows, dice: Random) -> Rows:
    """Numbers are larger, some texts are others, and records of the first half come several times."""

    def other(value: Any) -> Any:
        if isinstance(value, int | float):
            return value + dice.randrange(1 + abs(int(value)) // 2)
        return f"{value} II" if value and value[0].isalpha() and dice.random() < 0.2 else value

    damaged: Rows = {}
    for table, records in rows.items():
        half = records[: 1 + len(records) // 2]
        damaged[table] = [{name: other(value) for name, value in dice.choice(half).items()} for _ in records]
    return damaged


def _differences(pack: Pack, real: Rows, made: Rows) -> Iterator[tuple[str, float | None]]:
    """For each measurement its part and the difference of ours and SDMetrics's; None where only one is defined."""
    sides = [_tables(pack, rows) for rows in (real, made)]
    ours: list[float | None] = []
    asked: list[dict[str, Any]] = []
    for table, names in _columns(pack, sides[0]).items():
        both = sides[1][table], sides[0][table]
        for name in names:
            asked.append({"part": "column_shapes", "table": table, "columns": [name]})
            ours.append(parts.column_shapes(*both, [name]))
        for pair in combinations(names, 2):
            asked.append({"part": "pair_trends", "table": table, "columns": [*pair]})
            ours.append(parts.pair_trends(*both, pair))
    for one in pack.relationships:
        if one.parent != one.child:
            names = [one.parent, one.parent_fields[0], one.child, one.child_fields[0]]
            asked.append({"part": "cardinality", "columns": names})
            counted = [children_of(one, tables[one.child], tables[one.parent]) for tables in sides]
            assert counted[0] is not None
            assert counted[1] is not None
            ours.append(parts.cardinality([(counted[0], counted[1])]))
    theirs = _of_sdmetrics(asked, sides)
    for measurement, mine, other in zip(asked, ours, theirs, strict=True):
        if mine is not None and other is not None:
            yield measurement["part"], abs(mine - other)
        elif mine is not None or other is not None:
            yield measurement["part"], None


def _tables(pack: Pack, rows: Rows) -> dict[str, Table]:
    return {entity.name: sample_table(entity, rows[entity.name]) for entity in pack.entities}


def _columns(pack: Pack, tables: Mapping[str, Table]) -> dict[str, list[str]]:
    """By table the columns that neither identify a record nor refer to one."""
    left_out = {(entity.name, name) for entity in pack.entities for name in entity.key}
    left_out |= {(one.child, name) for one in pack.relationships for name in one.child_fields}
    return {table: [name for name in found.columns if (table, name) not in left_out] for table, found in tables.items()}


def _of_sdmetrics(asked: Sequence[Any], sides: Sequence[Mapping[str, Table]]) -> list[float | None]:
    """What SDMetrics measures, in its own process."""
    numbers = {
        name
        for table in sides[0].values()
        for name, column in table.columns.items()
        if isinstance(column, Numbers) and column.type is not FieldType.BOOLEAN
    }
    told = {
        "measurements": asked,
        "numbers": sorted(numbers),
        "tables": [
            {name: {field: _values(column) for field, column in table.columns.items()} for name, table in side.items()}
            for side in sides
        ],
    }
    done = subprocess.run(
        (python("sdmetrics"), "-W", "ignore", "-m", "benchmarks.ways.sdmetrics_parts"),
        input=json.dumps(told),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    found: list[float | None] = json.loads(done.stdout)
    return found


def _values(column: Any) -> list[Any]:
    if isinstance(column, Numbers):
        values = column.values.tolist()
    else:
        values = [column.strings.texts[code] for code in column.codes.tolist()]
    return [value if known else None for value, known in zip(values, column.known.tolist(), strict=True)]
