"""Statements that define tables: CREATE, ALTER, COMMENT and DROP."""

from collections.abc import Callable
from dataclasses import dataclass

from services.enricher.discovery.sql.cursor import Cursor, NotUnderstood
from services.enricher.discovery.sql.elements import Elements, Miss, columns_of, first_token, read_type, set_default
from services.enricher.discovery.sql.lexer import Kind
from services.enricher.discovery.sql.schema import Name, Schema, Table, Type, Unique, UserType

_ABOUT_NO_ROWS = frozenset(
    "SET RESET BEGIN COMMIT START ROLLBACK USE GRANT REVOKE ANALYZE VACUUM PRAGMA SELECT LOCK UNLOCK PRINT GO IF "
    "DECLARE END SHOW CONNECT PROMPT WHENEVER SPOOL SAVEPOINT RELEASE CHECKPOINT REINDEX OPTIMIZE WITH".split()
)
"""Statements that say nothing about which rows there can be."""
_ABOUT_NO_ROWS_EITHER = frozenset(
    "DATABASE SCHEMA EXTENSION SEQUENCE ROLE USER LOGIN TABLESPACE SYNONYM COLLATION LANGUAGE PUBLICATION".split()
)
_ALTER_ABOUT_NO_ROWS = (
    "OWNER ENABLE DISABLE CLUSTER SET RESET REPLICA VALIDATE CHECK NOCHECK ENGINE AUTO_INCREMENT COMMENT CONVERT "
    "CHARACTER CHARSET ORDER FORCE COLLATE ROW_FORMAT INHERIT NO"
).replace(" ", "|")
_PROGRAMS = frozenset(
    {"VIEW", "TRIGGER", "FUNCTION", "PROCEDURE", "PROC", "EVENT", "RULE", "POLICY", "AGGREGATE", "PACKAGE"}
)


@dataclass(slots=True)
class Definitions:
    """Reads statements into a schema."""

    schema: Schema
    miss: Miss

    def read(self, cursor: Cursor) -> None:
        """Read a statement. Raises NotUnderstood."""
        if cursor.take("CREATE"):
            self._create(cursor)
        elif cursor.take("ALTER", "TABLE"):
            self._alter(cursor)
        elif cursor.take("ALTER", "TYPE"):
            self._alter_type(cursor)
        elif cursor.take("COMMENT", "ON"):
            self._comment(cursor)
        elif cursor.take("DROP", "TABLE"):
            cursor.take("IF", "EXISTS")
            schema, name = cursor.qualified()
            if table := self.schema.table(schema, name):
                del self.schema.tables[table.schema, table.name.key]
        elif cursor.follows("SET", "SEARCH_PATH") or cursor.take("USE"):
            self._path(cursor)
        elif not first_token(cursor).is_word(*_ABOUT_NO_ROWS, "DROP", "ALTER"):
            raise NotUnderstood("this statement is not known")

    def _path(self, cursor: Cursor) -> None:
        """`SET search_path = shop, public`: the first name is the schema of names without one."""
        if cursor.take("SET", "SEARCH_PATH") and (cursor.mark("=") or cursor.take("TO")):
            token = cursor.next()
            self.schema.path = token.text.lower() if token.text else ""

    def _create(self, cursor: Cursor) -> None:
        cursor.take("OR", "REPLACE|ALTER")
        while cursor.take("TEMP|TEMPORARY|GLOBAL|LOCAL|UNLOGGED|VIRTUAL|FORCE|EDITIONABLE|MATERIALIZED"):
            pass
        if cursor.take("DEFINER"):
            while cursor.more and not first_token(_rest(cursor)).is_word(*_PROGRAMS):
                cursor.next()
        unique = cursor.take("UNIQUE")
        while cursor.take("CLUSTERED|NONCLUSTERED|BITMAP|FULLTEXT|SPATIAL|COLUMNSTORE"):
            pass
        if cursor.take("TABLE"):
            self._create_table(cursor)
        elif cursor.take("INDEX"):
            if unique:
                self._unique_index(cursor)
        elif cursor.take("TYPE"):
            self._create_type(cursor)
        elif cursor.take("DOMAIN"):
            self._create_domain(cursor)
        else:
            word = cursor.next().text.upper()
            if word in _PROGRAMS:
                raise NotUnderstood(f"a {word.lower()} is a program, and a pack has none")
            if word not in _ABOUT_NO_ROWS_EITHER:
                raise NotUnderstood("this statement is not known")

    def _create_table(self, cursor: Cursor) -> None:
        offset = first_token(cursor).start
        cursor.take("IF", "NOT", "EXISTS")
        schema, name = cursor.qualified()
        if cursor.follows("PARTITION", "OF"):
            raise NotUnderstood("a partition has the rows of another table")
        body = cursor.group()
        if body is None or cursor.follows("AS") or body.follows("SELECT|WITH"):
            raise NotUnderstood("its columns come from a query or another table")
        schema = schema or self.schema.path
        table = Table(schema, name, offset)
        elements = Elements(table, self.miss)
        for element in body.items():
            elements.read(element)
        for column in table.key:
            if found := table.columns.get(column.key):
                found.nullable = False
        if (schema, name.key) in self.schema.tables:
            raise NotUnderstood(f"the table {name.text} is defined already; the first definition is kept")
        self.schema.tables[schema, name.key] = table
        self._table_options(cursor, table)

    def _table_options(self, cursor: Cursor, table: Table) -> None:
        while cursor.more:
            first = cursor.at
            if cursor.take("COMMENT"):
                cursor.mark("=")
                table.comment = cursor.next().text
            elif cursor.follows("INHERITS") or cursor.follows("SELECT|AS"):
                cursor.at = len(cursor.tokens)
                part = cursor.sql(first)
                self.miss(part.offset, part.text, "Columns that come from another table or a query are not read.")
            elif cursor.group() is None:
                cursor.next()

    def _unique_index(self, cursor: Cursor) -> None:
        offset = first_token(cursor).start
        while cursor.more and not cursor.take("ON"):
            cursor.next()
        cursor.take("ONLY")
        table = self._table(cursor)
        if cursor.take("USING"):
            cursor.next()
        body = cursor.group()
        if body is None:
            raise NotUnderstood("its columns are missing")
        columns = columns_of(body)
        while cursor.more:
            if cursor.follows("WHERE"):
                raise NotUnderstood("it is unique among some rows only, which a pack cannot say")
            cursor.next()
        table.uniques.append(Unique(columns, offset))

    def _create_type(self, cursor: Cursor) -> None:
        name = cursor.qualified()[1]
        cursor.take("AS")
        if not cursor.take("ENUM"):
            if cursor.take("FROM"):
                self.schema.types[name.key] = UserType(base=read_type(cursor))
                return
            self.schema.types[name.key] = UserType(base=Type("struct"))
            raise NotUnderstood("the parts of a type are not read; fields of the type are any JSON")
        body = cursor.group()
        values = tuple(item.next().text for item in body.items()) if body else ()
        self.schema.types[name.key] = UserType(values)

    def _alter_type(self, cursor: Cursor) -> None:
        known = self.schema.types.get(cursor.qualified()[1].key)
        if cursor.follows("OWNER|RENAME"):
            return
        if not (known and cursor.take("ADD", "VALUE")):
            raise NotUnderstood("of types only ADD VALUE is read")
        cursor.take("IF", "NOT", "EXISTS")
        known.values += (cursor.next().text,)

    def _create_domain(self, cursor: Cursor) -> None:
        name = cursor.qualified()[1]
        cursor.take("AS")
        domain = UserType(base=read_type(cursor))
        self.schema.types[name.key] = domain
        # A domain is read like a column of a table of its own.
        table = Table("", name, cursor.tokens[0].start)
        rest = Cursor(cursor.text, (cursor.tokens[0], *cursor.tokens[cursor.at :]), cursor.dialect)
        column = Elements(table, self.miss).column(rest)
        domain.nullable, domain.default, domain.checks = column.nullable, column.default, table.checks

    def _comment(self, cursor: Cursor) -> None:
        kind = cursor.next()
        names = [cursor.name()]
        while cursor.mark("."):
            names.append(cursor.name())
        if not cursor.take("IS"):
            raise NotUnderstood("only comments on tables and columns are read")
        text = cursor.next()
        said = text.text if text.kind is Kind.TEXT else ""
        if kind.is_word("TABLE"):
            self._known(names[-2].key if len(names) > 1 else "", names[-1]).comment = said
        elif kind.is_word("COLUMN") and len(names) > 1:
            table = self._known(names[-3].key if len(names) > 2 else "", names[-2])
            if names[-1].key not in table.columns:
                raise NotUnderstood(f"the table has no column {names[-1].text}")
            table.columns[names[-1].key].comment = said
        elif not kind.is_word("EXTENSION", "SCHEMA", "DATABASE", "INDEX", "SEQUENCE"):
            raise NotUnderstood("only comments on tables and columns are read")

    def _table(self, cursor: Cursor) -> Table:
        return self._known(*cursor.qualified())

    def _known(self, schema: str, name: Name) -> Table:
        table = self.schema.table(schema, name)
        if table is None:
            raise NotUnderstood(f"the table {name.text} is not defined before it")
        return table

    def _alter(self, cursor: Cursor) -> None:
        cursor.take("IF", "EXISTS")
        cursor.take("ONLY")
        schema, name = cursor.qualified()
        if _rest(cursor).follows(_ALTER_ABOUT_NO_ROWS) and self.schema.table(schema, name) is None:
            return
        table = self._known(schema, name)
        adding = False
        for action in cursor.items():
            try:
                adding = self._action(action, table, adding)
            except NotUnderstood as error:
                part = action.sql()
                said = str(error)
                self.miss(part.offset, part.text, f"{said[0].upper()}{said[1:]}.")

    def _action(self, action: Cursor, table: Table, adding: bool) -> bool:
        """Do one action of ALTER TABLE. Returns True if further ones may leave out ADD, as T-SQL allows."""
        elements = Elements(table, self.miss)
        action.take("WITH", "CHECK|NOCHECK")
        if action.take("ADD"):
            action.take("COLUMN")
            action.take("IF", "NOT", "EXISTS")
            body = action.group() if action.tokens[action.at].text == "(" else None
            for element in body.items() if body else [_rest(action)]:
                elements.read(element)
            return action.dialect == "tsql"
        if action.take("MODIFY|CHANGE"):
            self._modify(action, table, elements)
        elif action.take("ALTER"):
            self._alter_column(action, table)
        elif action.take("DROP"):
            self._drop(action, table)
        elif action.take("RENAME"):
            self._rename(action, table)
        elif adding:
            elements.read(action)
            return True
        elif not action.follows(_ALTER_ABOUT_NO_ROWS):
            raise NotUnderstood("this change of a table is not known")
        return False

    def _modify(self, action: Cursor, table: Table, elements: Elements) -> None:
        """MySQL's MODIFY column definition, and CHANGE old-name column definition."""
        change = action.tokens[action.at - 1].is_word("CHANGE")
        action.take("COLUMN")
        old = action.name() if change else None
        column = elements.column(_rest(action))
        old = old or column.name
        if old.key not in table.columns:
            raise NotUnderstood(f"the table has no column {old.text}")
        column.nullable = column.nullable and old.key not in {one.key for one in table.key}
        table.columns[old.key] = column
        if old.key != column.name.key:
            _rename_column(table, old, column.name)

    def _alter_column(self, action: Cursor, table: Table) -> None:
        action.take("COLUMN")
        name = action.name()
        column = table.columns.get(name.key)
        if column is None:
            raise NotUnderstood(f"the table has no column {name.text}")
        if action.take("SET", "NOT", "NULL"):
            column.nullable = False
        elif action.take("DROP", "NOT", "NULL"):
            column.nullable = True
        elif action.take("SET", "DEFAULT"):
            set_default(table, name, _rest(action).sql())
        elif action.take("DROP", "DEFAULT"):
            column.default = None
        elif action.take("SET", "DATA", "TYPE") or action.take("TYPE"):
            column.type = read_type(action)
        elif action.take("ADD", "GENERATED") or action.take("SET", "STATISTICS|STORAGE"):
            return
        elif action.dialect == "tsql":
            column.type = read_type(action)
            column.nullable = not action.take("NOT", "NULL")
        else:
            raise NotUnderstood("this change of a column is not known")

    def _drop(self, action: Cursor, table: Table) -> None:
        named = action.take("CONSTRAINT|INDEX|KEY")
        if action.take("PRIMARY", "KEY"):
            table.key = ()
            return
        if not named:
            action.take("COLUMN")
        action.take("IF", "EXISTS")
        name = action.name()
        if not named:
            table.columns.pop(name.key, None)
            return
        if table.key_name == name.text:
            table.key = ()
        table.uniques = [one for one in table.uniques if one.constraint != name.text]
        table.checks = [one for one in table.checks if one.constraint != name.text]

    def _rename(self, action: Cursor, table: Table) -> None:
        if action.take("TO") or action.take("AS"):
            del self.schema.tables[table.schema, table.name.key]
            table.name = action.name()
            self.schema.tables[table.schema, table.name.key] = table
            return
        if action.follows("CONSTRAINT|INDEX|KEY"):
            return
        action.take("COLUMN")
        old = action.name()
        if not action.take("TO") or old.key not in table.columns:
            raise NotUnderstood("this change of a name is not known")
        new = action.name()
        table.columns[old.key].name = new
        _rename_column(table, old, new)


def _rename_column(table: Table, old: Name, new: Name) -> None:
    swap: Callable[[tuple[Name, ...]], tuple[Name, ...]] = lambda names: tuple(  # noqa: E731
        new if name.key == old.key else name for name in names
    )
    table.columns = {(new.key if key == old.key else key): column for key, column in table.columns.items()}
    table.key = swap(table.key)
    for unique in table.uniques:
        unique.columns = swap(unique.columns)
    for foreign in table.foreign:
        foreign.columns = swap(foreign.columns)


def _rest(cursor: Cursor) -> Cursor:
    return Cursor(cursor.text, cursor.tokens[cursor.at :], cursor.dialect)
