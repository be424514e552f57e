"""What callers do with reports."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from services.evaluator.evaluations.operations import Evaluations
from services.evaluator.reports.build import build_stored
from services.evaluator.reports.judged import JudgedCriterion
from services.evaluator.reports.model import PREFIX, Report, ReportSpec
from services.evaluator.reports.rendering import FORMATS
from services.evaluator.reports.rendering.page.examples import SHOWN
from services.evaluator.reports.results import StoredResults
from services.evaluator.reports.store import ReportStore
from services.evaluator.reports.transcripts import Line
from shared.auth import Caller
from shared.clock import Clock
from shared.compute import Compute
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.requests import RequestKey

ReadLines = Callable[[Caller, str], Awaitable[list[Line] | None]]
"""Reads the transcript of a conversation for a caller: (caller, name); None if it is gone."""


ReadCriteria = Callable[[str, Sequence[str]], Awaitable[tuple[JudgedCriterion, ...]]]
"""Reads what a judge says of the sides: (company, the judgement of each side)."""


class Reports:
    """Builds, reads, renders and deletes reports."""

    def __init__(
        self,
        store: ReportStore,
        evaluations: Evaluations,
        criteria: ReadCriteria,
        lines: ReadLines,
        compute: Compute,
        clock: Clock,
    ) -> None:
        self._store = store
        self._evaluations = evaluations
        self._criteria = criteria
        self._lines = lines
        self._compute = compute
        self._clock = clock

    async def build(self, spec: ReportSpec, caller: Caller, key: RequestKey | None) -> Report:
        """Compute and store a report, or return the one that the same request made.

        Raises EvaluationNotFound, EvaluationUnfinished, JudgementNotFound, JudgementUnfinished, JudgesDiffer,
        NotComparable, RequestIdReused, ResultDeleted.
        """
        company = caller.company
        if key is not None and (before := await self._store.made_before(company, key)) is not None:
            return before
        judged = await self._evaluated(company, spec.evaluation)
        baseline = await self._evaluated(company, spec.baseline) if spec.baseline else None
        judgements = [name for name in (spec.judgement, spec.baseline_judgement) if name]
        criteria = await self._criteria(company, judgements) if judgements else ()
        report = await self._compute.run(build_stored, spec, judged, baseline, criteria)
        named = replace(report, name=PREFIX + new_id(), create_time=self._clock(), creator=caller.subject)
        return await self._store.create(company, named, key)

    async def _evaluated(self, company: str, name: str) -> StoredResults:
        work, pages = await self._evaluations.completed(company, name)
        return StoredResults(name, work.body.spec.batch, pages)

    async def get(self, company: str, name: str) -> Report:
        """The report. Raises ReportNotFound."""
        return await self._store.get(company, name)

    async def page(self, company: str, part: Part, evaluation: str) -> Listed[Report]:
        """A part of the company's reports, newest first. evaluation: either side; "" for all."""
        return await self._store.page(company, part, evaluation)

    async def delete(self, company: str, name: str) -> None:
        """Delete a report. Raises ReportNotFound."""
        await self._store.delete(company, name)

    async def render(self, report: Report, file_format: str, caller: Caller) -> str:
        """The report as a file; a key of FORMATS. Raises PeerUnavailable if transcripts cannot be read now."""
        examples = report.examples[:SHOWN] if file_format == "HTML" else ()
        shown = dict.fromkeys(name for one in examples for name in (one.conversation, one.baseline) if name)
        transcripts = {name: await self._lines(caller, name) for name in shown}
        found = {name: lines for name, lines in transcripts.items() if lines is not None}
        return await self._compute.run(FORMATS[file_format], report, found)
