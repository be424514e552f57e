"""Procedures and their revisions."""

from dataclasses import replace

from services.synthesizer.catalog.errors import RevisionInvalid
from services.synthesizer.ports import Clock, ProcedureStore
from services.synthesizer.procedure import Procedure, Revision, RevisionState
from services.synthesizer.procedure_checks import check_revision
from shared.ids import new_id
from shared.requests import RequestKey


class Procedures:
    """What can be done with a company's procedures."""

    def __init__(self, store: ProcedureStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(
        self, company: str, procedure: Procedure, revision: Revision, *, ready: bool, key: RequestKey | None
    ) -> tuple[Procedure, Revision]:
        """Store a procedure under a new name with its first revision.

        Raises RevisionInvalid, ProcedureExternalIdTaken.
        """
        return await self._store.create(company, *first(procedure, self._new(revision, ready=ready)), key)

    async def add_revision(
        self, company: str, procedure: str, revision: Revision, *, ready: bool, key: RequestKey | None
    ) -> Revision:
        """Add a revision with the next number. Raises RevisionInvalid, ProcedureNotFound."""
        added = replace(self._new(revision, ready=ready), procedure=procedure)
        return await self._store.add_revision(company, added, key)

    async def mark_ready(self, company: str, procedure: str, number: int) -> Revision:
        """Make a revision READY; nothing happens to one that is. Raises ProcedureNotFound, RevisionNotFound."""
        return await self._store.mark_ready(company, procedure, number, self._clock())

    async def get(self, company: str, name: str, revision: int) -> tuple[Procedure, Revision]:
        """A procedure and one of its revisions, 0 for the newest. Raises ProcedureNotFound, RevisionNotFound."""
        return await self._store.get(company, name, revision)

    async def page(self, company: str, after: str, limit: int, external_id: str) -> list[Procedure]:
        """Up to limit procedures behind the one with the name after, oldest first."""
        return await self._store.page(company, after, limit, external_id)

    def _new(self, revision: Revision, *, ready: bool) -> Revision:
        violations = check_revision(revision.steps, revision.tools)
        if violations:
            raise RevisionInvalid(violations=violations)
        now = self._clock()
        state = RevisionState.READY if ready else RevisionState.DRAFT
        return replace(revision, state=state, create_time=now, ready_time=now if ready else 0)


def first(procedure: Procedure, revision: Revision) -> tuple[Procedure, Revision]:
    """Both under a new name, the revision as the procedure's first."""
    name = f"procedures/{new_id()}"
    named = replace(
        procedure,
        name=name,
        latest_revision=1,
        latest_ready_revision=1 if revision.state is RevisionState.READY else 0,
        create_time=revision.create_time,
    )
    return named, replace(revision, procedure=name, number=1)
