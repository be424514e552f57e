"""Types of columns as types of fields."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from services.enricher.discovery.sql.schema import Check, Schema, Sql, Type
from shared.model.packs.model import ARRAY, FieldType

_INTEGERS = {
    "tinyint": 8,
    "smallint": 16,
    "int2": 16,
    "smallserial": 16,
    "serial2": 16,
    "mediumint": 24,
    **dict.fromkeys("int integer int4 int8 bigint serial serial4 bigserial serial8 int64 byteint rowid".split(), 0),
    **dict.fromkeys(("unsigned big int", "big int", "hugeint", "year"), 0),
}
"""Bits of the small ones, whose bounds are worth saying; 0 of those that are as large as counts get."""
_DECIMALS = frozenset("numeric decimal dec fixed number bignumeric".split())
_FLOATS = frozenset(
    ["real", "float", "double", "float4", "float8", "float64", "double precision", "binary_float", "binary_double"]
)
_TEXTS = frozenset(
    "text tinytext mediumtext longtext clob nclob ntext string citext name long xml varchar varchar2 nvarchar "
    "nvarchar2 char nchar character bpchar sysname".split()
) | {"character varying", "national character", "national character varying", "char varying", "varying character"}
_ONE_CHARACTER = frozenset({"char", "nchar", "character"})
_TINYTEXT = 255
_BINARY = frozenset(
    "bytea blob tinyblob mediumblob longblob binary varbinary image raw bytes rowversion bfile".split()
) | {"long raw", "binary varying", "binary large object"}
_DATETIMES = frozenset(
    "timestamp timestamptz datetime datetime2 smalldatetime datetimeoffset timestamp_ntz".split()
) | {
    "timestamp with time zone",
    "timestamp_tz",
    "timestamp_ltz",
    "timestampltz",
}
_TIMES = frozenset({"time", "timetz", "time with time zone"})
_BOOLEANS = frozenset({"bool", "boolean"})
_JSON = frozenset("json jsonb hstore variant object array map struct".split())
_FORMATS = {
    "uuid": "uuid",
    "uniqueidentifier": "uuid",
    "inet": "ip",
    "cidr": "ip",
    "macaddr": "mac",
    "macaddr8": "mac",
}
_SHAPES = frozenset(
    "point line lseg box path polygon circle geometry geography linestring multipoint multilinestring multipolygon "
    "geometrycollection int4range int8range numrange daterange tsrange tstzrange sql_variant "
    "hierarchyid".split()
)
_SIZE = re.compile(r"[0-9]{1,9}")
"""A size may stand with its unit, as in `VARCHAR2(10 CHAR)`."""


@dataclass(slots=True)
class Read:
    """What a type says of a field. limits: members of `Field`. default, checks, nullable: of a user's domain.

    unknown: why the type was not read, or an empty text.
    """

    type: FieldType
    limits: dict[str, Any] = field(default_factory=dict)
    nullable: bool = True
    default: Sql | None = None
    checks: tuple[Check, ...] = ()
    unknown: str = ""
    values: tuple[str, ...] = ()


def read(type_: Type, schema: Schema, dialect: str, depth: int = 0) -> Read:
    """The field that a type makes."""
    if type_.array:
        items = _items(read(replace(type_, array=False), schema, dialect, depth + 1))
        shape = {"type": "array", "items": items}
        return Read(FieldType.JSON, {"description": f"A list of {type_.base}.", "format": ARRAY, "json_schema": shape})
    user = None if depth > 8 else schema.types.get(type_.key)
    if user is not None and user.base is None:
        return Read(FieldType.TEXT, {"values": user.values})
    if user is not None and user.base is not None:
        base = read(user.base, schema, dialect, depth + 1)
        base.nullable, base.default = base.nullable and user.nullable, user.default or base.default
        base.checks += tuple(user.checks)
        return base
    return _standard(type_, dialect) or _affinity(type_, dialect)


def _items(of: Read) -> dict[str, Any]:
    """The JSON Schema of the items of an array."""
    values = of.values or of.limits.get("values")
    if values:
        return {"enum": list(values)}
    shape: dict[str, Any] = dict(_OF_ITEMS.get(of.type, {"type": "string", "pattern": "[a-z]{1,8}"}))
    return shape | {theirs: of.limits[ours] for ours, theirs in _LIMITS.items() if of.limits.get(ours) is not None}


_OF_ITEMS = {
    FieldType.INTEGER: {"type": "integer"},
    FieldType.NUMBER: {"type": "number"},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.DATETIME: {"type": "string", "format": "date-time"},
    FieldType.TIME: {"type": "string", "format": "time"},
    FieldType.IDENTIFIER: {"type": "string", "format": "uuid"},
}
_LIMITS = {"minimum": "minimum", "maximum": "maximum", "max_length": "maxLength"}


def _standard(type_: Type, dialect: str) -> Read | None:
    base, sizes = type_.base, tuple(int(size[0]) for one in type_.arguments if (size := _SIZE.match(one)))
    if base in _BOOLEANS or _is_flag(base, sizes, dialect):
        return Read(FieldType.BOOLEAN)
    if base in _INTEGERS:
        return Read(FieldType.INTEGER, _integer_bounds(base, type_, dialect))
    if base in _DECIMALS or base in _FLOATS:
        return _number(base, type_, sizes, dialect)
    if base in {"money", "smallmoney"}:
        return Read(
            FieldType.NUMBER, {"scale": 2}, unknown="The type does not say the currency; it is read as a number"
        )
    if base in {"enum", "set"} and type_.arguments:
        if base == "enum":
            return Read(FieldType.TEXT, {"values": type_.arguments})
        return Read(FieldType.TEXT, unknown="A set of values is read as a text")
    if base in _BINARY or (base == "timestamp" and dialect == "tsql"):
        return Read(FieldType.TEXT, {"format": "binary"})
    if base in _TEXTS or base.split("(")[0] in _TEXTS:
        return Read(FieldType.TEXT, _lengths(base, sizes, dialect))
    if base == "date":
        return Read(FieldType.DATETIME if dialect == "oracle" else FieldType.DATE)
    if base in _TIMES:
        return Read(FieldType.TIME)
    if base in _DATETIMES or base.startswith("timestamp"):
        return Read(FieldType.DATETIME)
    if base.startswith("interval"):
        return Read(FieldType.DURATION)
    if base in _JSON or (base == "" and dialect == "sqlite"):
        return Read(FieldType.JSON)
    if base in _FORMATS:
        kind = FieldType.IDENTIFIER if _FORMATS[base] == "uuid" else FieldType.TEXT
        return Read(kind, {"format": _FORMATS[base]})
    if base in {"tsvector", "tsquery"}:
        return Read(FieldType.TEXT, {"pattern": "[a-z]{2,9}"}, unknown=f"Of {base} only single words are read, as text")
    if base in _SHAPES:
        return Read(FieldType.JSON, unknown=f"A pack has no type for {base}; it is read as any JSON")
    if base in {"bit", "bit varying", "varbit"}:
        return Read(FieldType.TEXT, {"pattern": "[01]*", **({"max_length": sizes[0]} if sizes else {})})
    return None


def _affinity(type_: Type, dialect: str) -> Read:
    """A type that is not known: SQLite tells by parts of its name what it holds; elsewhere it is read as a text."""
    base = type_.base
    if dialect == "sqlite":
        for part, kind in (("int", FieldType.INTEGER), ("char", FieldType.TEXT), ("clob", FieldType.TEXT)):
            if part in base:
                return Read(kind)
        if any(part in base for part in ("real", "floa", "doub")):
            return Read(FieldType.NUMBER)
    return Read(FieldType.TEXT, unknown=f"The type {base or 'is missing and'} is not known; it is read as a text")


def _is_flag(base: str, sizes: tuple[int, ...], dialect: str) -> bool:
    if base == "bit":
        return dialect == "tsql" or not sizes or sizes[0] == 1
    return base == "tinyint" and dialect == "mysql" and sizes == (1,)


def _integer_bounds(base: str, type_: Type, dialect: str) -> dict[str, Any]:
    if base == "year":
        return {"minimum": 1901, "maximum": 2155}
    bits = _INTEGERS[base]
    unsigned = type_.unsigned or base.startswith("unsigned") or (base == "tinyint" and dialect == "tsql")
    if unsigned:
        return {"minimum": 0, **({"maximum": 2**bits - 1} if bits else {})}
    # SQLite keeps integers of any size whatever the type says.
    return {"minimum": -(2 ** (bits - 1)), "maximum": 2 ** (bits - 1) - 1} if bits and dialect != "sqlite" else {}


def _number(base: str, type_: Type, sizes: tuple[int, ...], dialect: str) -> Read:
    limits: dict[str, Any] = {"minimum": 0} if type_.unsigned else {}
    if base in _FLOATS or not sizes:
        return Read(FieldType.NUMBER, limits)
    limits["precision"] = sizes[0]
    if len(sizes) > 1 and sizes[1] > 0:
        return Read(FieldType.NUMBER, {**limits, "scale": sizes[1]})
    return Read(FieldType.INTEGER, limits) if dialect != "sqlite" else Read(FieldType.NUMBER, limits)


def _lengths(base: str, sizes: tuple[int, ...], dialect: str) -> dict[str, Any]:
    if sizes:
        return {"max_length": sizes[0]}
    if base in _ONE_CHARACTER and dialect != "sqlite":
        return {"max_length": 1}
    limits: dict[str, Any] = {"max_length": _TINYTEXT} if base == "tinytext" else {}
    return {**limits, "format": "xml"} if base == "xml" else limits
