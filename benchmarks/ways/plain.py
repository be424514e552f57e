"""Plain Python: `random.choices` for every step, and a dict for every call."""

import io
import itertools
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from benchmarks.contestant import Work
from benchmarks.ways.shop import shop
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import DEFAULT_ERROR_RATE, DEFAULT_METHOD, QUICK, Workflow

SESSIONS = 1_000
END = None
"""The successor of the last call."""

Row = tuple[list[str | None], list[float]]
Call = dict[str, Any]


def walk(_: Mapping[str, Any]) -> Work:
    """Walk sessions, endpoints only: no times, no users, no failures. Unit: a step."""
    entries, rows = _rows(shop())

    def work(batch: int) -> int:
        draw, steps = random.Random(batch).choices, 0
        for _ in range(SESSIONS):
            session = []
            state = draw(*entries)[0]
            while state is not END:
                session.append(state)
                state = draw(*rows[state])[0]
            steps += len(session)
        return steps

    return work


def dicts(_: Mapping[str, Any]) -> Work:
    """Generate each call as a dict of Python values with every column, with failure cascades. Unit: a call."""
    workflow, parameters = shop(), Parameters()
    return lambda batch: len(list(itertools.chain.from_iterable(_sessions(workflow, parameters, batch))))


def parquet_of_dicts(_: Mapping[str, Any]) -> Work:
    """Generate a dict per call and write all to Parquet in memory (`Table.from_pylist`, zstd 1). Unit: a call."""
    workflow, parameters = shop(), Parameters()

    def work(batch: int) -> int:
        calls = list(itertools.chain.from_iterable(_sessions(workflow, parameters, batch)))
        parquet.write_table(pa.Table.from_pylist(calls), io.BytesIO(), compression="zstd", compression_level=1)
        return len(calls)

    return work


def _rows(workflow: Workflow) -> tuple[Row, dict[str, Row]]:
    """The entries, and the successors of each endpoint, with weights for `random.choices`."""
    rows = {
        endpoint: {**workflow.transitions.get(endpoint, {}), END: workflow.exit_points.get(endpoint, 0.0)}
        for endpoint in workflow.endpoints
    }
    return _choices(workflow.entry_points), {endpoint: _choices(row) for endpoint, row in rows.items()}


def _choices(row: Mapping[Any, float]) -> Row:
    return list(row), list(row.values())


def _sessions(workflow: Workflow, parameters: Parameters, seed: int) -> Iterator[list[Call]]:
    """The calls of SESSIONS sessions, user by user."""
    rng = random.Random(seed)
    entries, rows = _rows(workflow)
    session = 0
    for user in itertools.count(1):
        kind = rng.choices(list(parameters.user_types), list(parameters.user_types.values()))[0]
        for _ in range(1 + round(rng.lognormvariate(0.3, 0.9))):
            session += 1
            if session > SESSIONS:
                return
            at = rng.uniform(parameters.start, parameters.end)
            calls: list[Call] = []
            state = rng.choices(*entries)[0]
            while state is not END:
                call = _call(workflow, rng, state)
                call |= {"timestamp": datetime.fromtimestamp(at / 1000, UTC), "user": user}
                call |= {"user_type": kind, "session": session}
                calls.append(call)
                think = workflow.think_times.get(state, QUICK)
                at += call["latency_ms"] + rng.uniform(think.min_ms, think.max_ms)
                state = rng.choices(*rows[state])[0]
            yield _cascade(rng, calls, session) if rng.random() < parameters.cascade_rate else calls


def _call(workflow: Workflow, rng: random.Random, endpoint: str) -> Call:
    method = workflow.methods.get(endpoint, DEFAULT_METHOD)
    failed = rng.random() < workflow.error_rates.get(endpoint, DEFAULT_ERROR_RATE)
    values = workflow.parameters.get(endpoint, {})
    return {
        "endpoint": endpoint,
        "method": method,
        "status": rng.choice((400, 401, 404, 429, 500)) if failed else 201 if method == "POST" else 200,
        "latency_ms": workflow.avg_response_times[endpoint] * rng.lognormvariate(-0.125, 0.5),
        "params": "&".join(f"{name}={rng.choice(options)}" for name, options in values.items()),
        "fault_id": 0,
        "fault_kind": "",
    }


def _cascade(rng: random.Random, calls: list[Call], session: int) -> list[Call]:
    """The calls of a session with a failure cascade in its second half, and retries of failed calls."""
    told = calls[: len(calls) // 2]
    for call in calls[len(calls) // 2 :]:
        told.append(call)
        kind = rng.choices(("slow", "timeout", "unavailable", ""), (0.6, 0.2, 0.15, 0.05))[0]
        if not kind:
            continue
        call |= {"fault_id": session, "fault_kind": kind}
        if kind == "slow":
            call["latency_ms"] *= rng.uniform(3, 10)
            continue
        call |= {"status": 504, "latency_ms": 30_000.0} if kind == "timeout" else {"status": 503}
        if rng.random() < 0.3:
            told.append({**call, "fault_kind": "retry"})
    return told
