"""The number of sessions in a message."""

from services.testdata.traces.formats.registry import Encoder
from services.testdata.traces.generation import Chain, generate, session_count

CHUNK_BYTES = 1 << 20
"""The size of a message, approximately."""
_SAMPLE_BYTES = CHUNK_BYTES // 4
_SAMPLE_SESSIONS = 256


def sessions_a_chunk(chain: Chain, encoder: Encoder) -> int:
    """The number of sessions in CHUNK_BYTES, estimated from the first sessions; at least 1."""
    total, count = session_count(chain), 1
    while True:
        count = min(count, total)
        size = len(encoder.encode(generate(chain, 1, count)))
        if size >= _SAMPLE_BYTES or count >= min(_SAMPLE_SESSIONS, total):
            return max(1, CHUNK_BYTES * count // size)
        count *= 2
