"""Searches documents by meaning: with the vectors of their passages."""

from collections.abc import Callable

from services.enricher.knowledge.model import DocumentFilter, Results
from services.enricher.knowledge.store.vectors import VectorStore
from shared.llm.base import ModelFailed, ModelUnavailable
from shared.llm.embedder import Embedder
from shared.words import counted

_COUNTED = 1_000
"""How many documents without vectors are counted at most."""


class Meaning:
    """The search by meaning.

    seconds: how long a search waits for the vector of its query. problem: returns why no vectors are made now, as a
    sentence; "" if they are.
    """

    def __init__(self, embedder: Embedder, vectors: VectorStore, seconds: float, problem: Callable[[], str]) -> None:
        self._embedder = embedder
        self._vectors = vectors
        self._seconds = seconds
        self._problem = problem

    async def search(self, company: str, query: str, only: DocumentFilter, limit: int, seconds: float) -> Results:
        """The documents nearest to the query, and why some or all were not compared with it.

        seconds: wait no longer than this for the vector of the query.
        """
        try:
            vector = await self._embedder.query(query, company, min(seconds, self._seconds))
            # Count first: the vectors of those that are counted may come before the search.
            problem = await self._behind(company)
            return Results(await self._vectors.nearest(company, vector, only, limit), problem)
        except (ModelUnavailable, ModelFailed) as error:
            return Results(meaning_problem=f"Documents were searched by words alone. {error}")

    async def _behind(self, company: str) -> str:
        count = await self._vectors.behind(company, _COUNTED + 1)
        if not count:
            return ""
        said = f"more than {_COUNTED:,} documents" if count > _COUNTED else counted(count, "document")
        verb = "has" if count == 1 else "have"
        sentence = f"{said[0].upper()}{said[1:]} {verb} no vectors yet and can be found by words alone."
        return f"{sentence} {self._problem()}".strip()
