"""The conditions of If, Filter and Switch in any of their versions, as comparisons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.synthesizer.campaigns.formats.n8n.workflow import Node

_OLD = {
    "equal": "equals",
    "notEqual": "notEquals",
    "isEmpty": "empty",
    "isNotEmpty": "notEmpty",
    "smaller": "lt",
    "smallerEqual": "lte",
    "larger": "gt",
    "largerEqual": "gte",
    "greater": "gt",
    "greaterEqual": "gte",
    "less": "lt",
    "lessEqual": "lte",
    "notRegex": "notRegex",
}
_OLD_DEFAULT = {"string": "equals", "number": "lt", "boolean": "equals", "dateTime": "after"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison.

    type: `string`, `number`, `boolean`, `dateTime`, `array` or `object`. operation: as version 2 of If names it.
    left, right: as the file has them. any_case: capital letters do not count.
    """

    type: str
    operation: str
    left: Any
    right: Any
    any_case: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """When an output is taken: if all or any of the comparisons hold. number: of the output. name: for people."""

    comparisons: tuple[Comparison, ...]
    any: bool
    number: int
    name: str = ""


def rules_of(node: Node) -> Sequence[Rule]:
    """The rules of an If, a Filter or a Switch in the order in which they are tried; the last output may need none."""
    parameters = node.parameters
    if node.kind != "switch":
        return [_rule(parameters.get("conditions"), parameters, 0, "true" if node.kind == "if" else "kept")]
    rules = parameters.get("rules")
    found = []
    for number, one in enumerate(_listed(rules)):
        if "conditions" in one:
            rule = _rule(one["conditions"], parameters, number, str(one.get("outputKey") or ""))
        else:
            kind = str(parameters.get("dataType") or "number")
            operation = _operation(one.get("operation"), "equals" if kind != "number" else "lt")
            comparison = Comparison(kind, operation, parameters.get("value1"), one.get("value2"))
            output, name = one.get("output"), str(one.get("outputKey") or "")
            # Version 2 has an output for each rule; version 1 has four of them, of which a rule names one.
            default = number if "outputKey" in one or node.version >= 2 else 0
            rule = Rule((comparison,), False, output if isinstance(output, int) else default, name)
        found.append(rule)
    return found


def fallback_of(node: Node, rules: int) -> int | None:
    """The output of a Switch that is taken if no rule holds; None if nothing is. rules: how many there are."""
    options = node.parameters.get("options")
    found = node.parameters.get("fallbackOutput")
    if found is None and isinstance(options, Mapping):
        found = options.get("fallbackOutput")
    if found == "extra":
        return rules
    return int(found) if isinstance(found, int | float) and found >= 0 else None


def _rule(conditions: Any, parameters: Mapping[str, Any], number: int, name: str) -> Rule:
    if isinstance(conditions, Mapping) and isinstance(conditions.get("conditions"), list):
        options = [parameters.get("options"), conditions.get("options")]
        any_case = any(
            isinstance(one, Mapping) and (one.get("caseSensitive") is False or one.get("ignoreCase") is True)
            for one in options
        )
        comparisons = [_comparison(one, any_case) for one in conditions["conditions"] if isinstance(one, Mapping)]
        return Rule(tuple(comparisons), conditions.get("combinator") == "or", number, name)
    old = conditions if isinstance(conditions, Mapping) else {}
    comparisons = [
        Comparison(kind, _operation(one.get("operation"), _OLD_DEFAULT[kind]), one.get("value1"), one.get("value2"))
        for kind in _OLD_DEFAULT
        for one in _listed(old.get(kind))
    ]
    return Rule(tuple(comparisons), parameters.get("combineOperation") == "any", number, name)


def _comparison(one: Mapping[str, Any], any_case: bool) -> Comparison:
    operator = one.get("operator")
    if not isinstance(operator, Mapping):
        operator = {}
    kind = str(operator.get("type") or "string")
    operation = str(operator.get("operation") or "equals")
    return Comparison(kind, operation, one.get("leftValue"), one.get("rightValue"), any_case)


def _operation(operation: Any, default: str) -> str:
    named = operation if isinstance(operation, str) and operation else default
    return _OLD.get(named, named)


def _listed(rules: Any) -> Iterator[Mapping[str, Any]]:
    """The rules of a list that may be inside of an object, `{"rules": […]}` or `{"values": […]}`."""
    if isinstance(rules, Mapping):
        rules = rules.get("rules") or rules.get("values")
    if isinstance(rules, list):
        yield from (one for one in rules if isinstance(one, Mapping))
