"""Chunks: sessions encoded as messages of about 1 MiB. These functions run in the worker processes.

A worker imports the formats when it makes its first chunk. The server never calls these functions and never imports
Numba.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from services.testdata.traces.compiled import compiled
from services.testdata.traces.formats import Format
from services.testdata.traces.generation import Calls, Chain, generate, session_count

if TYPE_CHECKING:
    from services.testdata.traces.formats.registry import Encoder

MOST_BYTES = 7 << 19
"""The most bytes of a chunk. With its other fields, a message stays below 4 MiB."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The size of a stream. session_count: all sessions. chunk_sessions: sessions per chunk."""

    session_count: int
    chunk_sessions: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Encoded calls.

    last_session: the last session that is complete after this chunk.
    begun: the number of calls of the next session in this and earlier chunks; not 0 only if that session is larger
        than a message.
    """

    data: bytes
    call_count: int
    last_session: int
    begun: int = 0


def outline(source: bytes, form: Format) -> Outline:
    """The size of a stream in a format. source: see `compiled`."""
    from services.testdata.traces.formats.sizes import sessions_a_chunk

    chain = compiled(source)
    return Outline(session_count(chain), sessions_a_chunk(chain, _encoder(chain, form)))


def make_chunk(source: bytes, first: int, count: int, form: Format, beginning: bool, begun: int = 0) -> list[Chunk]:
    """Encode `count` sessions from `first` as one chunk, or as several if they have more than MOST_BYTES.

    source: see `compiled`. beginning: write the header first. begun: calls of the first session to leave out.
    """
    chain = compiled(source)
    encoder, calls = _encoder(chain, form), generate(chain, first, count)
    begun = min(begun, int(calls.session.searchsorted(first, "right")) - 1)
    chunks = list(_cut(encoder, calls, begun, len(calls)))
    if beginning:
        head = encoder.beginning()
        if len(head) + len(chunks[0].data) <= MOST_BYTES:
            chunks[0] = replace(chunks[0], data=head + chunks[0].data)
        else:
            heads = (head[start : start + MOST_BYTES] for start in range(0, len(head), MOST_BYTES))
            chunks = [*(Chunk(data, 0, first - 1, begun) for data in heads), *chunks]
    return chunks


@lru_cache(maxsize=8)
def _encoder(chain: Chain, form: Format) -> "Encoder":
    from services.testdata.traces.formats.registry import FORMATS

    encoder = FORMATS[form].encoder
    assert encoder is not None, f"{form} is for files only"
    return encoder(chain)


def _cut(encoder: "Encoder", calls: Calls, start: int, stop: int) -> Iterator[Chunk]:
    """The calls from index `start` to before `stop` as chunks, cut between sessions where possible."""
    session = calls.session
    data = encoder.encode(calls.part(start, stop), start - int(session.searchsorted(session[start])))
    if len(data) <= MOST_BYTES or stop - start == 1:
        last, complete = int(session[stop - 1]), stop == len(calls) or session[stop] != session[stop - 1]
        begun = 0 if complete else stop - int(session.searchsorted(last))
        yield Chunk(data, stop - start, last if complete else last - 1, begun)
        return
    middle = (start + stop) // 2
    between = [int(session.searchsorted(session[middle], side)) for side in ("left", "right")]
    cut = min(
        (index for index in between if start < index < stop), key=lambda index: abs(index - middle), default=middle
    )
    yield from _cut(encoder, calls, start, cut)
    yield from _cut(encoder, calls, cut, stop)
