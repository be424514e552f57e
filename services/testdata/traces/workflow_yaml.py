"""Read and write workflows as YAML, in exactly these keys:

    name: returns
    entry_points: {login: 0.6, browse: 0.4}
    transitions:
      login: {browse: 1}
      browse: {browse: 0.5, logout: 0.25}
    exit_points: {browse: 0.25, logout: 1}        # or a list: 1 for each
    avg_response_times: {login: 120, browse: 80, logout: 40}
    methods: {login: POST}
    error_rates: {login: 0.02}
    parameters:
      browse:
        page: {min: 1, max: 20}                   # whole numbers, or a list of values
        sort: [price, name]
    think_times: {browse: [10000, 30000]}         # or a list: 10 to 30 seconds for each
    service_graph:
      endpoints: {login: accounts, browse: catalog, logout: accounts}
      calls:
        catalog: {search: 0.9}

The last five are optional.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from json import dumps
from typing import Any, TypeVar

from services.testdata.traces.field_paths import at
from services.testdata.traces.workflow import THINKING, ServiceGraph, ThinkTime, Workflow
from shared import yaml
from shared.errors import Violation
from shared.words import all_of

T = TypeVar("T")

KEYS = (
    *("name", "entry_points", "transitions", "exit_points", "avg_response_times"),
    *("methods", "error_rates", "parameters", "think_times", "service_graph"),
)
MOST_IN_RANGE = 1_000
"""The most whole numbers in a range."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_RESERVED = frozenset("true false yes no on off null y n".split())


class BadWorkflowYaml(Exception):
    """The text is not a workflow; the violations say where and why."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(violations)
        self.violations = violations


def read_yaml(text: str) -> Workflow:
    """The workflow that a text describes. It may still have faults, which `validation` finds.

    Raises BadWorkflowYaml with all values of a wrong type; the paths begin with one of KEYS.
    """
    try:
        record = yaml.load(text, "the workflow")
    except yaml.BadYaml as bad:
        raise BadWorkflowYaml([Violation("", str(bad))]) from None
    if not isinstance(record, dict):
        raise BadWorkflowYaml([Violation("", f"Write the keys {all_of(KEYS)} and their values.")])
    reader = _Reader()
    reader.violations += [
        Violation(key, f"There is no key `{key}`{yaml.near(key, KEYS) or '; there are ' + all_of(KEYS)}.")
        for key in record
        if key not in KEYS
    ]
    workflow = reader.workflow(record)
    if reader.violations:
        raise BadWorkflowYaml(reader.violations)
    return workflow


class _Reader:
    """Reads values. It notes each value of a wrong type, and continues with an empty one."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def workflow(self, record: Mapping[str, Any]) -> Workflow:
        def members(key: str, read: Callable[[str, Any], T]) -> dict[str, T]:
            return self.map(key, record.get(key), read)

        name = record.get("name")
        if not isinstance(name, str):
            self._note("name", "Give the workflow a name.")
        for key in KEYS[1:5]:
            if record.get(key) is None and key != "transitions":
                self._note(key, "This key is missing.")
        exits, thinks = record.get("exit_points"), record.get("think_times")
        return Workflow(
            name=str(name),
            entry_points=members("entry_points", self.number),
            transitions=members("transitions", lambda path, row: self.map(path, row, self.number)),
            exit_points=self.listed("exit_points", exits, 1.0, self.number),
            avg_response_times=members("avg_response_times", self.number),
            methods=members("methods", self.text),
            error_rates=members("error_rates", self.number),
            parameters=members("parameters", lambda path, values: self.map(path, values, self.values)),
            think_times=self.listed("think_times", thinks, THINKING, self.think_time),
            service_graph=self.service_graph(record.get("service_graph")),
        )

    def map(self, path: str, value: Any, read: Callable[[str, Any], T]) -> dict[str, T]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._note(path, "Write keys and their values.")
            return {}
        return {key: read(at(path, key), member) for key, member in value.items()}

    def listed(self, path: str, value: Any, each: T, read: Callable[[str, Any], T]) -> dict[str, T]:
        """A map, or a list of keys that all have the same value."""
        if not isinstance(value, list):
            return self.map(path, value, read)
        keys = [self.text(f"{path}[{index}]", key) for index, key in enumerate(value)]
        if repeated := [key for key, count in Counter(keys).items() if count > 1]:
            self._note(path, f"`{repeated[0]}` is listed twice.")
        return dict.fromkeys(keys, each)

    def number(self, path: str, value: Any) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                pass
        self._note(path, f"Write a number, not {_shown(value)}.")
        return 0.0

    def text(self, path: str, value: Any) -> str:
        if isinstance(value, str):
            return value
        self._note(path, f"Write a text, not {_shown(value)}; quote it if it is meant as one.")
        return ""

    def values(self, path: str, value: Any) -> tuple[str, ...]:
        """A parameter's values: a list, or the whole numbers from min to max."""
        if isinstance(value, dict):
            return self._range(path, value)
        if isinstance(value, list):
            return tuple(
                str(one) if type(one) is int else self.text(f"{path}[{index}]", one) for index, one in enumerate(value)
            )
        self._note(path, "Write a list of values, or {min: 1, max: 100} for whole numbers.")
        return ()

    def _range(self, path: str, value: Mapping[str, Any]) -> tuple[str, ...]:
        least, most = value.get("min"), value.get("max")
        if value.keys() != {"min", "max"} or type(least) is not int or type(most) is not int:
            self._note(path, "Write {min: 1, max: 100}, two whole numbers.")
        elif not 0 <= most - least < MOST_IN_RANGE:
            self._note(path, f"From min to max there are 1 to {MOST_IN_RANGE:,} numbers, not {most - least + 1:,}.")
        else:
            return tuple(map(str, range(least, most + 1)))
        return ()

    def think_time(self, path: str, value: Any) -> ThinkTime:
        if isinstance(value, list) and len(value) == 2:
            return ThinkTime(self.number(f"{path}[0]", value[0]), self.number(f"{path}[1]", value[1]))
        self._note(path, "Write the least and the most milliseconds, as in [10000, 30000].")
        return THINKING

    def service_graph(self, value: Any) -> ServiceGraph | None:
        if value is None:
            return None
        path, keys = "service_graph", ("endpoints", "calls")
        if not isinstance(value, dict):
            self._note(path, "Write `endpoints` and `calls`.")
            return None
        for phrase in yaml.unknown_keys(value, keys):
            self._note(path, f"There is no key {phrase}; there are endpoints and calls.")
        endpoints = self.map(f"{path}.endpoints", value.get("endpoints"), self.text)
        calls = self.map(f"{path}.calls", value.get("calls"), lambda inner, row: self.map(inner, row, self.number))
        return ServiceGraph(endpoints, calls)

    def _note(self, path: str, sentence: str) -> None:
        self.violations.append(Violation(path, sentence))


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "keys and values"
        case list():
            return "a list"
        case _:
            return f"`{str(value)[:40]}`"


def write_yaml(workflow: Workflow) -> str:
    """The workflow as YAML, sorted by name; `read_yaml` reads it back unchanged."""
    return "".join(f"{line}\n" for line in _lines(workflow))


def _lines(workflow: Workflow) -> Iterator[str]:
    yield f"name: {_text(workflow.name)}"
    yield from _map("entry_points", workflow.entry_points, _number)
    yield from _nested("transitions", workflow.transitions, _number)
    if all(share == 1.0 for share in workflow.exit_points.values()):
        yield from _list("exit_points", workflow.exit_points)
    else:
        yield from _map("exit_points", workflow.exit_points, _number)
    yield from _map("avg_response_times", workflow.avg_response_times, _number)
    yield from _map("methods", workflow.methods, _text)
    yield from _map("error_rates", workflow.error_rates, _number)
    yield from _nested("parameters", workflow.parameters, _values)
    if all(time == THINKING for time in workflow.think_times.values()):
        yield from _list("think_times", workflow.think_times)
    else:
        yield from _map("think_times", workflow.think_times, _think_time)
    if (graph := workflow.service_graph) is not None:
        yield "service_graph:"
        yield from (f"  {line}" for line in _map("endpoints", graph.endpoints, _text))
        yield from (f"  {line}" for line in _nested("calls", graph.calls, _number))


def _map(key: str, members: Mapping[str, T], write: Callable[[T], str]) -> Iterator[str]:
    if members:
        yield f"{key}:"
        yield from (f"  {_text(name)}: {write(members[name])}" for name in sorted(members))


def _nested(key: str, members: Mapping[str, Mapping[str, T]], write: Callable[[T], str]) -> Iterator[str]:
    if members:
        yield f"{key}:"
        for name in sorted(members):
            lines = list(_map(_text(name), members[name], write)) or [f"{_text(name)}: {{}}"]
            yield from (f"  {line}" for line in lines)


def _list(key: str, names: Mapping[str, object]) -> Iterator[str]:
    if names:
        yield f"{key}:"
        yield from (f"  - {_text(name)}" for name in sorted(names))


def _number(number: float) -> str:
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    text = repr(number)
    # YAML 1.1 reads a number with an exponent but no point as text.
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def _text(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _RESERVED
    return text if plain else dumps(text, ensure_ascii=False)


def _values(values: tuple[str, ...]) -> str:
    if len(values) > 2 and values[0].lstrip("-").isdecimal() and len(values[0]) < 16:
        least = int(values[0])
        if values == tuple(map(str, range(least, least + len(values)))):
            return f"{{min: {least}, max: {least + len(values) - 1}}}"
    return f"[{', '.join(map(_text, values))}]"


def _think_time(time: ThinkTime) -> str:
    return f"[{_number(time.min_ms)}, {_number(time.max_ms)}]"
