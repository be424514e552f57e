"""Chunks: sessions as the bytes of messages of about 1 MiB. What is here runs in the processes of `shared.compute`.

A process imports the formats when it makes its first chunk, so that the server, which only names these functions, never
imports the compiler behind them.
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
"""What the bytes of a chunk may come to, so that with all else in it a message is within 4 MiB."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What a stream is made of. session_count: of the parameters. chunk_sessions: how many make a chunk."""

    session_count: int
    chunk_sessions: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Calls, written.

    call_count: how many. last_session: the last session that is complete with them, and begun: how many calls of the
    next one are among them, which is 0 unless that session alone is larger than a message.
    """

    data: bytes
    call_count: int
    last_session: int
    begun: int = 0


def outline(source: bytes, form: Format) -> Outline:
    """What to ask make_chunk for. source: as `compiled` takes it."""
    from services.testdata.traces.formats.sizes import sessions_a_chunk

    chain = compiled(source)
    return Outline(session_count(chain), sessions_a_chunk(chain, _encoder(chain, form)))


def make_chunk(source: bytes, first: int, count: int, form: Format, beginning: bool, begun: int = 0) -> list[Chunk]:
    """So many sessions from the first as a chunk, or as several where they come to more than MOST_BYTES.

    source: as `compiled` takes it. beginning: whether what comes before all calls is to come first, such as a header.
    begun: how many calls of the first session are to be left out.
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
    """The calls from place start to before stop as chunks, cut between sessions wherever that is possible."""
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
        (place for place in between if start < place < stop), key=lambda place: abs(place - middle), default=middle
    )
    yield from _cut(encoder, calls, start, cut)
    yield from _cut(encoder, calls, cut, stop)
