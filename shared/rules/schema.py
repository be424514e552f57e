"""What rules are checked against: the types of columns, and how entities are connected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of values. JSON: anything; a rule can only ask whether it is null. NULL: the kind of `null` alone."""

    TEXT = "text"
    IDENTIFIER = "identifier"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    MONEY = "money"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    DURATION = "duration"
    JSON = "json"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a column or of an expression.

    currency: of money: three letters, or the name of the column that has them. Amounts whose currencies are in columns
    of the same name are taken to be in the same currency.
    values: of an enumeration, which is a text.
    integer: the values of an identifier are integers, not texts.
    denominator: an amount of money is stored in this fraction of a minor unit: 1 in every
    column, 100 after `* 0.19`, and 0 if it differs from row to row, as after `/ quantity`.
    """

    kind: Kind
    currency: str = ""
    values: tuple[str, ...] = ()
    integer: bool = False
    denominator: int = 1

    def __str__(self) -> str:
        if self.kind is Kind.MONEY:
            return f"money in {self.currency}" if self.denominator == 1 else f"money in {self.currency} before rounding"
        return self.kind.value

    @property
    def phrase(self) -> str:
        """The type in a sentence: `a date`, `money in EUR`."""
        name = str(self)
        if self.kind in (Kind.MONEY, Kind.NULL):
            return name
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"

    @property
    def textual(self) -> bool:
        """True if the values are texts."""
        return self.kind is Kind.TEXT or (self.kind is Kind.IDENTIFIER and not self.integer)

    @property
    def numeric(self) -> bool:
        """True for integers and numbers."""
        return self.kind in (Kind.INTEGER, Kind.NUMBER)

    @property
    def moment(self) -> bool:
        """True for dates and datetimes."""
        return self.kind in (Kind.DATE, Kind.DATETIME)


TEXT = Type(Kind.TEXT)
INTEGER = Type(Kind.INTEGER)
NUMBER = Type(Kind.NUMBER)
BOOLEAN = Type(Kind.BOOLEAN)
DATE = Type(Kind.DATE)
DATETIME = Type(Kind.DATETIME)
TIME = Type(Kind.TIME)
DURATION = Type(Kind.DURATION)
IDENTIFIER = Type(Kind.IDENTIFIER)
JSON = Type(Kind.JSON)
NULL = Type(Kind.NULL)


def money(currency: str) -> Type:
    """Money in a currency."""
    return Type(Kind.MONEY, currency=currency)


def enumeration(*values: str) -> Type:
    """A text that is one of some values."""
    return Type(Kind.TEXT, values=values)


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity. children, parents: the name that a rule uses for them → their entity."""

    columns: Mapping[str, Type]
    children: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Schema:
    """All entities by name. parameters: values that are given with the rows, such as `as_of`."""

    entities: Mapping[str, Entity]
    parameters: Mapping[str, Type] = field(default_factory=dict)
