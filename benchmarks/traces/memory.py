"""In memory: the walk, all columns, Parquet, and learning, each compared with other ways of doing it."""

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from benchmarks import peers
from benchmarks.contest import Contestant, race
from benchmarks.results import Result, compared, limited
from benchmarks.ways.shop import chain, shop
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.files import write_file
from services.testdata.traces.generation import generate
from services.testdata.traces.workflow import Workflow

FILE_SESSIONS = 200_000
"""Sessions in the Parquet file whose size is measured; they fill more than one row group."""


def results(gate: Mapping[str, Any], size: Mapping[str, Any]) -> list[Result]:
    """One row per gate: walk, columns, parquet, parquet_bytes, learning."""
    turns = size["rounds"], size["seconds"]
    return [
        *_walk(gate, *turns),
        *_columns(gate, *turns),
        *_parquet(gate, *turns),
        *_learning(gate, size["log"], *turns),
    ]


def _walk(gate: Mapping[str, Any], rounds: int, seconds: float) -> list[Result]:
    given = endless(shop())
    ours, *others = race(
        [
            Contestant("greenroom:walk"),
            Contestant("plain:walk"),
            Contestant("hmm:walk", peers.python("hmmlearn"), given),
            Contestant("dtmc:walk", peers.python("pydtmc"), given),
        ],
        rounds,
        seconds,
    )
    claims = ("walk_choices", "walk_hmmlearn", "walk_pydtmc")
    return [compared(gate[claim], "steps/s", ours, theirs) for claim, theirs in zip(claims, others, strict=True)]


def endless(workflow: Workflow) -> dict[str, Any]:
    """The chain in the form that Markov chain libraries need: it never ends, because an exit leads to an entry.

    start: the probabilities of the first endpoint. matrix: the transition probabilities.
    """
    names = workflow.endpoints
    start = [workflow.entry_points.get(name, 0.0) for name in names]
    matrix = []
    for name in names:
        row, ends = workflow.transitions.get(name, {}), workflow.exit_points.get(name, 0.0)
        matrix.append([row.get(to, 0.0) + ends * entry for to, entry in zip(names, start, strict=True)])
    return {"start": start, "matrix": matrix}


def _columns(gate: Mapping[str, Any], rounds: int, seconds: float) -> list[Result]:
    ours, theirs = race([Contestant("greenroom:columns"), Contestant("plain:dicts")], rounds, seconds)
    return [compared(gate["columns"], "calls/s", ours, theirs)]


def _parquet(gate: Mapping[str, Any], rounds: int, seconds: float) -> list[Result]:
    ours, theirs = race([Contestant("greenroom:parquet"), Contestant("plain:parquet_of_dicts")], rounds, seconds)
    file = io.BytesIO()
    calls = write_file(chain(1_000_000), Format.PARQUET, 1, FILE_SESSIONS, file, {})
    return [
        compared(gate["parquet"], "calls/s", ours, theirs),
        limited(gate["parquet_bytes"], "B", [file.tell() / calls]),
    ]


def _learning(gate: Mapping[str, Any], sessions: int, rounds: int, seconds: float) -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        given = {"log": str(_log(Path(folder), sessions))}
        contestants = [
            Contestant("greenroom:learn", given=given),
            Contestant("mining:learn", peers.python("pm4py"), given),
        ]
        ours, theirs = race(contestants, rounds, seconds)
    return [compared(gate["learning"], "calls/s", ours, theirs)]


def _log(folder: Path, sessions: int) -> Path:
    """Write a log of this many sessions as CSV: session, endpoint, timestamp (ms)."""
    truth = chain(sessions)
    calls = generate(truth, 1, sessions)
    columns = {
        "session": calls.session,
        "endpoint": np.array(truth.endpoints)[calls.endpoint],
        "timestamp": calls.timestamp,
    }
    csv.write_csv(pa.table(columns), folder / "log.csv")
    return folder / "log.csv"
