"""All faults of a workflow."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote_plus, urlencode

from services.testdata.traces.field_paths import Names, at
from services.testdata.traces.reach import from_entries, to_an_exit
from services.testdata.traces.service_graph import graph_faults
from services.testdata.traces.workflow import Workflow
from shared.errors import Violation

MAX_ENDPOINTS = 2_000
MAX_EDGES = 100_000
MAX_TEXT = 200
MAX_PARAMETERS = 20
MAX_VALUES = 1_000
MAX_QUERY = 2_000
"""The most characters of the parameters of one call; a session of a thousand calls fits into a message."""
MAX_LATENCY = 86_400_000
"""A day in milliseconds."""
MAX_THINK = 366 * 86_400_000
"""A year in milliseconds."""
TOLERANCE = 1e-6
"""The largest accepted difference of a sum of probabilities from 1."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_METHOD = re.compile(r"[A-Z][A-Z_-]{0,31}")


def faults(workflow: Workflow, path: str) -> list[Violation]:
    """All faults of a workflow; empty if it is valid.

    path: the prefix of the fields' paths, such as `workflow.spec`; may be empty.
    """
    found = list(_sizes(workflow))
    if not found:
        names = Names(workflow.endpoints)
        found += _texts(workflow)
        found += _entries(workflow, names)
        found += _rows(workflow, names)
        found += _reach(workflow)
        found += _times(workflow)
        found += _options(workflow, names)
        if workflow.service_graph is not None:
            found += graph_faults(workflow.service_graph, workflow.endpoints, names)
    return [Violation(f"{path}.{fault.field}", fault.description) for fault in found] if path else found


def row_sum(workflow: Workflow, endpoint: str) -> float:
    """The sum of an endpoint's transitions and exit."""
    return math.fsum([*workflow.transitions.get(endpoint, {}).values(), workflow.exit_points.get(endpoint, 0.0)])


def _sizes(workflow: Workflow) -> Iterator[Violation]:
    if not _NAME.fullmatch(workflow.name):
        yield Violation("name", "A workflow's name is up to 63 small letters, digits and hyphens, no hyphen first.")
    if (count := len(workflow.endpoints)) > MAX_ENDPOINTS:
        yield Violation("transitions", f"There are {count:,} endpoints; up to {MAX_ENDPOINTS:,} are allowed.")
    if (edges := sum(map(len, workflow.transitions.values()))) > MAX_EDGES:
        yield Violation("transitions", f"There are {edges:,} transitions; up to {MAX_EDGES:,} are allowed.")


def _texts(workflow: Workflow) -> Iterator[Violation]:
    for endpoint in workflow.endpoints:
        if not _is_text(endpoint):
            yield Violation(_place(workflow, endpoint), f"An endpoint is known by {_TEXT}.")


_TEXT = f"1 to {MAX_TEXT} printable characters"


def _is_text(text: str) -> bool:
    return 0 < len(text) <= MAX_TEXT and text.isprintable()


def _place(workflow: Workflow, endpoint: str) -> str:
    """The path of an endpoint's description."""
    places = {"transitions": workflow.transitions, "exit_points": workflow.exit_points}
    return at(next((field for field, of in places.items() if endpoint in of), "entry_points"), endpoint)


def _is_described(workflow: Workflow, endpoint: str) -> bool:
    return any(endpoint in of for of in (workflow.transitions, workflow.exit_points, workflow.avg_response_times))


def _entries(workflow: Workflow, names: Names) -> Iterator[Violation]:
    if not workflow.entry_points:
        yield Violation("entry_points", "Say where sessions begin: an endpoint and its probability.")
        return
    for endpoint in workflow.entry_points:
        if not _is_described(workflow, endpoint):
            yield Violation(at("entry_points", endpoint), names.unknown(endpoint))
    wrong = list(_shares("entry_points", workflow.entry_points))
    yield from wrong
    total = math.fsum(workflow.entry_points.values()) if not wrong else 1.0
    if _is_off(total):
        yield Violation("entry_points", f"The entry points sum to {total:.9g}; they must sum to 1.")


def _rows(workflow: Workflow, names: Names) -> Iterator[Violation]:
    if not any(share > 0 for share in workflow.exit_points.values()):
        yield Violation("exit_points", "Say where sessions end: an endpoint and the probability that they do after it.")
    wrong_exits = list(_shares("exit_points", workflow.exit_points))
    yield from wrong_exits
    blamed = {fault.field for fault in wrong_exits}
    for endpoint in workflow.endpoints:
        row, field = workflow.transitions.get(endpoint, {}), at("transitions", endpoint)
        wrong = [f"{share:g} for `{successor}`" for successor, share in row.items() if not is_share(share)]
        if wrong:
            yield Violation(field, f"A probability is a number from 0 to 1, not {', '.join(wrong)}.")
        for successor in row:
            if not _is_described(workflow, successor):
                yield Violation(field, f"It leads to `{successor}`. {names.unknown(successor)}")
        if wrong or at("exit_points", endpoint) in blamed or not _is_described(workflow, endpoint):
            continue
        if not row and endpoint not in workflow.exit_points:
            yield Violation(field, f"`{endpoint}` is a dead end; give it transitions, or an exit point.")
        elif _is_off(total := row_sum(workflow, endpoint)):
            sentence = f"The transitions and the exit of `{endpoint}` sum to {total:.9g}; they must sum to 1."
            yield Violation(field, sentence)


def _shares(field: str, shares: Mapping[str, float]) -> Iterator[Violation]:
    for key, share in shares.items():
        if not is_share(share):
            yield Violation(at(field, key), f"A probability is a number from 0 to 1, not {share:g}.")


def is_share(number: float) -> bool:
    """True if the number is a probability."""
    return 0.0 <= number <= 1.0


def _is_off(total: float) -> bool:
    # The bound itself is accepted: as a double, 0.999999 differs from 1 by 1.00000000003e-06.
    return round(abs(total - 1.0), 12) > TOLERANCE


def _reach(workflow: Workflow) -> Iterator[Violation]:
    # Endpoints without a description are reported above; whether they lead to an exit is unknown.
    unknown = {endpoint for endpoint in workflow.endpoints if not _is_described(workflow, endpoint)}
    reached, leaving = from_entries(workflow), to_an_exit(workflow, unknown)
    for endpoint in workflow.endpoints:
        if endpoint in unknown:
            continue
        if endpoint not in reached:
            yield Violation(_place(workflow, endpoint), f"`{endpoint}` is unreachable: no session reaches it.")
        if endpoint not in leaving and leaving and workflow.transitions.get(endpoint):
            yield Violation(_place(workflow, endpoint), f"From `{endpoint}` no session reaches an exit point.")


def _times(workflow: Workflow) -> Iterator[Violation]:
    times = workflow.avg_response_times
    for endpoint in workflow.endpoints:
        if endpoint not in times and _is_described(workflow, endpoint):
            yield Violation(at("avg_response_times", endpoint), f"`{endpoint}` has no mean response time.")
    for endpoint, time in times.items():
        if not 0 <= time <= MAX_LATENCY:
            sentence = f"A mean response time is a number of milliseconds from 0 to {MAX_LATENCY:,}, not {time:g}."
            yield Violation(at("avg_response_times", endpoint), sentence)


def _options(workflow: Workflow, names: Names) -> Iterator[Violation]:
    """Faults of endpoints that cannot be reached or cannot end."""
    said: dict[str, Iterable[str]] = {
        "avg_response_times": workflow.avg_response_times,
        "methods": workflow.methods,
        "error_rates": workflow.error_rates,
        "parameters": workflow.parameters,
        "think_times": workflow.think_times,
    }
    for field, endpoints in said.items():
        for endpoint in endpoints:
            if endpoint not in names:
                yield Violation(at(field, endpoint), names.unknown(endpoint))
    for endpoint, method in workflow.methods.items():
        if not _METHOD.fullmatch(method):
            yield Violation(at("methods", endpoint), f"A method is a word in capitals such as POST, not {method!r}.")
    for endpoint, rate in workflow.error_rates.items():
        if not is_share(rate):
            yield Violation(at("error_rates", endpoint), f"An error rate is a number from 0 to 1, not {rate:g}.")
    for endpoint, time in workflow.think_times.items():
        if not 0 <= time.min_ms <= time.max_ms <= MAX_THINK:
            not_so = f"not {time.min_ms:g} to {time.max_ms:g}"
            sentence = f"A think time has a minimum and a maximum in milliseconds, 0 to {MAX_THINK:,}, {not_so}."
            yield Violation(at("think_times", endpoint), sentence)
    for endpoint, parameters in workflow.parameters.items():
        yield from (Violation(at("parameters", endpoint), sentence) for sentence in _parameters(parameters))


def _parameters(parameters: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if len(parameters) > MAX_PARAMETERS:
        yield f"There are {len(parameters):,} parameters; up to {MAX_PARAMETERS} are allowed."
    for name, values in parameters.items():
        if not _is_text(name):
            yield f"A parameter's name has {_TEXT}."
        if not 1 <= len(values) <= MAX_VALUES:
            yield f"The parameter `{name}` has {len(values):,} values; give it 1 to {MAX_VALUES:,}."
        if any(len(value) > MAX_TEXT or not value.isprintable() for value in values):
            yield f"The values of `{name}` have up to {MAX_TEXT} printable characters each."
    longest = [
        (name, max(values, key=lambda value: len(quote_plus(value, errors="replace")), default=""))
        for name, values in parameters.items()
    ]
    if (size := len(urlencode(longest, errors="replace"))) > MAX_QUERY:
        yield f"As a query string they have {size:,} characters; up to {MAX_QUERY:,} are allowed."
