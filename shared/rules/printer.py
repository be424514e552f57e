"""Writes expressions: one canonical text for each, which reads as the same expression."""

from datetime import date, datetime, time
from typing import assert_never

from shared.rules.money import write_money
from shared.rules.parser import KEYWORDS
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
    Money,
    Negation,
    Node,
    Path,
    Sign,
    Value,
)

_CHOICE, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _VALUE = range(9)
"""How tightly the parts of an expression bind, from the loosest."""


def show(node: Node) -> str:
    """The canonical text of an expression: single spaces, double quotes, no parentheses that it does not need."""
    return _shown(node, _CHOICE)


def _shown(node: Node, least: int) -> str:
    """The text of a part, in parentheses if it binds less than `least`."""
    binding, text = _written(node)
    return f"({text})" if binding < least else text


def _written(node: Node) -> tuple[int, str]:
    match node:
        case Literal():
            return _VALUE, show_value(node.value)
        case Path():
            return _VALUE, ".".join(show_name(name) for name in node.names)
        case Sign():
            return _SIGN, f"-{_shown(node.operand, _SIGN)}"
        case Arithmetic():
            binding = _SUM if node.operator in "+-" else _PRODUCT
            return binding, f"{_shown(node.left, binding)} {node.operator} {_shown(node.right, binding + 1)}"
        case Comparison():
            return _COMPARISON, f"{_shown(node.left, _SUM)} {node.operator} {_shown(node.right, _SUM)}"
        case Member():
            items = ", ".join(show(item) for item in node.items)
            return _COMPARISON, f"{_shown(node.value, _SUM)} {_not(node.negated)}in [{items}]"
        case Matches():
            return _COMPARISON, f"{_shown(node.value, _SUM)} {_not(node.negated)}matches {_text(node.pattern)}"
        case IsNull():
            return _COMPARISON, f"{_shown(node.value, _SUM)} is {_not(node.negated)}null"
        case Negation():
            return _NOT, f"not {_shown(node.operand, _NOT)}"
        case Logic():
            binding = _OR if node.operator == "or" else _AND
            return binding, f"{_shown(node.left, binding)} {node.operator} {_shown(node.right, binding + 1)}"
        case Choice():
            return _CHOICE, f"if {show(node.condition)} then {show(node.chosen)} else {show(node.other)}"
        case Call():
            return _VALUE, f"{node.name}({', '.join(show(argument) for argument in node.arguments)})"
        case _:
            assert_never(node)


def _not(negated: bool) -> str:
    return "not " if negated else ""


def show_name(name: str) -> str:
    """A name as it is written in an expression, between backquotes if it must."""
    return name if name.isidentifier() and name not in KEYWORDS else f"`{name.replace('`', '``')}`"


def show_value(value: Value) -> str:
    """A value as it is written in an expression."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case Money():
            return write_money(value)
        case Duration():
            return f"{value.count} {value.unit}{'' if value.count == 1 else 's'}"
        case datetime():
            return f'datetime("{value.isoformat().replace("+00:00", "Z")}")'
        case date():
            return f'date("{value.isoformat()}")'
        case time():
            return f'time("{value.isoformat()}")'
        case _:
            assert_never(value)


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _text(text: str) -> str:
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return '"' + "".join(_ESCAPES.get(char) or (char if char >= " " else f"\\u{ord(char):04x}") for char in text) + '"'
