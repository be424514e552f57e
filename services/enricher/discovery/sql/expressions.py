"""Expressions of SQL as expressions of rules."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shared.model.events import Json
from shared.model.packs.model import FieldType
from shared.rules.syntax import (
    Arithmetic,
    Call,
    Choice,
    Comparison,
    Duration,
    IsNull,
    Literal,
    Logic,
    Matches,
    Member,
    Negation,
    Node,
    Path,
    Sign,
    Value,
)

MAX_EXPRESSION = 8_000
"""The most characters of an expression that is read."""

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is named as not read

_NUMBERS = frozenset({FieldType.INTEGER, FieldType.NUMBER})
_NOW = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.CurrentDatetime, exp.Localtimestamp)
_COMPARED: dict[type[exp.Expr], str] = {
    exp.EQ: "==", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="
}  # fmt: skip
_COMPUTED: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_CALLED: dict[type[exp.Expr], str] = {
    exp.Length: "length", exp.Lower: "lower", exp.Upper: "upper", exp.Abs: "abs", exp.Floor: "floor", exp.Ceil: "ceil",
    exp.Year: "year", exp.Month: "month", exp.Day: "day",
}  # fmt: skip
_UNITS = {"WEEK": "week", "DAY": "day", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second"}
_FALSE, _TRUE = frozenset({"f", "false", "n", "no", "off", "0"}), frozenset({"t", "true", "y", "yes", "on", "1"})


class NoExpression(Exception):
    """The expression is not one of the rule language. The message says why, one sentence without its stop."""


@dataclass(frozen=True, slots=True)
class Known:
    """A column that expressions may name. name: in the pack."""

    name: str
    type: FieldType


def parse(sql: str, dialect: str) -> exp.Expr:
    """Read SQL. Raises NoExpression."""
    if len(sql) > MAX_EXPRESSION:
        raise NoExpression(f"it has more than {MAX_EXPRESSION:,} characters")
    try:
        parsed = sqlglot.parse_one(sql, dialect=dialect)
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise NoExpression("it is no expression that can be read") from error
    if parsed is None or isinstance(parsed, exp.Command):
        raise NoExpression("it is no expression that can be read")
    return parsed


def literal(sql: str, dialect: str, wanted: FieldType) -> tuple[bool, Json]:
    """(True, the JSON value) of a default that is written out, or (False, None). Raises NoExpression."""
    node = parse(sql, dialect)
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    sign = 1
    if isinstance(node, exp.Neg):
        node, sign = node.this, -1
    match node:
        case exp.Null():
            return True, None
        case exp.Boolean():
            return True, bool(node.this) if wanted is FieldType.BOOLEAN else int(node.this)
        case exp.Literal() | exp.National() | exp.BitString():
            return True, _json(str(node.this), wanted, sign)
        case exp.Column() if dialect in {"sqlite", "mysql"} and node.this.args.get("quoted"):
            return True, _json(node.name, wanted, sign)
    return False, None


def _json(text: str, wanted: FieldType, sign: int) -> Json:
    """The value of a literal as a field of the wanted type has it. Raises NoExpression."""
    try:
        match wanted:
            case FieldType.BOOLEAN if text.lower() in _FALSE | _TRUE:
                return text.lower() in _TRUE
            case FieldType.INTEGER:
                return sign * int(float(text)) if float(text).is_integer() else sign * float(text)
            case FieldType.NUMBER:
                return sign * (int(text) if text.isdigit() else float(text))
            case FieldType.DATE:
                return date.fromisoformat(text).isoformat()
            case FieldType.DATETIME:
                return datetime.fromisoformat(text).isoformat()
            case FieldType.TIME:
                return time.fromisoformat(text).isoformat()
            case FieldType.JSON:
                return cast(Json, json.loads(text))
            case FieldType.BOOLEAN | FieldType.DURATION:
                raise NoExpression(f"{text!r} is no {wanted} as a pack writes it")
    except ValueError:
        raise NoExpression(f"{text!r} is no {wanted}") from None
    return f"-{text}" if sign < 0 else text


class Translator:
    """Turns SQL about the columns of one table into expressions of rules. columns: by the key of their names."""

    def __init__(self, columns: Mapping[str, Known], dialect: str) -> None:
        self._columns = columns
        self._dialect = dialect

    def translated(self, sql: str) -> Node:
        """The expression. Raises NoExpression."""
        try:
            return self._node(parse(sql, self._dialect))
        except RecursionError:
            raise NoExpression("its parts are nested too deeply") from None

    def type_of(self, sql: str) -> FieldType | None:
        """The type of an expression's value, if it is known."""
        try:
            return self._type(parse(sql, self._dialect))
        except NoExpression:
            return None

    def _node(self, node: exp.Expr, wanted: FieldType | None = None) -> Node:
        """The expression. wanted: the type of what it is compared with, which says what a text in quotes is."""
        for kinds, read in self._readers():
            if isinstance(node, kinds):
                return read(node, wanted)
        if isinstance(node, _NOW):
            raise NoExpression("it depends on the time at which it is checked")
        shown = node.sql(dialect=self._dialect)
        raise NoExpression(f"rules have nothing like `{shown if len(shown) <= 60 else shown[:60] + '…'}`")

    def _readers(self) -> tuple[tuple[Any, Callable[[Any, FieldType | None], Node]], ...]:
        return (
            (exp.Paren, lambda node, wanted: self._node(node.this, wanted)),
            (exp.Column, self._column),
            ((exp.Literal, exp.National), self._literal),
            (exp.Boolean, lambda node, _: Literal(bool(node.this))),
            (exp.Null, lambda *_: Literal(None)),
            (exp.Neg, lambda node, wanted: Sign(self._node(node.this, wanted))),
            (exp.Cast, self._cast),
            (exp.And, lambda node, _: self._logic("and", node)),
            (exp.Or, lambda node, _: self._logic("or", node)),
            (exp.Xor, self._either),
            (exp.Introducer, lambda node, wanted: self._node(node.expression, wanted)),
            (exp.Not, lambda node, _: _not(self._node(node.this))),
            (tuple(_COMPARED), self._comparison),
            (exp.Between, self._between),
            (exp.In, self._in),
            (exp.Is, lambda node, _: _negated(node, self._is(node))),
            ((exp.NullSafeEQ, exp.NullSafeNEQ), self._null_safe),
            (tuple(_COMPUTED), self._arithmetic),
            ((exp.Like, exp.ILike), lambda node, _: _negated(node, self._like(node))),
            ((exp.RegexpLike, exp.RegexpILike), self._regexp),
            (exp.Glob, self._glob),
            (tuple(_CALLED), lambda node, _: Call(_CALLED[type(node)], (self._node(node.this),))),
            (exp.Round, self._round),
            (exp.Coalesce, lambda node, wanted: self._coalesce(node, wanted)),
            (exp.Extract, self._extract),
            (exp.Interval, self._interval),
            (exp.Case, self._case),
        )

    def _type(self, node: exp.Expr) -> FieldType | None:
        """The type of an expression as far as it is known."""
        if isinstance(node, exp.Paren):
            return self._type(node.this)
        if isinstance(node, exp.Column) and (known := self._columns.get(self._key(node))):
            return known.type
        if isinstance(node, exp.Literal):
            return None if node.is_string else FieldType.NUMBER if "." in node.this else FieldType.INTEGER
        if isinstance(node, exp.Length | exp.Extract):
            return FieldType.INTEGER
        if isinstance(node, exp.Cast):
            return _cast_type(node.to) or self._type(node.this)
        if isinstance(node, exp.Coalesce | exp.Abs | exp.Neg | exp.Round):
            return self._type(node.this)
        if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Mod):
            both = {self._type(node.left), self._type(node.right)}
            return both.pop() if len(both) == 1 else FieldType.NUMBER if both <= _NUMBERS else None
        return None

    def _key(self, node: exp.Column) -> str:
        name = node.this
        quoted = bool(name.args.get("quoted")) if isinstance(name, exp.Identifier) else False
        if self._dialect == "postgres":
            return node.name if quoted else node.name.lower()
        return node.name.casefold()

    def _column(self, node: exp.Column, wanted: FieldType | None) -> Node:
        known = self._columns.get(self._key(node))
        if known is None:
            if node.this.args.get("quoted") and self._dialect in {"sqlite", "mysql"}:
                return self._text(node.name, wanted)
            raise NoExpression(f"the table has no column {node.name}")
        return Path((known.name,))

    def _literal(self, node: exp.Literal, wanted: FieldType | None) -> Node:
        text = str(node.this)
        if isinstance(node, exp.Literal) and not node.is_string:
            if wanted is FieldType.BOOLEAN and text in "01":
                return Literal(text == "1")
            return _number(text)
        return self._text(text, wanted)

    def _text(self, text: str, wanted: FieldType | None) -> Node:
        value: Value = text
        try:
            if wanted in _NUMBERS:
                return _number(text)
            if wanted is FieldType.BOOLEAN and text.lower() in _FALSE | _TRUE:
                value = text.lower() in _TRUE
            elif wanted is FieldType.DATE:
                return Call("date", (Literal(date.fromisoformat(text[:10]).isoformat()),))
            elif wanted is FieldType.DATETIME:
                moment = datetime.fromisoformat(text)
                value = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            elif wanted is FieldType.TIME:
                value = time.fromisoformat(text)
        except ValueError:
            raise NoExpression(f"{text!r} is no {wanted}") from None
        return Literal(value)

    def _cast(self, node: exp.Cast, wanted: FieldType | None) -> Node:
        to, inner = _cast_type(node.to), self._type(node.this)
        if isinstance(node.this, exp.Literal) and node.this.is_string:
            return self._text(str(node.this.this), to or wanted)
        if to is None or to is inner or inner is None or {to, inner} <= _NUMBERS - {FieldType.INTEGER} | {inner}:
            return self._node(node.this, wanted)
        if to is FieldType.NUMBER and inner is FieldType.INTEGER:
            return self._node(node.this, wanted)
        if to is FieldType.DATE and inner is FieldType.DATETIME:
            return Call("date", (self._node(node.this),))
        if to is FieldType.TEXT and inner in (FieldType.TEXT, FieldType.IDENTIFIER):
            return self._node(node.this, wanted)
        raise NoExpression(f"rules do not convert {inner} to {to}")

    def _logic(self, operator: str, node: exp.Connector) -> Node:
        return Logic(operator, self._node(node.left), self._node(node.right))

    def _either(self, node: exp.Xor, _: FieldType | None) -> Node:
        one, other = self._node(node.this), self._node(node.expression)
        return Logic("or", Logic("and", one, _not(other)), Logic("and", _not(one), other))

    def _comparison(self, node: exp.Binary, _: FieldType | None) -> Node:
        operator, left, right = _COMPARED[type(node)], node.left, node.right
        if isinstance(right, exp.Any | exp.All):
            return self._any(operator, left, right)
        one = self._node(left, self._type(right))
        other = self._node(right, self._type(left))
        if _is_null(one) or _is_null(other):
            raise NoExpression("a comparison with NULL is never true")
        return Comparison(operator, one, other)

    def _any(self, operator: str, left: exp.Expr, right: exp.Any | exp.All) -> Node:
        """`a = ANY (ARRAY['x', 'y'])`, as PostgreSQL writes `a IN ('x', 'y')`."""
        inner = right.this
        while isinstance(inner, exp.Paren | exp.Cast):
            inner = inner.this
        meant = (exp.Any, "==") if isinstance(right, exp.Any) else (exp.All, "!=")
        if not isinstance(inner, exp.Array) or operator != meant[1]:
            raise NoExpression("rules have no ANY and ALL of this kind")
        wanted = self._type(left)
        items = tuple(self._node(item, wanted) for item in inner.expressions)
        return Member(self._node(left), items, negated=isinstance(right, exp.All))

    def _between(self, node: exp.Between, _: FieldType | None) -> Node:
        value, wanted = self._node(node.this), self._type(node.this)
        low, high = self._node(node.args["low"], wanted), self._node(node.args["high"], wanted)
        return Logic("and", Comparison(">=", value, low), Comparison("<=", value, high))

    def _in(self, node: exp.In, _: FieldType | None) -> Node:
        if not node.expressions:
            raise NoExpression("a rule asks no query")
        wanted = self._type(node.this)
        return Member(self._node(node.this), tuple(self._node(one, wanted) for one in node.expressions), negated=False)

    def _is(self, node: exp.Is) -> Node:
        value, asked = self._node(node.this), node.expression
        if isinstance(asked, exp.Null):
            return IsNull(value, negated=False)
        if isinstance(asked, exp.Boolean):
            said = value if asked.this else _not(value)
            return Call("coalesce", (said, Literal(False)))
        raise NoExpression("rules have nothing like this IS")

    def _null_safe(self, node: exp.Binary, _: FieldType | None) -> Node:
        one = self._node(node.left, self._type(node.right))
        other = self._node(node.right, self._type(node.left))
        if _is_null(other):
            return IsNull(one, negated=isinstance(node, exp.NullSafeNEQ))
        same = Logic(
            "or",
            Logic("and", IsNull(one, negated=False), IsNull(other, negated=False)),
            Call("coalesce", (Comparison("==", one, other), Literal(False))),
        )
        return _not(same) if isinstance(node, exp.NullSafeNEQ) else same

    def _arithmetic(self, node: exp.Binary, _: FieldType | None) -> Node:
        operator = _COMPUTED[type(node)]
        types = (self._type(node.left), self._type(node.right))
        if operator == "/" and set(types) == {FieldType.INTEGER} and self._dialect != "mysql":
            raise NoExpression("a division of integers drops what is left over, which rules do not")
        wanted = next((one for one in types if one in _NUMBERS), None)
        return Arithmetic(operator, self._node(node.left, wanted), self._node(node.right, wanted))

    def _like(self, node: exp.Binary) -> Node:
        pattern = _plain(node.expression)
        # MySQL, SQLite and SQL Server compare without case unless they are told otherwise.
        folded = isinstance(node, exp.ILike) or self._dialect in {"mysql", "sqlite", "tsql"}
        return Matches(
            self._node(node.this), ("(?is)" if folded else "(?s)") + f"^{_like_pattern(pattern)}$", negated=False
        )

    def _regexp(self, node: exp.Binary, _: FieldType | None) -> Node:
        folded = isinstance(node, exp.RegexpILike) or self._dialect == "mysql"
        return Matches(self._node(node.this), ("(?i)" if folded else "") + _plain(node.expression), negated=False)

    def _glob(self, node: exp.Binary, _: FieldType | None) -> Node:
        pattern = _plain(node.expression)
        if "[" in pattern:
            raise NoExpression("rules have no GLOB with brackets")
        parts = {"*": ".*", "?": "."}
        return Matches(
            self._node(node.this),
            "(?s)^" + "".join(parts.get(one) or re.escape(one) for one in pattern) + "$",
            negated=False,
        )

    def _round(self, node: exp.Round, wanted: FieldType | None) -> Node:
        digits = node.args.get("decimals")
        return Call("round", (self._node(node.this, wanted), *((self._node(digits),) if digits else ())))

    def _coalesce(self, node: exp.Coalesce, wanted: FieldType | None) -> Node:
        of = self._type(node.this) or wanted
        return Call("coalesce", (self._node(node.this, of), *(self._node(one, of) for one in node.expressions)))

    def _extract(self, node: exp.Extract, _: FieldType | None) -> Node:
        unit = str(node.this).lower()
        if unit not in {"year", "month", "day"}:
            raise NoExpression(f"rules do not take the {unit} of a date")
        return Call(unit, (self._node(node.expression),))

    def _interval(self, node: exp.Interval, _: FieldType | None) -> Node:
        unit = _UNITS.get(str(node.args.get("unit") or "").upper().rstrip("S"))
        count = str(node.this.this) if isinstance(node.this, exp.Literal) else ""
        if unit is None or not count.isdigit():
            raise NoExpression("rules have no duration like this")
        return Literal(Duration(int(count), unit))

    def _case(self, node: exp.Case, wanted: FieldType | None) -> Node:
        other = self._node(node.args["default"], wanted) if node.args.get("default") else Literal(None)
        for one in reversed(node.args["ifs"]):
            condition = one.this if node.this is None else exp.EQ(this=node.this.copy(), expression=one.this.copy())
            other = Choice(self._node(condition), self._node(one.args["true"], wanted), other)
        return other


def _number(text: str) -> Node:
    try:
        value = int(text) if re.fullmatch(r"-?\d+", text) else float(text)
    except ValueError:
        raise NoExpression(f"{text!r} is no number") from None
    return Sign(Literal(-value)) if value < 0 else Literal(value)


def _not(node: Node) -> Node:
    if isinstance(node, Member | Matches | IsNull):
        return replace(node, negated=not node.negated)
    return Negation(node)


def _negated(node: exp.Expr, read: Node) -> Node:
    """What was read, or its contrary: sqlglot marks IS NOT and NOT LIKE at the node itself."""
    return _not(read) if node.args.get("negate") else read


def _is_null(node: Node) -> bool:
    return isinstance(node, Literal) and node.value is None


def _plain(node: exp.Expr) -> str:
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    if not (isinstance(node, exp.National) or (isinstance(node, exp.Literal) and node.is_string)):
        raise NoExpression("a pattern that is not written out is no pattern of rules")
    return str(node.this)


def _like_pattern(pattern: str) -> str:
    parts, escaped = [], False
    for one in pattern:
        if escaped or one not in "%_\\":
            parts.append(re.escape(one))
            escaped = False
        elif one == "\\":
            escaped = True
        else:
            parts.append(".*" if one == "%" else ".")
    return "".join(parts)


def _cast_type(to: exp.DataType) -> FieldType | None:
    if to.is_type(*exp.DataType.INTEGER_TYPES):
        return FieldType.INTEGER
    if to.is_type(*exp.DataType.NUMERIC_TYPES):
        return FieldType.NUMBER
    if to.is_type(*exp.DataType.TEXT_TYPES):
        return FieldType.TEXT
    if to.is_type("date"):
        return FieldType.DATE
    if to.is_type(*exp.DataType.TEMPORAL_TYPES):
        return FieldType.DATETIME
    if to.is_type("boolean"):
        return FieldType.BOOLEAN
    return None
