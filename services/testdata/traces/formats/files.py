"""Write sessions as one file."""

from collections.abc import Iterator, Mapping
from typing import IO

from services.testdata.traces.formats import Format
from services.testdata.traces.formats.registry import FORMATS
from services.testdata.traces.formats.sizes import sessions_a_chunk
from services.testdata.traces.generation import Calls, Chain, generate

_BLOCK_CALLS = 1 << 17
"""Calls per block, approximately. Parquet groups the blocks to row groups."""


def write_file(chain: Chain, form: Format, first: int, count: int, sink: IO[bytes], metadata: Mapping[str, str]) -> int:
    """Write `count` sessions, starting with session `first`; returns the number of calls.

    metadata: key-value metadata, for formats that have it. The bytes are a pure function of the arguments. Memory does
    not grow with `count`. Raises what the sink raises.
    """
    entry, counted = FORMATS[form], _Counted()
    if entry.write is not None:
        entry.write(chain, counted.blocks(chain, first, count, round(_BLOCK_CALLS / chain.mean_calls)), sink, metadata)
        return counted.calls
    assert entry.encoder is not None
    encoder = entry.encoder(chain)
    sink.write(encoder.beginning())
    for calls in counted.blocks(chain, first, count, sessions_a_chunk(chain, encoder)):
        sink.write(encoder.encode(calls))
    return counted.calls


class _Counted:
    """Generates blocks of sessions, and counts their calls."""

    def __init__(self) -> None:
        self.calls = 0

    def blocks(self, chain: Chain, first: int, count: int, sessions: int) -> Iterator[Calls]:
        for start in range(first, first + count, max(1, sessions)):
            block = generate(chain, start, min(max(1, sessions), first + count - start))
            self.calls += len(block)
            yield block
