"""What callers do with calibrations."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from services.evaluator.calibrations.errors import CalibrationUnfinished, PeopleNotSaid, PeopleUnknown
from services.evaluator.calibrations.jobs import subject_of
from services.evaluator.calibrations.model import Calibration, CalibrationSpec, Finding
from services.evaluator.calibrations.rendering import FORMATS
from services.evaluator.evaluations.subjects import Subjects
from shared.auth import Caller
from shared.compute import Compute
from shared.requests import RequestKey
from shared.work.model import State, Work
from shared.work.operations import WorkOperations
from shared.work.store import WorkStore

PeopleOf = Callable[[Caller, str], Awaitable[Mapping[str, Any] | None]]
"""The filter of the sources that a batch starts from: (caller, batch); None if it cannot be told."""


class Calibrations:
    """Starts and renders calibrations. works: cancels, retries and deletes them."""

    def __init__(
        self,
        works: WorkOperations[Calibration],
        store: WorkStore[Calibration],
        subjects: Subjects,
        people_of: PeopleOf,
        compute: Compute,
    ) -> None:
        self.works = works
        self._store = store
        self._subjects = subjects
        self._people_of = people_of
        self._compute = compute

    async def start(self, spec: CalibrationSpec, caller: Caller, key: RequestKey | None) -> Work[Calibration]:
        """Start to measure and compare.

        Raises PeopleNotSaid, PeopleUnknown, NothingToEvaluate, ConversationNotOver, HouseKeyMissing, PeerUnavailable,
        what the service that has the conversations says, RequestIdReused, ResultDeleted.
        """

        async def make(_: str) -> Calibration:
            self._subjects.check()
            body = Calibration(await self._with_people(spec, caller), caller)
            for each in (body, replace(body, reads_people=True)):
                await self._subjects.revisions(caller, subject_of(each))
            return body

        return await self.works.start(caller, key, make)

    async def _with_people(self, spec: CalibrationSpec, caller: Caller) -> CalibrationSpec:
        if spec.people is not None:
            return spec
        if not spec.batch:
            raise PeopleNotSaid
        people = await self._people_of(caller, spec.batch)
        if people is None:
            raise PeopleUnknown(batch=spec.batch)
        return replace(spec, people=people)

    async def render(self, company: str, name: str, file_format: str) -> str:
        """A completed calibration as a file; a key of FORMATS. Raises CalibrationNotFound, CalibrationUnfinished."""
        work = await self._store.get(company, name)
        body = work.body
        if work.state is not State.COMPLETED or body.result is None:
            raise CalibrationUnfinished(name=name, state=work.state)
        found = Finding(name, body.spec, body.result, body.left_out, work.creator, work.create_time)
        return await self._compute.run(FORMATS[file_format], found)
