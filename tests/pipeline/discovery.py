"""Schemas and rows as databases themselves tell them, to compare discoveries with."""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.model.packs.model import Entity, Pack
from tests.postgres import PostgresServer

Columns = frozenset[str]


@dataclass(frozen=True)
class Catalogue:
    """What a database says of its tables. keys: of each table with one. optional: (table, column) that may be null."""

    columns: frozenset[tuple[str, str]]
    optional: frozenset[tuple[str, str]]
    keys: Mapping[str, tuple[str, ...]]
    uniques: frozenset[tuple[str, Columns]]
    references: frozenset[tuple[str, Columns, str, Columns]]
    checks: Mapping[str, int]


def catalogue_of(pack: Pack) -> Catalogue:
    """What a discovered pack says of its entities."""
    return Catalogue(
        frozenset((entity.name, field.name) for entity in pack.entities for field in entity.fields),
        frozenset((entity.name, field.name) for entity in pack.entities for field in entity.fields if field.nullable),
        {entity.name: entity.key for entity in pack.entities if entity.key},
        frozenset((entity.name, columns) for entity in pack.entities for columns in _uniques(entity)),
        frozenset(
            (one.child, frozenset(one.child_fields), one.parent, frozenset(one.parent_fields))
            for one in pack.relationships
            if not one.proposed
        ),
        counted(rule.entity for rule in pack.rules if not rule.proposed),
    )


def counted(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _uniques(entity: Entity) -> Iterable[Columns]:
    yield from map(frozenset, entity.uniques)
    yield from (frozenset({field.name}) for field in entity.fields if field.unique)


@dataclass(frozen=True)
class LoadedSql:
    """SQL that a PostgreSQL server has carried out."""

    server: PostgresServer
    database: str

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a query answers, one mapping a row."""
        answer = self.server.sql(f"SELECT coalesce(json_agg(row), '[]') FROM ({query}) AS row", self.database)
        return list(json.loads(answer))

    def table(self, name: str) -> list[dict[str, Any]]:
        """All rows of a table, in a fixed order."""
        return self.rows(f"SELECT * FROM {name} ORDER BY {name}::text")

    def catalogue(self) -> Catalogue:
        """What PostgreSQL's catalogue says."""
        columns = self.rows(
            "SELECT table_name, column_name, is_nullable FROM information_schema.columns "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        constraints = self.rows(
            "SELECT c.contype AS kind, t.relname AS name, f.relname AS parent, "
            "(SELECT json_agg(a.attname ORDER BY k.at) FROM unnest(c.conkey) WITH ORDINALITY AS k(number, at) "
            " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number) AS columns, "
            "(SELECT json_agg(a.attname ORDER BY k.at) FROM unnest(c.confkey) WITH ORDINALITY AS k(number, at) "
            " JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number) AS parent_columns "
            "FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid LEFT JOIN pg_class f ON f.oid = c.confrelid "
            "JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')"
        )
        indexes = self.rows(
            "SELECT t.relname AS name, (SELECT json_agg(a.attname) FROM unnest(i.indkey::int[]) AS k(number) "
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number) AS columns "
            "FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
            "WHERE i.indisunique AND NOT i.indisprimary AND i.indpred IS NULL AND i.indexprs IS NULL "
            "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
        )
        return Catalogue(
            frozenset((one["table_name"], one["column_name"]) for one in columns),
            frozenset((one["table_name"], one["column_name"]) for one in columns if one["is_nullable"] == "YES"),
            {one["name"]: tuple(one["columns"]) for one in constraints if one["kind"] == "p"},
            frozenset((one["name"], frozenset(one["columns"])) for one in indexes),
            frozenset(
                (one["name"], frozenset(one["columns"]), one["parent"], frozenset(one["parent_columns"]))
                for one in constraints
                if one["kind"] == "f"
            ),
            counted(one["name"] for one in constraints if one["kind"] == "c"),
        )


def load_sql(server: PostgresServer, sql: str, database: str = "") -> LoadedSql:
    """Carry out SQL with psql. database: the one that the SQL makes itself; "" for a new one."""
    name = database or server.create_database().partition("?")[0].rpartition("/")[2]
    script = server.folder / f"{name}.sql"
    script.write_text(sql)
    script.chmod(0o644)
    server.sql(rf"\i {script}", "postgres" if database else name)
    return LoadedSql(server, name)


def unpacked(path: Path) -> str:
    """The text of a packed file."""
    return gzip.decompress(path.read_bytes()).decode()
