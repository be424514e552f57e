"""Sessions as one file."""

from collections.abc import Iterator, Mapping
from typing import IO

from services.testdata.traces.formats import Format
from services.testdata.traces.formats.registry import FORMATS
from services.testdata.traces.formats.sizes import sessions_a_chunk
from services.testdata.traces.generation import Calls, Chain, generate

_BLOCK_CALLS = 1 << 17
"""Calls that are held at once, about; for Parquet, whose row groups are put together from them."""


def write_file(chain: Chain, form: Format, first: int, count: int, sink: IO[bytes], metadata: Mapping[str, str]) -> int:
    """Write so many sessions from the first and return how many calls they have.

    metadata: what the file says of itself, if it can. The bytes are a pure function of all but the sink. The memory
    that it takes does not depend on count. Raises what the sink raises.
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
    """Blocks of sessions, and how many calls they had."""

    def __init__(self) -> None:
        self.calls = 0

    def blocks(self, chain: Chain, first: int, count: int, sessions: int) -> Iterator[Calls]:
        for start in range(first, first + count, max(1, sessions)):
            block = generate(chain, start, min(max(1, sessions), first + count - start))
            self.calls += len(block)
            yield block
