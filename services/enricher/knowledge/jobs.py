"""Makes the vectors of passages: one job for each company, which embeds some passages with each run."""

from collections.abc import Collection, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from services.enricher.knowledge.model import Unembedded
from services.enricher.knowledge.store.vectors import VectorStore
from shared.engine.jobs import Job
from shared.llm.base import ModelDenied, ModelFailed, ModelUnavailable
from shared.llm.embedder import Embedder
from shared.outage import Outage

KIND = "embeddings"
_AT_ONCE = 32
"""How many passages are sent to the model at once."""
_PROBE = "A short text."

_log = structlog.get_logger(__name__)


class EmbeddingJobs:
    """The engine's jobs that make vectors. problem: why none are made now, as a sentence; "" if they are."""

    def __init__(self, embedder: Embedder, vectors: VectorStore) -> None:
        self._embedder = embedder
        self._vectors = vectors
        self._outage = Outage(_log, "vectors_cannot_be_made", "vectors_are_made_again")
        self.problem = ""

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Companies with passages that have no vectors yet."""
        return [Job(KIND, company, company) for company in await self._vectors.waiting(running)]

    async def unwanted(self, running: Collection[str]) -> Collection[str]:  # noqa: ARG002
        """None: nobody cancels these jobs."""
        return ()

    async def run(self, job: Job) -> None:
        """Embed some passages. What a crash interrupts is embedded again. Raises ModelUnavailable."""
        some = await self._vectors.unembedded(job.company, _AT_ONCE)
        if not some:
            await self._vectors.complete(job.company)
            return
        try:
            await self._vectors.put(job.company, await self._embedded(job.company, some))
        except (ModelUnavailable, ModelFailed) as error:
            self.problem = str(error)
            self._outage.met(error=self.problem)
            raise ModelUnavailable(model=self._embedder.model, why=error.details.get("why", "")) from error
        self.problem = ""
        self._outage.over()

    async def interrupt(self, job: Job) -> None:
        """Nothing to end."""

    async def _embedded(self, company: str, some: Sequence[Unembedded]) -> dict[Unembedded, NDArray[np.float32] | None]:
        """The vectors of the passages; None for those that the model refuses while it answers others."""
        try:
            return dict(zip(some, await self._embedder.passages([one.text for one in some], company), strict=True))
        except ModelDenied:
            raise
        except (ModelUnavailable, ModelFailed):
            # Some servers fail for a text that is too long, and then for all that were sent with it.
            await self._embedder.passages([_PROBE], company, patient=False)
            return {one: await self._alone(company, one) for one in some}

    async def _alone(self, company: str, one: Unembedded) -> NDArray[np.float32] | None:
        try:
            vector: NDArray[np.float32] = (await self._embedder.passages([one.text], company, patient=False))[0]
            return vector
        except (ModelUnavailable, ModelFailed) as error:
            await self._embedder.passages([_PROBE], company, patient=False)
            _log.warning("passage_has_no_vector", document=one.document, error=str(error))
            return None
