"""What callers do with evaluations."""

import asyncio
from dataclasses import replace

from services.evaluator.evaluations.errors import EvaluationUnfinished
from services.evaluator.evaluations.model import Evaluation, EvaluationSpec, pack_page
from services.evaluator.evaluations.scoring import checked
from services.evaluator.evaluations.store import EvaluationStore
from services.evaluator.evaluations.subjects import Subjects
from shared.auth import Caller
from shared.compute import Compute
from shared.requests import RequestKey
from shared.work.model import State, Work
from shared.work.operations import WorkOperations


class Evaluations:
    """Starts evaluations. works: cancels, retries and deletes them."""

    def __init__(
        self, works: WorkOperations[Evaluation], store: EvaluationStore, subjects: Subjects, compute: Compute
    ) -> None:
        self.works = works
        self._store = store
        self._subjects = subjects
        self._compute = compute

    async def start(self, spec: EvaluationSpec, caller: Caller, key: RequestKey | None) -> Work[Evaluation]:
        """Start to evaluate.

        Raises ExpectationsInvalid, NothingToEvaluate, ConversationNotOver, HouseKeyMissing, PeerUnavailable, what the
        service that has the conversations says, RequestIdReused, ResultDeleted.
        """

        async def make(_: str) -> Evaluation:
            self._subjects.check()
            used = await self._subjects.revisions(caller, spec)
            known = None
            if used:
                known = [await self._subjects.revision(caller, *one) for one in sorted(used)]
            expectations = await self._compute.run(checked, spec.expectations, known, "spec.expectations")
            return Evaluation(replace(spec, expectations=expectations), caller)

        return await self.works.start(caller, key, make)

    async def completed(self, company: str, name: str) -> tuple[Work[Evaluation], list[bytes]]:
        """A completed evaluation with all results, by index, in pages of `pack_page`, which workers read.

        Raises EvaluationNotFound, EvaluationUnfinished.
        """
        work = await self._store.get(company, name)
        if work.state is not State.COMPLETED:
            raise EvaluationUnfinished(name=name, state=work.state)
        # In a thread, because a page takes milliseconds.
        return work, [await asyncio.to_thread(pack_page, page) async for page in self._store.pages(work)]
