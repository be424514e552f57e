"""Greenroom: the kernels and writers of the trace service."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from pyarrow import csv

from benchmarks.contestant import Work
from benchmarks.ways.shop import chain
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.arrow import Batches
from services.testdata.traces.formats.files import write_file
from services.testdata.traces.generation import generate
from services.testdata.traces.generation import walk as walk_sessions
from services.testdata.traces.learn.counting import count_edges

SHARD = 65_536
"""Sessions per batch."""
SHARDS = 4
"""Shards per Parquet file: somewhat more than one row group."""
USERS = 10_000_000
"""Users of the workflow, with three sessions each on average."""
LAST = 400 * SHARD
"""After this many sessions the batches start again at the first, before the sessions run out."""


def walk(_: Mapping[str, Any]) -> Work:
    """Walk the sessions of a shard, endpoints only. Unit: a step."""
    shop = chain(USERS)
    return lambda batch: len(walk_sessions(shop, 1 + batch * SHARD % LAST, SHARD)[0])


def columns(_: Mapping[str, Any]) -> Work:
    """Generate a shard with every column, as an Arrow record batch. Unit: a call."""
    shop = chain(USERS)
    batches = Batches(shop)
    return lambda batch: int(batches.batch(generate(shop, 1 + batch * SHARD % LAST, SHARD)).num_rows)


def parquet(_: Mapping[str, Any]) -> Work:
    """Generate four shards and write them to a Parquet file in memory. Unit: a call."""
    shop, sink = chain(USERS), io.BytesIO()

    def work(batch: int) -> int:
        sink.seek(0)
        return write_file(shop, Format.PARQUET, 1 + batch * SHARDS * SHARD % LAST, SHARDS * SHARD, sink, {})

    return work


def learn(given: Mapping[str, Any]) -> Work:
    """Count the transitions, entries and exits of a log, from columns in memory. Unit: a call.

    given: log, a CSV file with the columns session, endpoint and timestamp (ms) in their order.
    """
    table = csv.read_csv(given["log"])
    session = table["session"].to_numpy()
    names = table["endpoint"].combine_chunks().dictionary_encode()
    endpoint = names.indices.to_numpy().astype(np.uint16)

    def work(_: int) -> int:
        starts = np.concatenate([[0], np.flatnonzero(np.diff(session)) + 1, [len(session)]])
        count_edges(endpoint, starts, len(names.dictionary))
        return len(endpoint)

    return work
