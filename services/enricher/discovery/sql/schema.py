"""The tables of a file while its statements are read one after another."""

from dataclasses import dataclass, field
from typing import Any

from services.enricher.discovery.sql.lexer import Kind, Token


@dataclass(slots=True)
class Name:
    """A name as it is written, and the key by which it is found.

    PostgreSQL folds names without quotes to lower case and tells quoted ones apart; the other dialects are read as
    if case did not matter.
    """

    text: str
    key: str


def name_of(token: Token, dialect: str) -> Name:
    """The name that a token is."""
    if dialect == "postgres":
        folded = token.text.lower() if token.kind is Kind.WORD else token.text
        return Name(folded, folded)
    return Name(token.text, token.text.casefold())


@dataclass(slots=True)
class Sql:
    """An expression as it is written, and its offset."""

    text: str
    offset: int


@dataclass(slots=True)
class Type:
    """A type. base: its words in lower case, without what stands in parentheses, such as `character varying`.

    arguments: what stands in parentheses. schema, key: of a user's type.
    """

    base: str
    arguments: tuple[str, ...] = ()
    schema: str = ""
    key: str = ""
    unsigned: bool = False
    array: bool = False


@dataclass(slots=True)
class Column:
    """A column. counts_from: the first number, if only the database gives the values and counts up."""

    name: Name
    type: Type
    offset: int
    nullable: bool = True
    unique: bool = False
    default: Sql | None = None
    generated: Sql | None = None
    counts_from: int | None = None
    comment: str = ""


@dataclass(slots=True)
class Check:
    """A CHECK constraint. column: if it stands with one. constraint: its name; may be empty."""

    sql: Sql
    constraint: str = ""


@dataclass(slots=True)
class Foreign:
    """A foreign key. parent_columns: empty: the key of the parent."""

    columns: tuple[Name, ...]
    schema: str
    parent: Name
    parent_columns: tuple[Name, ...]
    offset: int


@dataclass(slots=True)
class Unique:
    """A set of columns that no two rows share."""

    columns: tuple[Name, ...]
    offset: int
    constraint: str = ""


@dataclass(slots=True)
class Table:
    """A table."""

    schema: str
    name: Name
    offset: int
    columns: dict[str, Column] = field(default_factory=dict)
    key: tuple[Name, ...] = ()
    key_name: str = ""
    uniques: list[Unique] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    comment: str = ""
    rows: dict[str, list[Any]] = field(default_factory=dict)
    row_count: int = 0


@dataclass(slots=True)
class UserType:
    """A type that the file makes: an enumeration of `values`, or a domain over `base` with `checks` on VALUE."""

    values: tuple[str, ...] = ()
    base: Type | None = None
    nullable: bool = True
    default: Sql | None = None
    checks: list[Check] = field(default_factory=list)


@dataclass(slots=True)
class Schema:
    """All tables and types of a file. path: the schema of names without one."""

    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    types: dict[str, UserType] = field(default_factory=dict)
    path: str = ""

    def table(self, schema: str, name: Name) -> Table | None:
        """The table with the name; in any schema if none is given and only one schema has it."""
        if found := self.tables.get((schema or self.path, name.key)):
            return found
        if schema and (schema.lower() in DEFAULT_SCHEMAS or self.path.lower() == schema.lower()):
            schema = ""
        same = [one for (_, key), one in self.tables.items() if key == name.key and not schema]
        return same[0] if len(same) == 1 else None


DEFAULT_SCHEMAS = frozenset({"public", "dbo", "main", ""})
