"""What is discovered in some rows of a business, tried on its other rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest

from services.enricher.discovery import Source, discover
from shared.model.packs.expressions import rule_schema
from shared.model.packs.model import Field, Pack
from shared.model.packs.values import read_value
from shared.rules.checker import Compiled, check, columns_of
from shared.rules.evaluation import evaluate
from shared.rules.records import table_of
from tests.data import shared_data
from tests.pipeline.discovery import LoadedSql, load_sql, unpacked
from tests.postgres import PostgresServer


@pytest.fixture(params=[("chinook", "Chinook_PostgreSql.sql.gz", "chinook"), ("northwind", "northwind.sql.gz", "")])
def real(request: pytest.FixtureRequest, postgres: PostgresServer) -> tuple[Pack, LoadedSql]:
    """A real schema with its rows: discovered, and loaded into PostgreSQL."""
    folder, file, database = request.param
    path = shared_data("schemas") / folder / file
    return discover([Source(path.read_bytes(), file)]).pack, load_sql(postgres, unpacked(path), database)


def test_what_half_of_the_rows_say_holds_in_the_other_half(real: tuple[Pack, LoadedSql]) -> None:
    """At most 1 % of what is discovered in sample rows is false in held-back rows, counted by claims and by rows."""
    declared, loaded = real
    rows = {entity.name: loaded.table(f'"{entity.name}"') for entity in declared.entities}
    claims = tried = violated = 0
    false: list[str] = []
    for seed in range(8):
        seen, held = _halves(rows, declared, seed)
        sources = [
            Source("\n".join(map(json.dumps, some)).encode(), f"{name}.jsonl") for name, some in seen.items() if some
        ]
        pack = discover(sources).pack
        for claim, wrong, of in _trials(pack, held):
            claims, tried = claims + 1, tried + of
            violated += wrong
            false += [f"seed {seed}: {claim} is false in {wrong} of {of} rows"] if wrong else []
    assert claims > 8 * 10
    assert len(false) <= claims / 100, (claims, false)
    assert violated <= tried / 100


Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def _halves(rows: Rows, pack: Pack, seed: int) -> tuple[Rows, Rows]:
    """Two halves of the rows; the lines of an invoice or an order go with it."""
    random = Random(seed)
    with_parent = {"invoice_line": ("invoice", "invoice_id"), "order_details": ("orders", "order_id")}
    halves: tuple[dict[str, list[Mapping[str, Any]]], dict[str, list[Mapping[str, Any]]]] = ({}, {})
    sides: dict[tuple[str, Any], int] = {}
    for entity in sorted(pack.entities, key=lambda one: one.name in with_parent):
        for half in halves:
            half[entity.name] = []
        for row in rows[entity.name]:
            if entity.name in with_parent:
                parent, field = with_parent[entity.name]
                side = sides[parent, row[field]]
            else:
                side = random.randrange(2)
                sides[entity.name, row[entity.key[0]]] = side
            halves[side][entity.name].append(row)
    return halves


def _trials(pack: Pack, held: Rows) -> Iterator[tuple[str, int, int]]:
    """(what is claimed, in how many held-back rows it is false, of how many) of everything that a pack claims."""
    schema = rule_schema(pack)
    for rule in pack.rules:
        compiled = check(rule.expression, schema, rule.entity)
        assert isinstance(compiled, Compiled)
        records = [dict(row) for row in held[rule.entity]]
        for link in pack.relationships:
            if link.parent == rule.entity:
                children: dict[Any, list[Mapping[str, Any]]] = {}
                for row in held[link.child]:
                    children.setdefault(tuple(row[name] for name in link.child_fields), []).append(row)
                for record in records:
                    record[link.child_name] = children.get(tuple(record[name] for name in link.parent_fields), [])
        found = evaluate(compiled, table_of(schema, rule.entity, records, columns_of(compiled)))
        yield rule.expression, int(found.violated.sum()), int(found.known.sum())
    for entity in pack.entities:
        some = held[entity.name]
        for names in [entity.key, *entity.uniques, *((field.name,) for field in entity.fields if field.unique)]:
            if names:
                values = [tuple(row[name] for name in names) for row in some]
                yield f"{entity.name} is unique by {names}", len(values) - len(set(values)), len(values)
        for field in entity.fields:
            yield from _field_trials(entity.name, field, [row[field.name] for row in some])


def _field_trials(entity: str, field: Field, values: Sequence[Any]) -> Iterator[tuple[str, int, int]]:
    claim = f"{entity}.{field.name}"
    if not field.nullable:
        yield f"{claim} is there", sum(value is None for value in values), len(values)
    present = [value for value in values if value is not None]
    if field.support and field.support.seen >= 300:
        yield f"{claim} is {field.type}", sum(not _is(field, value) for value in present), len(present)
    present = [value for value in present if _is(field, value)]
    if field.minimum is not None:
        wrong = sum(value < field.minimum or (field.exclusive_minimum and value == field.minimum) for value in present)
        yield f"{claim} is at least {field.minimum}", wrong, len(present)
    if field.maximum is not None:
        yield f"{claim} is at most {field.maximum}", sum(value > field.maximum for value in present), len(present)
    if field.values:
        yield f"{claim} is one of {field.values}", sum(value not in field.values for value in present), len(present)
    if field.max_length is not None:
        wrong = sum(not field.min_length <= len(value) <= (field.max_length or 0) for value in present)
        yield f"{claim} has {field.max_length} characters", wrong, len(present)


def _is(field: Field, value: Any) -> bool:
    try:
        read_value(field.type, value)
    except ValueError:
        return False
    return True
