"""What callers do with documents."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from hashlib import sha256

from services.enricher.knowledge.fusing import fuse
from services.enricher.knowledge.meaning import Meaning
from services.enricher.knowledge.model import PREFIX, Added, CutDocument, Document, DocumentFilter, Hints, Results
from services.enricher.knowledge.passages import cut
from services.enricher.knowledge.store.documents import DocumentStore
from shared.auth import Caller
from shared.clock import Clock
from shared.compute import Compute
from shared.errors import GreenroomError
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.requests import RequestKey

_FOUND = 10
"""How many matches a search gives unless told otherwise."""
_FUSED = 50
"""How many documents a search by words and one by meaning find at least, before they are fused."""
_OF_HINTS = 0.8
"""The part of the time for hints that the vector of the query may take."""
_LARGE = 20_000
"""Texts of more characters are cut in another process; others take a few milliseconds."""

CheckDomain = Callable[[str, str], Awaitable[object]]
"""(company, domain) → raises DomainNotFound if the company cannot read such a domain."""


class Knowledge:
    """The operations on documents.

    seconds: how long `hints` may take; 0 turns them off. meaning: None if documents are searched by words alone.
    """

    def __init__(
        self,
        store: DocumentStore,
        compute: Compute,
        check_domain: CheckDomain,
        clock: Clock,
        seconds: float,
        meaning: Meaning | None = None,
    ) -> None:
        self._store = store
        self._compute = compute
        self._check_domain = check_domain
        self._clock = clock
        self._seconds = seconds
        self._meaning = meaning

    async def add(self, caller: Caller, new: Sequence[tuple[Document, str]], key: RequestKey | None) -> Added:
        """Store documents with their texts, all or none. Raises DomainNotFound, RequestIdReused, ResultDeleted."""
        if key is not None and (made := await self._store.made(caller.company, key)) is not None:
            return made
        for domain in sorted({document.domain for document, _ in new} - {""}):
            await self._check_domain(caller.company, domain)
        titled = [(" ".join([document.title, *document.tags]), text) for document, text in new]
        size = sum(len(text) for _, text in new)
        parts = await self._compute.run(cut, titled, reads=size) if size > _LARGE else cut(titled)
        now = self._clock()
        documents = [
            CutDocument(
                replace(document, name=PREFIX + new_id(), creator=caller.subject, create_time=now),
                _digest(document, text),
                title,
                passages,
            )
            for (document, text), (title, passages) in zip(new, parts, strict=True)
        ]
        return await self._store.add(caller.company, documents, key)

    async def get(self, company: str, name: str) -> tuple[Document, str]:
        """A document and its text. Raises DocumentNotFound."""
        return await self._store.get(company, name)

    async def page(self, company: str, only: DocumentFilter, part: Part) -> Listed[Document]:
        """A part of the company's documents, newest first."""
        return await self._store.page(company, only, part)

    async def search(
        self, company: str, query: str, only: DocumentFilter, limit: int = 0, seconds: float = math.inf
    ) -> Results:
        """The documents that match the query by words or by meaning, best first.

        limit: 0 for the default. seconds: how long to wait at most for the vector of the query.
        """
        limit = limit or _FOUND
        if self._meaning is None:
            return Results(await self._store.search(company, query, only, limit))
        deep = max(limit, _FUSED)
        by_words, by_meaning = await asyncio.gather(
            self._store.search(company, query, only, deep),
            self._meaning.search(company, query, only, deep, seconds),
        )
        return replace(by_meaning, matches=fuse(by_words, by_meaning.matches, limit))

    async def hints(self, company: str, query: str, only: DocumentFilter = DocumentFilter(), limit: int = 0) -> Hints:  # noqa: B008
        """What `search` finds, for work that goes on without it: why nothing is found is told and not raised."""
        if not self._seconds:
            return Hints(missing="The setting GREENROOM_KNOWLEDGE_SECONDS is 0, so documents are not searched.")
        try:
            async with asyncio.timeout(self._seconds):
                # The vector of the query may take a part of the time; without it, words are searched.
                found = await self.search(company, query, only, limit, seconds=self._seconds * _OF_HINTS)
                return Hints(found.matches, meaning_problem=found.meaning_problem)
        except TimeoutError:
            return Hints(missing=f"The search in documents took longer than {self._seconds:g} s.")
        except GreenroomError as error:
            return Hints(missing=str(error))

    async def delete(self, company: str, name: str) -> None:
        """Delete a document. Raises DocumentNotFound."""
        await self._store.delete(company, name)


def _digest(document: Document, text: str) -> str:
    return sha256(json.dumps([asdict(document), text]).encode()).hexdigest()
