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
from services.testdata.traces.learning.counting import count_edges

SHARD = 65_536
"""Sessions a batch."""
SHARDS = 4
"""Shards a Parquet file: somewhat more than one row group."""
USERS = 10_000_000
"""With three sessions each on average."""
LAST = 400 * SHARD
"""Sessions are taken from the first again before there are no more."""


def walk(_: Mapping[str, Any]) -> Work:
    """Steps of the sessions of a shard, states only."""
    shop = chain(USERS)
    return lambda batch: len(walk_sessions(shop, 1 + batch * SHARD % LAST, SHARD)[0])


def columns(_: Mapping[str, Any]) -> Work:
    """Calls of a shard with every column, as an Arrow record batch."""
    shop = chain(USERS)
    batches = Batches(shop)
    return lambda batch: int(batches.batch(generate(shop, 1 + batch * SHARD % LAST, SHARD)).num_rows)


def parquet(_: Mapping[str, Any]) -> Work:
    """Calls of four shards, as a Parquet file in memory."""
    shop, sink = chain(USERS), io.BytesIO()

    def work(batch: int) -> int:
        sink.seek(0)
        return write_file(shop, Format.PARQUET, 1 + batch * SHARDS * SHARD % LAST, SHARDS * SHARD, sink, {})

    return work


def learn(given: Mapping[str, Any]) -> Work:
    """Calls whose successions, first and last calls are counted, from columns in memory.

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
