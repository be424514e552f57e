"""What the operations of rules do with columns: an operation is one function here, and its name in `KERNELS`."""

from collections.abc import Mapping

from shared.rules.kernels import calendar, comparing, fractions, logic, numbers, text
from shared.rules.kernels.value import Kernel

KERNELS: Mapping[str, Kernel] = {
    "add": numbers.add,
    "subtract": numbers.subtract,
    "multiply": numbers.multiply,
    "divide": numbers.divide,
    "remainder": numbers.remainder,
    "negate": numbers.negate,
    "abs": numbers.absolute,
    "to_number": numbers.to_number,
    "round": numbers.rounded,
    "floor": numbers.floor,
    "ceil": numbers.ceil,
    "round_to": numbers.round_to,
    "least": numbers.least,
    "greatest": numbers.greatest,
    "millionths": fractions.millionths,
    "quotient": fractions.quotient,
    "round_money": fractions.rounded,
    "floor_money": fractions.floor,
    "ceil_money": fractions.ceil,
    "compare_fractions": fractions.compare,
    "compare": comparing.compare,
    "member": comparing.member,
    "matches": text.matches,
    "length": text.length,
    "lower": text.lower,
    "upper": text.upper,
    "whole": calendar.whole,
    "year": calendar.year,
    "month": calendar.month,
    "day": calendar.day,
    "and": logic.conjunction,
    "or": logic.disjunction,
    "not": logic.negation,
    "is_null": logic.is_null,
    "choose": logic.choose,
    "coalesce": logic.coalesce,
}
"""Each operation of shared/rules/typed.py → what does it."""
