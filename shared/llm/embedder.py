"""Embeds passages and queries with one model."""

import asyncio
from collections.abc import Sequence

from shared.llm.base import Caller, ModelUnavailable
from shared.llm.embedding import EmbeddingModel, EmbeddingRequest, Vectors
from shared.lru import LruCache

_KEPT = 1_000
"""The most queries whose vectors are kept."""
_UNANSWERED = 32
"""The most queries that may wait for an answer at once."""


class Embedder:
    """One embedding model.

    model: its full name. patient: is asked again after an outage. quick: is not, so queries use it.
    """

    def __init__(self, model: str, patient: EmbeddingModel, quick: EmbeddingModel) -> None:
        self.model = model
        self._patient = patient
        self._quick = quick
        self._kept = LruCache[str, Vectors](_KEPT)
        self._asking: dict[str, asyncio.Task[Vectors]] = {}

    async def passages(self, texts: Sequence[str], company: str, *, patient: bool = True) -> Vectors:
        """The vectors of passages. Raises ModelUnavailable, ModelFailed. patient: ask again after an outage."""
        request = EmbeddingRequest(self.model, texts, Caller(company))
        return (await (self._patient if patient else self._quick).complete(request)).vectors

    async def query(self, text: str, company: str, seconds: float) -> Vectors:
        """The vector of a query, as one row. Raises ModelUnavailable after `seconds`, ModelFailed.

        A late answer is kept for the next query with this text: some servers need seconds to load a model.
        """
        if (kept := self._kept.get(text)) is not None:
            return kept
        if (task := self._asking.get(text)) is None:
            if len(self._asking) >= _UNANSWERED:
                raise ModelUnavailable(model=self.model, why=f"{_UNANSWERED} queries wait for its answer")
            task = self._asking[text] = asyncio.create_task(self._ask(text, company), name="query embedding")
            task.add_done_callback(_seen)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(task)
        except TimeoutError:
            raise ModelUnavailable(model=self.model, why=f"no answer came within {seconds:g} s") from None

    async def close(self) -> None:
        """Give up the queries that wait for an answer."""
        waiting = list(self._asking.values())
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)

    async def _ask(self, text: str, company: str) -> Vectors:
        try:
            reply = await self._quick.complete(EmbeddingRequest(self.model, [text], Caller(company)))
            self._kept.put(text, reply.vectors)
            return reply.vectors
        finally:
            del self._asking[text]


def _seen(task: asyncio.Task[Vectors]) -> None:
    """Take the error of a task for which nobody waits any more."""
    if not task.cancelled():
        task.exception()
