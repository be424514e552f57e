"""The parts of an expression. Two expressions are equal if they print the same, wherever their parts stood."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time

Where = tuple[int, int]
"""Offsets in the source: from, to."""
LARGEST = 2**63 - 1
"""The largest integer, and the most minor units of an amount and microseconds of a duration."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a currency in its minor units, such as cents."""

    minor_units: int
    currency: str


@dataclass(frozen=True, slots=True)
class Duration:
    """A count of a unit: week, day, hour, minute or second."""

    count: int
    unit: str

    @property
    def microseconds(self) -> int:
        return self.count * _SECONDS[self.unit] * 1_000_000


_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


Value = int | float | str | bool | Money | Duration | date | datetime | time | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written out."""

    value: Value
    where: Where = field(default=(0, 0), compare=False)

    def __eq__(self, other: object) -> bool:
        # Python says that 1 == 1.0 == True.
        return isinstance(other, Literal) and (type(self.value), self.value) == (type(other.value), other.value)

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class Path:
    """A column, after the children and parents that lead to it: `items.product.price`. Or a parameter."""

    names: tuple[str, ...]
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Sign:
    """`-operand`."""

    operand: "Node"
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """operator: + - * / or %."""

    operator: str
    left: "Node"
    right: "Node"
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """operator: == != < <= > or >=."""

    operator: str
    left: "Node"
    right: "Node"
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """`value in [items]`, or `not in`."""

    value: "Node"
    items: tuple["Node", ...]
    negated: bool
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Matches:
    """`value matches pattern`, or `not matches`. pattern_where: where the pattern stands."""

    value: "Node"
    pattern: str
    negated: bool
    where: Where = field(default=(0, 0), compare=False)
    pattern_where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class IsNull:
    """`value is null`, or `is not null`."""

    value: "Node"
    negated: bool
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Negation:
    """`not operand`."""

    operand: "Node"
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Logic:
    """operator: and, or."""

    operator: str
    left: "Node"
    right: "Node"
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """`if condition then chosen else other`."""

    condition: "Node"
    chosen: "Node"
    other: "Node"
    where: Where = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the row, or a fold of children such as `sum(items.price)`. name_where: where its name stands."""

    name: str
    arguments: tuple["Node", ...]
    where: Where = field(default=(0, 0), compare=False)
    name_where: Where = field(default=(0, 0), compare=False)


Node = Literal | Path | Sign | Arithmetic | Comparison | Member | Matches | IsNull | Negation | Logic | Choice | Call


def parts(node: Node) -> tuple[Node, ...]:
    """The parts that an expression is directly made of, from left to right."""
    match node:
        case Literal() | Path():
            return ()
        case Sign() | Negation():
            return (node.operand,)
        case Arithmetic() | Comparison() | Logic():
            return (node.left, node.right)
        case Member():
            return (node.value, *node.items)
        case Matches() | IsNull():
            return (node.value,)
        case Choice():
            return (node.condition, node.chosen, node.other)
        case Call():
            return node.arguments


def every_part(node: Node) -> Iterator[Node]:
    """The expression and all its parts."""
    rest = [node]
    while rest:
        part = rest.pop()
        yield part
        rest += parts(part)
