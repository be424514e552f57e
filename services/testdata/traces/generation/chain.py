"""A workflow and its parameters, compiled to tables for generating calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.testdata.traces.generation import quantiles
from services.testdata.traces.generation.alias import OUTCOMES, AliasTable, alias_table
from services.testdata.traces.generation.arrays import Floats, Whole
from services.testdata.traces.generation.arrivals import ArrivalTable, arrival_table
from services.testdata.traces.generation.decks import Decks, decks
from services.testdata.traces.generation.params import ParamsTable, params_table
from services.testdata.traces.generation.philox import key_words
from services.testdata.traces.parameters import Mode, Parameters
from services.testdata.traces.workflow import DEFAULT_ERROR_RATE, DEFAULT_METHOD, QUICK, Workflow

ALGORITHM = "greenroom-traces-1"
"""The version of the algorithm. Change it with every change that changes a byte of the calls."""
MAX_CALLS = 1_000
"""The most calls of a session, without retries."""
USER_BLOCK = 4_096
"""Sessions of users are counted in blocks of this many users; a multiple of four."""
ERRORS = ((400, 30.0), (401, 10.0), (404, 30.0), (429, 10.0), (500, 20.0))
"""The statuses of calls that fail without a cascade, and their weights."""


class CallTables(NamedTuple):
    """Lookup tables for the columns of a call, by endpoint.

    think_least, think_span: think times are whole milliseconds from least to before least + span.
    """

    latency_means: Floats
    latency_factors: Floats
    slow_factors: Floats
    think_least: Whole
    think_span: Whole
    statuses: AliasTable
    params: ParamsTable


@dataclass(frozen=True, eq=False)
class Chain:
    """All tables for generating the calls of a workflow and parameters. Compile it once per process.

    endpoints: sorted; codes of calls are indices into it. methods: by endpoint.
    user_types: sorted. params: the query strings; the first is empty.
    mean_calls: the expected number of calls of a session, without retries.
    key: the key of the random numbers.
    rows: the successors of each endpoint; the last row is the entries. Successor len(endpoints) is the exit.
    """

    workflow: Workflow
    parameters: Parameters
    endpoints: tuple[str, ...]
    methods: tuple[str, ...]
    user_types: tuple[str, ...]
    params: tuple[str, ...]
    mean_calls: float
    key: tuple[int, int]
    rows: AliasTable
    decks: Decks | None
    calls: CallTables
    arrival: ArrivalTable
    types: AliasTable
    session_counts: Whole
    cascade_threshold: int


def compile_chain(workflow: Workflow, parameters: Parameters) -> Chain:
    """Make the tables of a valid workflow and parameters. Raises ValueError if it has 65,535 endpoints or more."""
    endpoints = workflow.endpoints
    if len(endpoints) >= OUTCOMES - 1:
        raise ValueError(f"{len(endpoints):,} endpoints are more than {OUTCOMES - 2:,}.")
    rows = _rows(workflow)
    methods = tuple(workflow.methods.get(endpoint, DEFAULT_METHOD) for endpoint in endpoints)
    user_types = tuple(sorted(parameters.user_types))
    params = params_table(endpoints, workflow.parameters)
    return Chain(
        workflow=workflow,
        parameters=parameters,
        endpoints=endpoints,
        methods=methods,
        user_types=user_types,
        params=params.texts,
        mean_calls=_mean_calls(rows),
        key=key_words(parameters.seed),
        rows=alias_table(rows),
        decks=decks(rows, parameters.deck_size) if parameters.mode is Mode.EXACT_COUNTS else None,
        calls=_call_tables(workflow, methods, params),
        arrival=arrival_table(parameters.start, parameters.end, parameters.arrival),
        types=alias_table([[(code, parameters.user_types[name]) for code, name in enumerate(user_types)]]),
        session_counts=quantiles.session_counts(parameters.sessions_mean, parameters.sessions_std),
        cascade_threshold=round(parameters.cascade_rate * 2**32),
    )


def _rows(workflow: Workflow) -> list[list[tuple[int, float]]]:
    code = {endpoint: number for number, endpoint in enumerate(workflow.endpoints)}
    leave = len(code)
    rows = [
        [
            *(
                (code[successor], probability)
                for successor, probability in sorted(workflow.transitions.get(endpoint, {}).items())
            ),
            (leave, workflow.exit_points.get(endpoint, 0.0)),
        ]
        for endpoint in workflow.endpoints
    ]
    return [*rows, [(code[entry], probability) for entry, probability in sorted(workflow.entry_points.items())]]


def _call_tables(workflow: Workflow, methods: Sequence[str], params: ParamsTable) -> CallTables:
    thinks = [workflow.think_times.get(endpoint, QUICK) for endpoint in workflow.endpoints]
    least = np.array([round(think.min_ms) for think in thinks], np.int64)
    most = np.array([round(think.max_ms) for think in thinks], np.int64)
    return CallTables(
        latency_means=np.array([workflow.avg_response_times[endpoint] for endpoint in workflow.endpoints], np.float32),
        latency_factors=quantiles.latency_factors(),
        slow_factors=quantiles.slow_factors(),
        think_least=least,
        think_span=most - least + 1,
        statuses=alias_table(
            [
                _statuses(method, workflow.error_rates.get(endpoint, DEFAULT_ERROR_RATE))
                for endpoint, method in zip(workflow.endpoints, methods, strict=True)
            ]
        ),
        params=params,
    )


def _statuses(method: str, error_rate: float) -> list[tuple[int, float]]:
    total = sum(weight for _, weight in ERRORS)
    success = 201 if method == "POST" else 200
    return [(success, 1.0 - error_rate), *((status, error_rate * weight / total) for status, weight in ERRORS)]


def _mean_calls(rows: list[list[tuple[int, float]]]) -> float:
    """The expected number of calls of a session: the sum over steps of the share of sessions that reach the step."""
    leave = len(rows) - 1
    edges = [(row, to, share) for row, edges in enumerate(rows) for to, share in edges if to != leave and share > 0]
    source, target, shares = (np.array(column) for column in zip(*edges, strict=True))
    going = np.bincount([leave], minlength=len(rows)).astype(np.float64)
    calls = 0.0
    for _ in range(MAX_CALLS):
        going = np.bincount(target, going[source] * shares, len(rows)).astype(np.float64)
        calls += float(going.sum())
        if going.sum() < 1e-9:
            break
    return calls
