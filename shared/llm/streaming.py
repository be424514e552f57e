"""Answers that arrive in parts, as lines of JSON or of server-sent events."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stream:
    """How a vendor streams an answer.

    fields: what a request must have besides its body to be streamed. speaks: True for a part that has tokens.
    join: the parts as the answer to the same request without a stream; raises ValueError if the last ones are missing.
    """

    fields: dict[str, Any]
    speaks: Callable[[Any], bool]
    join: Callable[[Sequence[Any]], Any]


async def joined(lines: AsyncIterator[str], stream: Stream, began: float) -> tuple[Any, int | None]:
    """The whole answer, and the milliseconds from `began` until its first token. Raises what `join` does."""
    parts: list[Any] = []
    first: int | None = None
    async for line in lines:
        found = parts_of([line])
        parts += found
        if first is None and any(map(stream.speaks, found)):
            first = round(1000 * (time.perf_counter() - began))
    return stream.join(parts), first


def parts_of(lines: Iterable[str]) -> list[Any]:
    """The parts in lines. Others are empty, comments, the names of events, or the end mark [DONE]."""
    texts = (line.removeprefix("data:").strip() for line in lines)
    return [json.loads(text) for text in texts if text.startswith("{")]
