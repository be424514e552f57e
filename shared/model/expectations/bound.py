"""The kind `bound`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.expectations.base import CheckContext, Finding, Kind, met, missed
from shared.model.expectations.seen import Seen


@dataclass(frozen=True, slots=True)
class _Measure:
    """A measure in sentences, its value, and the seqs of what it counts."""

    what: str
    value: Callable[[Seen], float]
    seqs: Callable[[Seen], Iterable[int]] = lambda seen: (seen.last_seq,)


_MEASURES: Mapping[str, _Measure] = {
    "TURNS": _Measure("turns", lambda seen: seen.turns),
    "REPEATS": _Measure("repeated messages of the agent", lambda seen: seen.repeats, lambda seen: seen.repeat_seqs),
    "TOOL_ERRORS": _Measure(
        "errors of tools",
        lambda seen: len(seen.failed_calls),
        lambda seen: [one.result_seq for one in seen.failed_calls],
    ),
    "TOOL_CALLS": _Measure(
        "calls of tools", lambda seen: len(seen.calls), lambda seen: [call.seq for call in seen.calls]
    ),
    "TOKENS": _Measure("tokens", lambda seen: seen.tokens),
    "NANOS": _Measure("billionths of the currency", lambda seen: seen.nanos),
    "VIRTUAL_SECONDS": _Measure("seconds of virtual time", lambda seen: seen.virtual_seconds),
}


@dataclass(frozen=True, slots=True)
class MeasureBound(Kind):
    """The most that a measure may be. measure: without `MEASURE_`."""

    kind: ClassVar[str] = "bound"

    measure: str
    at_most: float = 0.0

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "MeasureBound":
        return cls(record["measure"].removeprefix("MEASURE_"), record.get("at_most", 0.0))

    @property
    def subject(self) -> str:
        return self.measure.lower()

    @property
    def text(self) -> str:
        return f"There are at most {self.at_most:,.15g} {_MEASURES[self.measure].what}."

    def check(self, context: CheckContext) -> Iterator[Violation]:  # noqa: ARG002 - other kinds need it
        if self.at_most < 0:
            yield Violation("at_most", "No measure is below 0; it should be 0 or more.")

    def judge(self, seen: Seen) -> Finding:
        measure = _MEASURES[self.measure]
        value = measure.value(seen)
        if value <= self.at_most:
            return met()
        return missed(f"There are {value:,.15g} {measure.what}.", [*measure.seqs(seen)] or (seen.last_seq,))
