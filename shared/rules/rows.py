"""The types of the parts of an expression, once the types of their own parts are known."""

from collections.abc import Sequence
from typing import assert_never

from shared.patterns import BadPattern, compile_pattern
from shared.rules import operators
from shared.rules.functions import FOLDS, FUNCTIONS
from shared.rules.literals import constant
from shared.rules.operators import Wrong, boolean, no_null
from shared.rules.schema import BOOLEAN
from shared.rules.syntax import (
    Arithmetic,
    Call,
    Choice,
    Comparison,
    IsNull,
    Literal,
    Logic,
    Matches,
    Member,
    Negation,
    Node,
    Path,
    Sign,
    Where,
)
from shared.rules.typed import Typed, applied
from shared.words import counted
from shared.yaml import near


def typed_part(node: Node, given: Sequence[Typed]) -> Typed:
    """The typed expression of a node whose parts are typed. Raises Wrong."""
    where = node.where
    match node:
        case Literal():
            return constant(node)
        case Sign():
            return operators.negated(given[0], where)
        case Arithmetic():
            return operators.arithmetic(node.operator, given[0], given[1], where)
        case Comparison():
            return operators.compared(node.operator, given[0], given[1], where)
        case Member():
            return _negated(node.negated, _member(given[0], given[1:], where))
        case Matches():
            return _negated(node.negated, _matches(node, given[0]))
        case IsNull():
            return _negated(node.negated, applied("is_null", (given[0],), BOOLEAN, where))
        case Negation():
            boolean(given[0], "What follows `not`")
            return applied("not", (given[0],), BOOLEAN, where)
        case Logic():
            for side in given:
                boolean(side, f"What stands beside `{node.operator}`")
            return applied(node.operator, tuple(given), BOOLEAN, where)
        case Choice():
            boolean(given[0], "What follows `if`")
            branches = operators.unified(given[1:], "`if`")
            return applied("choose", (given[0], *branches), branches[0].type, where)
        case Call():
            known_function(node)
            return FUNCTIONS[node.name].apply(node.name, tuple(given), where)
        case Path():
            raise AssertionError("a path is checked in its scope")
        case _:
            assert_never(node)


def known_function(call: Call) -> None:
    """Refuse a function that does not exist, or takes another number of values."""
    function = FUNCTIONS.get(call.name)
    if function is None and call.name not in FOLDS:
        raise Wrong(f"There is no function `{call.name}`{near(call.name, [*FUNCTIONS, *FOLDS])}.", call.name_where)
    least, most = (function.least, function.most) if function else (1, 1)
    least = 1 if call.name in FOLDS else least
    if not least <= len(call.arguments) <= most:
        takes = (
            counted(least, "value") if least == most else f"{least} {'or' if most == least + 1 else 'to'} {most} values"
        )
        raise Wrong(f"`{call.name}` takes {takes}; here {_are(len(call.arguments))}.", call.name_where)


def _are(number: int) -> str:
    return f"{'is' if number == 1 else 'are'} {number}"


def _negated(negated: bool, typed: Typed) -> Typed:
    return applied("not", (typed,), BOOLEAN, typed.where) if negated else typed


def _member(value: Typed, items: Sequence[Typed], where: Where) -> Typed:
    for item in items:
        operators.compared("==", value, item, item.where)
    return applied("member", tuple(operators.unified([value, *items], "`in`")), BOOLEAN, where)


def _matches(node: Matches, value: Typed) -> Typed:
    no_null(value)
    if not value.type.textual:
        raise Wrong(f"`matches` takes a text; this is {value.type.phrase}.", value.where)
    try:
        pattern = compile_pattern(node.pattern)
    except BadPattern as bad:
        raise Wrong(str(bad), node.pattern_where) from None
    return applied("matches", (value,), BOOLEAN, node.where, pattern)
