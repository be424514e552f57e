"""Rows that a file inserts: INSERT … VALUES, and COPY … FROM stdin."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from services.enricher.discovery.sql.cursor import Cursor, NotUnderstood
from services.enricher.discovery.sql.elements import Miss, columns_of
from services.enricher.discovery.sql.lexer import Kind, Token
from services.enricher.discovery.sql.schema import Name, Schema, Table

MAX_CELLS = 4_000_000
"""The most values of sample rows that are kept from one file."""

_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


class Rows:
    """Reads rows into the tables of a schema."""

    def __init__(self, schema: Schema, miss: Miss) -> None:
        self._schema = schema
        self._miss = miss
        self._left = MAX_CELLS

    def insert(self, cursor: Cursor) -> None:
        """Read an INSERT after its first word. Raises NotUnderstood."""
        while cursor.take("IGNORE|LOW_PRIORITY|DELAYED|HIGH_PRIORITY") or cursor.take("OR", "REPLACE|IGNORE|ABORT"):
            pass
        cursor.take("INTO")
        table, columns = self._target(cursor)
        cursor.take("OVERRIDING", "SYSTEM|USER", "VALUE")
        if not cursor.take("VALUES|VALUE"):
            raise NotUnderstood("rows that a query gives are not read")
        values = _Values(cursor, len(columns))
        for row in values.rows():
            self._add(table, columns, row, cursor.tokens[0].start)
        for number, (token, shown) in values.computed.items():
            self._miss(token.start, shown, f"Values of {columns[number].text} are computed; the column has no samples.")
            self._drop(table, columns[number])
        if cursor.more and not cursor.follows("ON|RETURNING|AS"):
            raise NotUnderstood("what follows its rows is not known", cursor.tokens)

    def copy(self, cursor: Cursor, copied: tuple[int, str] | None) -> None:
        """Read a COPY after its first word, with the rows that follow it. Raises NotUnderstood."""
        table, columns = self._target(cursor)
        if copied is None or not cursor.take("FROM", "STDIN"):
            raise NotUnderstood("rows in another file are not read; send that file too")
        offset, text = copied
        for line in text.splitlines():
            cells = [None if cell == r"\N" else _unescaped(cell) for cell in line.split("\t")]
            if len(cells) != len(columns):
                self._miss(offset, line, f"The row has {len(cells)} values, and {len(columns)} columns are named.")
            else:
                self._add(table, columns, cells, offset)
            offset += len(line) + 1

    def _target(self, cursor: Cursor) -> tuple[Table, tuple[Name, ...]]:
        schema, name = cursor.qualified()
        table = self._schema.table(schema, name)
        if table is None:
            raise NotUnderstood(f"the table {name.text} is not defined before it")
        group = cursor.group()
        columns = columns_of(group) if group else tuple(column.name for column in table.columns.values())
        for column in columns:
            if column.key not in table.columns:
                raise NotUnderstood(f"the table has no column {column.text}")
        return table, columns

    def _add(self, table: Table, columns: tuple[Name, ...], row: list[Any], offset: int) -> None:
        if self._left < len(row):
            if self._left >= 0:
                self._miss(offset, "rows", f"More than {MAX_CELLS:,} values of rows are not kept.")
            self._left = -1
            return
        self._left -= len(row)
        if table.row_count == 0:
            table.rows = {key: [] for key in table.columns}
        given = {column.key: value for column, value in zip(columns, row, strict=True)}
        for key, values in table.rows.items():
            # A column that is left out has its default, which is not known here.
            values.append(given.get(key))
        for key in [key for key in table.rows if key not in given]:
            del table.rows[key]
        table.row_count += 1

    def _drop(self, table: Table, column: Name) -> None:
        table.rows.pop(column.key, None)


class _Values:
    """Reads the rows of VALUES. computed: the columns with values that are not written out, with the first of these."""

    def __init__(self, cursor: Cursor, width: int) -> None:
        self._cursor = cursor
        self._width = width
        self.computed: dict[int, tuple[Token, str]] = {}

    def rows(self) -> Iterator[list[Any]]:
        """One list of values a row. Raises NotUnderstood."""
        cursor = self._cursor
        while cursor.mark("("):
            cells: list[list[Token]] = [[]]
            depth = 1
            while depth:
                token = cursor.next()
                if token.kind is Kind.MARK:
                    depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
                    if token.text == "," and depth == 1:
                        cells.append([])
                        continue
                cells[-1].append(token)
            cells[-1].pop()
            if len(cells) != self._width:
                raise NotUnderstood(f"a row has {len(cells)} values, and there are {self._width} columns")
            yield [self._value(number, cell) for number, cell in enumerate(cells)]
            if not cursor.mark(","):
                break

    def _value(self, number: int, tokens: list[Token]) -> Any:
        if not tokens:
            raise NotUnderstood("a value is missing")
        negative = len(tokens) > 1 and tokens[0].text in "+-"
        token = tokens[1] if negative else tokens[0]
        rest = tokens[2:] if negative else tokens[1:]
        if not rest or rest[0].text == "::":
            if token.kind is Kind.NUMBER:
                value = Decimal(token.text)
                return -value if negative and tokens[0].text == "-" else value
            if token.kind is Kind.TEXT:
                return token.text
            if token.is_word("NULL"):
                return None
            if token.is_word("TRUE", "FALSE"):
                return token.is_word("TRUE")
        if token.is_word("DATE", "TIMESTAMP", "TIME", "_BINARY") and len(rest) == 1 and rest[0].kind is Kind.TEXT:
            return rest[0].text
        if token.is_word("CAST") and len(tokens) > 2 and tokens[2].kind is Kind.TEXT:
            return tokens[2].text
        self.computed.setdefault(number, (tokens[0], self._cursor.text[tokens[0].start : tokens[-1].end]))
        return None


def _unescaped(cell: str) -> str:
    if "\\" not in cell:
        return cell
    parts = cell.split("\\")
    found, at = [parts[0]], 1
    while at < len(parts):
        if parts[at]:
            found.append(_ESCAPES.get(parts[at][0], parts[at][0]) + parts[at][1:])
        elif at + 1 < len(parts):
            at += 1
            found.append("\\" + parts[at])
        at += 1
    return "".join(found)
