"""SQL: tables, columns, keys, checks, uniques, enumerations, defaults, comments; rows that it inserts are samples."""

from services.enricher.discovery.model import Found, NotRead, Source
from services.enricher.discovery.places import Lines
from services.enricher.discovery.sql.cursor import Cursor, NotUnderstood
from services.enricher.discovery.sql.ddl import Definitions
from services.enricher.discovery.sql.parts import Parts
from services.enricher.discovery.sql.rows import Rows
from services.enricher.discovery.sql.schema import Schema
from services.enricher.discovery.sql.statements import Statement, statements

DIALECTS = ("postgres", "mysql", "sqlite", "tsql", "oracle", "bigquery", "snowflake")

_PROGRAMS_WITHOUT_MEANING = (
    r"\c",
    r"\connect",
    r"\echo",
    r"\set",
    r"\unset",
    r"\encoding",
    r"\pset",
    r"\restrict",
    r"\unrestrict",
    r"\.",
    r"\q",
)


def read_sql(source: Source, text: str) -> Found:
    """What a file of SQL has. source.dialect: one of DIALECTS."""
    not_read: list[NotRead] = []
    lines = Lines(source.file, text)

    def miss(offset: int, construct: str, reason: str) -> None:
        not_read.append(NotRead(lines.place(offset), construct, reason))

    schema = Schema()
    definitions, rows = Definitions(schema, miss), Rows(schema, miss)
    for statement in statements(text, source.dialect):
        try:
            _read(statement, Cursor(text, statement.tokens, source.dialect), definitions, rows)
        except NotUnderstood as error:
            said = str(error)
            miss(statement.start, statement.text, f"{said[0].upper()}{said[1:]}.")
    return Parts(schema, source.dialect, lines, miss).found(not_read)


def _read(statement: Statement, cursor: Cursor, definitions: Definitions, rows: Rows) -> None:
    if statement.problem:
        raise NotUnderstood(f"{statement.problem}, so nothing after it is read")
    if not statement.tokens:
        if statement.text.split()[0] not in _PROGRAMS_WITHOUT_MEANING:
            raise NotUnderstood("a command of psql is not carried out")
    elif cursor.take("INSERT") or cursor.take("REPLACE"):
        rows.insert(cursor)
    elif cursor.take("COPY"):
        rows.copy(cursor, statement.copied)
    else:
        definitions.read(cursor)
