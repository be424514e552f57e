"""What callers do with rehearsals."""

from typing import Any

from services.gateway.rehearsals.children import Children
from services.gateway.rehearsals.errors import NothingFailed
from services.gateway.rehearsals.messages import has_judge, has_records, playing_again, sides_of, with_rule
from services.gateway.rehearsals.model import UNSTARTED, Phase, Rehearsal
from shared.auth import Caller
from shared.requests import RequestKey
from shared.work.model import State, Work
from shared.work.operations import WorkOperations
from shared.work.store import WorkStore

NEEDED = (
    *("batches.read", "batches.write", "evaluations.read", "evaluations.write", "reports.read", "reports.write"),
    "procedures.read",
)
"""The permissions that the services ask of who starts a rehearsal."""
NEEDED_FOR_RECORDS = ("domains.read", "records.read", "resources.read", "resources.write")
"""Those that they ask for records, too."""
NEEDED_FOR_JUDGE = ("rubrics.read", "judgements.read", "judgements.write")
"""Those that they ask for a judge, too."""


class Rehearsals:
    """Starts, cancels, retries and deletes rehearsals, together with what they have started."""

    def __init__(
        self,
        works: WorkOperations[Rehearsal],
        store: WorkStore[Rehearsal],
        children: Children,
    ) -> None:
        self._works = works
        self._store = store
        self._children = children

    async def start(self, spec: bytes, failed_of: str, caller: Caller, key: RequestKey | None) -> Work[Rehearsal]:
        """Start a rehearsal.

        failed_of: the rehearsal whose conversations are played again that failed or did not pass; "" for none.

        Raises what StartBatch and StartEvaluation refuse, PermissionMissing, BaselineUnlike, RequestIdReused,
        ResultDeleted.
        """

        async def make(_: str) -> Rehearsal:
            records, judge = has_records(spec), has_judge(spec)
            more = (*(NEEDED_FOR_RECORDS if records else ()), *(NEEDED_FOR_JUDGE if judge else ()))
            for permission in (*NEEDED, *more):
                caller.require(permission)
            played = await self._played(spec, failed_of, caller)
            played = with_rule(await self._children.settled(caller, played))
            await self._children.check(caller, played)
            return Rehearsal(played, caller, sides_of(played), Phase.RECORDS if records else Phase.STARTING)

        return await self._works.start(caller, key, make)

    async def _played(self, spec: bytes, failed_of: str, caller: Caller) -> bytes:
        """The spec that plays again what did not pass, or what a given baseline has played; else the spec.

        Raises RehearsalNotFound, NothingFailed, BaselineUnlike.
        """
        if not failed_of:
            given = next((side.batch for side in sides_of(spec) if side.given), "")
            return playing_again(spec, given, await self._children.played(caller, spec, given)) if given else spec
        side = (await self._store.get(caller.company, failed_of)).body.sides[0]
        indexes = await self._children.not_passed(caller, side)
        if not indexes:
            raise NothingFailed(name=failed_of)
        return playing_again(spec, side.batch, indexes)

    async def cancel(self, caller: Caller, name: str) -> Work[Rehearsal]:
        """Cancel a rehearsal; one that is CANCELLED is returned as it is. Raises RehearsalNotFound, RehearsalOver."""
        work = await self._works.cancel(caller.company, name)
        if work.state is State.CANCELLED:
            # No job had taken it up, so none cancels what it started before a retry.
            for side in work.body.sides:
                if side.batch:
                    await self._children.cancel(caller, side)
        return work

    async def retry(self, caller: Caller, name: str) -> Work[Rehearsal]:
        """Continue a FAILED rehearsal, or resume the failed conversations of a COMPLETED one, if it has any.

        Raises RehearsalNotFound, RehearsalNotRetriable.
        """
        work = await self._store.get(caller.company, name)
        rehearsal = work.body
        changes: dict[str, Any] = {"attempt": rehearsal.attempt + 1, "resumed": rehearsal.phase in UNSTARTED}
        if work.state is State.COMPLETED:
            played = [side for side in rehearsal.sides if not side.given]
            if not any([await self._children.failed(caller, side.batch) for side in played]):
                return work
            changes |= {"phase": Phase.GENERATING, "report": ""}
        return await self._works.retry(caller.company, name, **changes)

    async def delete(self, caller: Caller, name: str) -> None:
        """Delete a rehearsal that is over, with what it has started. Raises RehearsalNotFound, RehearsalNotOver."""
        work = await self._store.get(caller.company, name)
        if work.state.over:
            await self._children.delete(caller, work.body.sides, work.body.resources)
        await self._works.delete(caller.company, name)
