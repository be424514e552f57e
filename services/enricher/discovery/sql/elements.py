"""Columns and constraints of tables: the parts of CREATE TABLE and ALTER TABLE."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from services.enricher.discovery.sql.cursor import Cursor, NotUnderstood
from services.enricher.discovery.sql.lexer import Kind, Token
from services.enricher.discovery.sql.schema import Check, Column, Foreign, Name, Sql, Table, Type, Unique

Miss = Callable[[int, str, str], None]
"""(offset, construct, reason): name a construct that was not read."""

_CLAUSES = frozenset(
    "CONSTRAINT NOT NULL DEFAULT PRIMARY KEY UNIQUE CHECK REFERENCES FOREIGN GENERATED AS COLLATE COMMENT ON IDENTITY "
    "AUTO_INCREMENT AUTOINCREMENT DEFERRABLE INITIALLY CHARACTER CHARSET STORED VIRTUAL PERSISTED ENABLE DISABLE "
    "ENFORCED VISIBLE INVISIBLE SPARSE ROWGUIDCOL FIRST AFTER USING WITH STORAGE COMPRESSION NO".split()
)
_TYPE_WORDS = frozenset(
    "PRECISION VARYING UNSIGNED SIGNED ZEROFILL BIG INT INTEGER CHARACTER CHAR VARCHAR LARGE OBJECT RAW BYTE".split()
)
_WITHOUT_MEANING = (
    ("NOT", "DEFERRABLE"),
    ("DEFERRABLE",),
    ("INITIALLY", "DEFERRED|IMMEDIATE"),
    ("ENABLE", "VALIDATE"),
    ("ENABLE",),
    ("ENFORCED",),
    ("VISIBLE",),
    ("SPARSE",),
    ("ROWGUIDCOL",),
    ("STORED",),
    ("VIRTUAL",),
    ("PERSISTED",),
    ("FIRST",),
    ("NOT", "FOR", "REPLICATION"),
    ("CLUSTERED|NONCLUSTERED",),
    ("ASC|DESC",),
    ("NULLS", "DISTINCT"),
    ("NO", "INHERIT"),
    ("MATCH", "SIMPLE"),
)
"""What says nothing about which rows there can be."""
_WHEN_A_PARENT_CHANGES = "What happens to children when their parent changes has no place in a pack."
_TABLE_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "DEFAULT", "EXCLUDE", "LIKE")


@dataclass(slots=True)
class Elements:
    """Reads elements into a table. miss: names what is not read."""

    table: Table
    miss: Miss

    def read(self, cursor: Cursor) -> None:
        """Read a column or a constraint; what of it is not read is named."""
        try:
            if self._constraint(cursor):
                self._rest(cursor)
            else:
                column = self.column(cursor)
                self.table.columns[column.name.key] = column
        except NotUnderstood as error:
            whole = cursor.sql()
            self.miss(whole.offset, whole.text, f"{_sentence(error)}.")

    def column(self, cursor: Cursor) -> Column:
        """Read a column. Raises NotUnderstood if it has no name."""
        token = cursor.next()
        cursor.at -= 1
        column = Column(cursor.name(), Type(""), token.start)
        column.type = read_type(cursor)
        column.nullable = "serial" not in column.type.base
        name = ""
        while cursor.more:
            first = cursor.at
            try:
                if cursor.take("CONSTRAINT"):
                    name = cursor.name().text
                    continue
                understood = self._clause(cursor, column, name)
            except NotUnderstood as error:
                cursor.at = max(cursor.at, first + 1)
                understood, reason = False, _sentence(error)
            else:
                reason = "this part of a column is not known"
            if not understood:
                cursor.at = max(cursor.at, first + 1)
                while cursor.more and not _clause_starts(cursor):
                    _skip(cursor)
                part = cursor.sql(first, cursor.at)
                self.miss(part.offset, part.text, f"{reason}.")
            name = ""
        return column

    def _clause(self, cursor: Cursor, column: Column, name: str) -> bool:
        """Read one clause of a column; False if it is not known."""
        table, here = self.table, cursor.peek()
        offset = here.start if here else column.offset
        if _take_any(cursor, _WITHOUT_MEANING):
            return True
        if cursor.take("NOT", "NULL"):
            column.nullable = False
        elif cursor.take("NULL"):
            column.nullable = True
        elif cursor.take("DEFAULT"):
            cursor.take("ON", "NULL")
            column.default = _expression(cursor)
        elif cursor.take("PRIMARY", "KEY") or cursor.take("KEY"):
            table.key, table.key_name = (column.name,), name
            column.nullable = False
        elif cursor.take("UNIQUE"):
            _take_any(cursor, (("KEY",), ("CLUSTERED|NONCLUSTERED",)))
            table.uniques.append(Unique((column.name,), offset, name))
        elif cursor.take("CHECK"):
            cursor.take("NOT", "FOR", "REPLICATION")
            table.checks.append(Check(_group(cursor).sql(), name))
        elif cursor.follows("REFERENCES") or cursor.follows("FOREIGN", "KEY", "REFERENCES"):
            cursor.take("FOREIGN", "KEY")
            self._reference(cursor, (column.name,), offset)
        elif cursor.take("GENERATED"):
            return self._generated(cursor, column)
        elif cursor.take("AS"):
            column.generated = _group(cursor).sql()
        elif cursor.take("AUTO_INCREMENT|AUTOINCREMENT"):
            pass
        elif cursor.take("IDENTITY"):
            column.nullable = False
            column.counts_from = _start(cursor.group())
        elif cursor.take("COMMENT"):
            column.comment = cursor.next().text
        elif cursor.take("CHARACTER", "SET") or cursor.take("CHARSET|AFTER|STORAGE|COMPRESSION"):
            cursor.name()
        elif cursor.take("USING", "INDEX") or cursor.follows("WITH") or cursor.follows("USING"):
            _options(cursor)
        elif cursor.follows("ON") and (following := cursor.peek(1)) and following.kind is Kind.NAME:
            cursor.at += 2  # T-SQL: ON [PRIMARY], where it is stored
        elif cursor.take("COLLATE"):
            cursor.qualified()
            part = cursor.sql(cursor.at - 2, cursor.at)
            self.miss(part.offset, part.text, "A pack has no collations; texts are compared character by character.")
        elif cursor.follows("ON", "UPDATE"):
            raise NotUnderstood("what happens when a row changes has no place in a pack")
        elif cursor.follows("ON", "CONFLICT"):
            raise NotUnderstood("what happens on a conflict has no place in a pack")
        else:
            return False
        return True

    def _generated(self, cursor: Cursor, column: Column) -> bool:
        always = cursor.take("ALWAYS")
        if not always:
            cursor.take("BY", "DEFAULT")
            cursor.take("ON", "NULL")
        if cursor.take("AS", "IDENTITY"):
            column.nullable = False
            start = _start(cursor.group())
            column.counts_from = start if always else None
            return True
        if not cursor.take("AS"):
            return False
        group = cursor.group()
        if group is None:
            raise NotUnderstood("a column that the system fills has no place in a pack")
        column.generated = group.sql()
        return True

    def _constraint(self, cursor: Cursor) -> bool:
        """Read a constraint of the table; False if the element is a column."""
        first = cursor.peek()
        assert first is not None
        index = ("KEY", "INDEX", "FULLTEXT", "SPATIAL") if cursor.dialect == "mysql" else ("INDEX",)
        if first.is_word(*index) and cursor.dialect in {"mysql", "tsql"}:
            cursor.at = len(cursor.tokens)  # an index that is not unique says nothing about rows
            return True
        if cursor.follows("PERIOD", "FOR"):
            raise NotUnderstood("periods of system time have no place in a pack")
        if not first.is_word(*_TABLE_CONSTRAINTS):
            return False
        name = (
            cursor.name().text
            if cursor.take("CONSTRAINT") and not cursor.follows("PRIMARY|UNIQUE|FOREIGN|CHECK")
            else ""
        )
        table = self.table
        if cursor.take("PRIMARY", "KEY"):
            table.key, table.key_name = self._columns(cursor), name
            for column in table.key:
                if found := table.columns.get(column.key):
                    found.nullable = False
        elif cursor.take("UNIQUE"):
            cursor.take("KEY|INDEX")
            if cursor.take("NULLS", "NOT", "DISTINCT"):
                whole = cursor.sql()
                self.miss(whole.offset, "NULLS NOT DISTINCT", "In a pack any number of records may have no value.")
            table.uniques.append(Unique(self._columns(cursor), first.start, name))
        elif cursor.take("FOREIGN", "KEY"):
            self._reference(cursor, self._columns(cursor), first.start)
        elif cursor.take("CHECK"):
            cursor.take("NOT", "FOR", "REPLICATION")
            table.checks.append(Check(_group(cursor).sql(), name))
        elif cursor.take("DEFAULT"):
            default = _expression(cursor, "FOR", "WITH")
            if not cursor.take("FOR"):
                raise NotUnderstood("a default must say its column")
            set_default(table, cursor.name(), default)
        elif cursor.take("EXCLUDE"):
            raise NotUnderstood("an exclusion constraint has no place in a pack")
        elif cursor.take("LIKE"):
            raise NotUnderstood("the columns of another table are not copied")
        else:
            raise NotUnderstood("this constraint is not known")
        return True

    def _columns(self, cursor: Cursor) -> tuple[Name, ...]:
        """Take the columns in parentheses; a name of an index and words before them are skipped."""
        while cursor.more and not cursor.follows("REFERENCES"):
            if (group := cursor.group()) is not None:
                return columns_of(group)
            cursor.next()
        raise NotUnderstood("its columns are missing")

    def _reference(self, cursor: Cursor, columns: tuple[Name, ...], offset: int) -> None:
        if not cursor.take("REFERENCES"):
            raise NotUnderstood("a foreign key must say what it references")
        schema, parent = cursor.qualified()
        group = cursor.group()
        parents = columns_of(group) if group else ()
        self.table.foreign.append(Foreign(columns, schema, parent, parents, offset))
        while cursor.follows("ON", "DELETE|UPDATE") or cursor.follows("MATCH"):
            first = cursor.at
            matched = cursor.next().is_word("MATCH")
            cursor.next()
            if matched and cursor.tokens[cursor.at - 1].is_word("SIMPLE"):
                continue
            if not matched and (cursor.take("NO", "ACTION") or cursor.take("RESTRICT")):
                continue
            if cursor.take("SET", "NULL|DEFAULT"):
                cursor.group()
            elif not matched:
                cursor.next()
            part = cursor.sql(first, cursor.at)
            reason = "A pack asks for all fields of a reference or none." if matched else _WHEN_A_PARENT_CHANGES
            self.miss(part.offset, part.text, reason)

    def _rest(self, cursor: Cursor) -> None:
        """What follows a constraint of the table."""
        while cursor.more:
            first = cursor.at
            if _take_any(cursor, _WITHOUT_MEANING):
                continue
            conflict = cursor.follows("ON", "CONFLICT")
            if not conflict and cursor.follows("WITH|USING|ON|INCLUDE|COMMENT|KEY_BLOCK_SIZE"):
                _options(cursor)
                continue
            while cursor.more:
                _skip(cursor)
            part = cursor.sql(first, cursor.at)
            self.miss(part.offset, part.text, "This part of a constraint has no place in a pack.")


def columns_of(cursor: Cursor) -> tuple[Name, ...]:
    """The names of columns in a list such as `(a, b(10) DESC)`. Raises NotUnderstood for expressions."""
    names = []
    for item in cursor.items():
        names.append(item.name())
        prefix = item.group()
        if prefix is not None and not (item.dialect == "mysql" and prefix.tokens[0].kind is Kind.NUMBER):
            raise NotUnderstood("it is over an expression")
        if item.take("COLLATE"):
            item.qualified()
        while item.take("ASC|DESC") or item.take("NULLS", "FIRST|LAST"):
            pass
        token = item.peek()
        if token is not None and token.kind is not Kind.WORD:
            raise NotUnderstood("it is over an expression")
    if not names:
        raise NotUnderstood("its columns are missing")
    return tuple(names)


def read_type(cursor: Cursor) -> Type:
    """Take a type; its base is empty if none follows, as SQLite allows."""
    token = cursor.peek()
    if token is None or token.kind not in (Kind.WORD, Kind.NAME) or _clause_starts(cursor):
        return Type("")
    schema, name = cursor.qualified()
    base = [name.text]
    arguments: tuple[str, ...] = ()
    unsigned = False
    while cursor.more:
        if cursor.take("UNSIGNED"):
            unsigned = True
        elif cursor.take("WITH|WITHOUT", "TIME", "ZONE") or cursor.take("WITH", "LOCAL", "TIME", "ZONE"):
            base.append("with time zone" if cursor.tokens[cursor.at - 3].is_word("WITH", "LOCAL") else "")
        elif cursor.take("YEAR|DAY", "TO", "MONTH|SECOND") or cursor.take("SIGNED|ZEROFILL|BINARY"):
            continue
        elif not arguments and (group := cursor.group()) is not None:
            arguments = tuple(_argument(item) for item in group.items())
        elif _more_of_type(cursor):
            base.append(cursor.next().text)
        else:
            break
    array = cursor.take("ARRAY")
    while cursor.mark("["):
        while not cursor.mark("]"):
            cursor.next()
        array = True
    return Type(" ".join(filter(None, base)).lower(), arguments, schema, name.key, unsigned, array)


def _start(options: Cursor | None) -> int:
    """The first number of `(START WITH 5 …)` or `(5, 1)`; 1 if none is said."""
    text = options.sql().text if options is not None and options.tokens else ""
    number = re.search(r"(?:START\s+(?:WITH\s+)?|^\s*)(\d{1,18})\b", text, re.IGNORECASE)
    return int(number[1]) if number else 1


def set_default(table: Table, column: Name, default: Sql | None) -> None:
    """Give a column its default. Raises NotUnderstood if the table has no such column."""
    found = table.columns.get(column.key)
    if found is None:
        raise NotUnderstood(f"the table has no column {column.text}")
    found.default = default


def _more_of_type(cursor: Cursor) -> bool:
    token = cursor.peek()
    if token is None or token.kind is not Kind.WORD or cursor.follows("CHARACTER", "SET"):
        return False
    return token.text.upper() in _TYPE_WORDS or (cursor.dialect == "sqlite" and not _clause_starts(cursor))


def _argument(cursor: Cursor) -> str:
    token = cursor.tokens[0]
    return token.text if token.kind is Kind.TEXT else cursor.sql().text


def _clause_starts(cursor: Cursor) -> bool:
    token = cursor.peek()
    if token is None or token.kind is not Kind.WORD or token.text.upper() not in _CLAUSES:
        return False
    return not token.is_word("CHARACTER") or cursor.follows("CHARACTER", "SET")


def _expression(cursor: Cursor, *ends: str) -> Sql:
    """Take an expression: one token at least, then all before the next clause."""
    first = cursor.at
    _skip(cursor)
    while (token := cursor.peek()) is not None and not _clause_starts(cursor) and not token.is_word(*ends):
        _skip(cursor)
    while cursor.follows("AT", "TIME", "ZONE"):
        cursor.at += 4
    return cursor.sql(first, cursor.at)


def _skip(cursor: Cursor) -> None:
    """Skip a token, or what stands in parentheses."""
    if cursor.group() is None:
        cursor.next()


def _options(cursor: Cursor) -> None:
    """Skip options of storage: a word, then words, names and parentheses up to the next clause."""
    cursor.next()
    while (token := cursor.peek()) is not None and (
        token.is_word("INDEX", "ON", "USING", "WITH") or not _clause_starts(cursor)
    ):
        _skip(cursor)


def _group(cursor: Cursor) -> Cursor:
    group = cursor.group()
    if group is None:
        raise NotUnderstood("parentheses are missing")
    return group


def _take_any(cursor: Cursor, phrases: tuple[tuple[str, ...], ...]) -> bool:
    return any(cursor.take(*phrase) for phrase in phrases)


def _sentence(error: NotUnderstood) -> str:
    text = str(error)
    return text[0].upper() + text[1:]


def first_token(cursor: Cursor) -> Token:
    """The first token of a cursor that has some."""
    return cursor.tokens[0]
