"""Procedures and their revisions."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from services.synthesizer.procedures.checks import check_revision
from services.synthesizer.procedures.errors import RevisionInvalid
from services.synthesizer.procedures.model import Domain, Procedure, Revision, RevisionState
from services.synthesizer.procedures.store import ProcedureStore
from shared.auth import Caller
from shared.clock import Clock
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.requests import RequestKey

ReadDomain = Callable[[Caller, Domain], Awaitable[Domain]]
"""(who names the domain, the domain) → it with what it says; raises what the enricher says, and PeerUnavailable."""


class Procedures:
    """Creates, reads, changes and deletes a company's procedures."""

    def __init__(self, store: ProcedureStore, read_domain: ReadDomain, clock: Clock) -> None:
        self._store = store
        self._read_domain = read_domain
        self._clock = clock

    async def create(
        self, caller: Caller, procedure: Procedure, revision: Revision, *, ready: bool, key: RequestKey | None
    ) -> tuple[Procedure, Revision]:
        """Store a procedure under a new name with its first revision.

        Raises RevisionInvalid, ProcedureExternalIdTaken, what ReadDomain does.
        """
        new = await self._with_domain(caller, self._new(revision, ready=ready), key)
        return await self._store.create(caller.company, *first(procedure, new), key)

    async def add_revision(
        self, caller: Caller, procedure: str, revision: Revision, *, ready: bool, key: RequestKey | None
    ) -> Revision:
        """Add a revision with the next number. Raises RevisionInvalid, ProcedureNotFound, what ReadDomain does."""
        added = await self._with_domain(caller, self._new(revision, ready=ready), key)
        return await self._store.add_revision(caller.company, replace(added, procedure=procedure), key)

    async def update_revision(self, caller: Caller, procedure: str, number: int, revision: Revision) -> Revision:
        """Replace the content of a DRAFT.

        Raises RevisionInvalid, ProcedureNotFound, RevisionNotFound, RevisionReady, what ReadDomain does.
        """
        _check(revision)
        updated = await self._with_domain(caller, replace(revision, procedure=procedure, number=number), None)
        return await self._store.update_revision(caller.company, updated)

    async def mark_ready(self, company: str, procedure: str, number: int) -> Revision:
        """Make a revision READY, if it is not. Raises ProcedureNotFound, RevisionNotFound."""
        return await self._store.mark_ready(company, procedure, number, self._clock())

    async def get(self, company: str, name: str, revision: int) -> tuple[Procedure, Revision]:
        """A procedure and one of its revisions, 0 for the newest. Raises ProcedureNotFound, RevisionNotFound."""
        return await self._store.get(company, name, revision)

    async def delete_revision(self, company: str, procedure: str, number: int) -> None:
        """Delete a revision. Raises ProcedureNotFound, RevisionNotFound, OnlyRevision, StillReferredTo."""
        await self._store.delete_revision(company, procedure, number)

    async def delete(self, company: str, name: str) -> None:
        """Delete a procedure with its revisions. Raises ProcedureNotFound, StillReferredTo."""
        await self._store.delete(company, name)

    async def page(self, company: str, part: Part, external_id: str) -> Listed[Procedure]:
        """A part of the procedures, newest first."""
        return await self._store.page(company, part, external_id)

    async def _with_domain(self, caller: Caller, revision: Revision, key: RequestKey | None) -> Revision:
        """The revision with what its domain says. A request that is sent again gets its first result, so reads none."""
        if revision.domain is None or (key is not None and await self._store.earlier(caller.company, key)):
            return revision
        return replace(revision, domain=await self._read_domain(caller, revision.domain))

    def _new(self, revision: Revision, *, ready: bool) -> Revision:
        _check(revision)
        now = self._clock()
        state = RevisionState.READY if ready else RevisionState.DRAFT
        return replace(revision, state=state, create_time=now, ready_time=now if ready else 0)


def _check(revision: Revision) -> None:
    if violations := check_revision(revision.steps, revision.tools, revision.expectations):
        raise RevisionInvalid(violations=violations)


def first(procedure: Procedure, revision: Revision) -> tuple[Procedure, Revision]:
    """The procedure under a new name, with its first revision."""
    name = f"procedures/{new_id()}"
    named = replace(
        procedure,
        name=name,
        latest_revision=1,
        latest_ready_revision=1 if revision.state is RevisionState.READY else 0,
        create_time=revision.create_time,
    )
    return named, replace(revision, procedure=name, number=1)
