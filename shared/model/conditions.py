"""Conditions of branches: CEL over a procedure's slots and its tools' results, with a boolean result."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from cel_expr_python import cel  # type: ignore[import-untyped]

from shared.model.events import Json

RESULTS = "results"
"""The name under which a condition and a template find the tools' last values, by tool."""


class BadCondition(ValueError):
    """The condition cannot be used; the message is one sentence that says why."""


class Condition:
    """A condition that was checked; see `compile_condition`."""

    __slots__ = ("_expression",)

    def __init__(self, expression: cel.Expression) -> None:
        self._expression = expression

    def holds(self, slots: Mapping[str, str], results: Mapping[str, Json]) -> bool:
        """Whether it holds. It does not where a result that it speaks of is not there or is of another type.

        Nor does it where it goes through more items than CEL's own bound allows, which takes milliseconds.
        """
        try:
            return self._expression.eval(data={**slots, RESULTS: results}).value() is True
        except RuntimeError:
            return False


def compile_condition(source: str, slots: Iterable[str]) -> Condition:
    """Check a condition against the slots that are declared, each a string, empty until filled.

    Raises BadCondition for bad syntax, an undeclared name, operands that do not fit, or a result that is not boolean.
    """
    return _compiled(source, tuple(sorted(set(slots))))


@lru_cache(maxsize=4096)
def _compiled(source: str, slots: tuple[str, ...]) -> Condition:
    try:
        expression = _environment(slots).compile(source)
    except RuntimeError as error:
        raise BadCondition(_sentence(str(error), slots)) from None
    if expression.return_type() != cel.Type.BOOL:
        kind = expression.return_type().name().lower()
        raise BadCondition(f"The condition's result is {kind} where it must be bool; compare it, as in `… == true`.")
    return Condition(expression)


@lru_cache(maxsize=1024)
def _environment(slots: tuple[str, ...]) -> cel.Env:
    variables = dict.fromkeys(slots, cel.Type.STRING)
    return cel.NewEnv(variables={**variables, RESULTS: cel.Type.Map(cel.Type.STRING, cel.Type.DYN)})


def _sentence(message: str, slots: tuple[str, ...]) -> str:
    """The compiler's first complaint, without its drawing of the place."""
    complaint = message.split("\n")[0].removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: <input>:")
    complaint = complaint.replace(" (in container '')", "").removesuffix(" [INVALID_ARGUMENT]")
    place, _, what = complaint.partition(": ")
    known = ", ".join((*slots, RESULTS))
    hint = f"; declared are {known}" if "undeclared reference" in what else ""
    return f"The condition is not valid CEL at {place}: {what}{hint}."
