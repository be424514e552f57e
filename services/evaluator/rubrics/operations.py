"""Rubrics and their revisions."""

from collections.abc import Callable

from services.evaluator.rubrics.model import PREFIX, Content, Revision, RevisionState, Rubric
from services.evaluator.rubrics.store import RubricStore
from shared.clock import Clock
from shared.compute import Compute
from shared.ids import new_id
from shared.lists import Listed, Part
from shared.requests import RequestKey


class Rubrics:
    """Creates, reads, changes and deletes a company's rubrics. read: runs in another process."""

    def __init__(
        self, store: RubricStore, compute: Compute, *, read: Callable[[bytes, str], Content], clock: Clock
    ) -> None:
        self._store = store
        self._compute = compute
        self._read = read
        self._clock = clock

    async def create(
        self, company: str, file: tuple[bytes, str], external_id: str, *, ready: bool, key: RequestKey | None
    ) -> tuple[Rubric, Revision]:
        """Store a rubric under a new name with its first revision. file: its bytes and name.

        Raises BadYaml, RubricInvalid, RubricExternalIdTaken.
        """
        revision = await self._new(f"{PREFIX}{new_id()}", file, ready=ready)
        rubric = Rubric(
            name=revision.rubric,
            display_name=revision.content.display_name,
            description=revision.content.description,
            external_id=external_id,
            latest_revision=1,
            latest_ready_revision=1 if ready else 0,
            create_time=revision.create_time,
        )
        return await self._store.create(company, rubric, revision, key)

    async def add_revision(
        self, company: str, rubric: str, file: tuple[bytes, str], *, ready: bool, key: RequestKey | None
    ) -> Revision:
        """Add a revision with the next number. Raises BadYaml, RubricInvalid, RubricNotFound."""
        return await self._store.add_revision(company, await self._new(rubric, file, ready=ready), key)

    async def update_revision(self, company: str, rubric: str, number: int, file: tuple[bytes, str]) -> Revision:
        """Replace the content of a DRAFT.

        Raises BadYaml, RubricInvalid, RubricNotFound, RubricRevisionNotFound, RubricRevisionReady.
        """
        content = await self._content(file)
        return await self._store.update_revision(company, Revision(rubric, number, RevisionState.DRAFT, content))

    async def mark_ready(self, company: str, rubric: str, number: int) -> Revision:
        """Make a revision READY, if it is not. Raises RubricNotFound, RubricRevisionNotFound."""
        return await self._store.mark_ready(company, rubric, number, self._clock())

    async def get(self, company: str, name: str, revision: int) -> tuple[Rubric, Revision]:
        """A rubric and one of its revisions, 0 for the newest. Raises RubricNotFound, RubricRevisionNotFound."""
        return await self._store.get(company, name, revision)

    async def delete_revision(self, company: str, rubric: str, number: int) -> None:
        """Delete a revision. Raises RubricNotFound, RubricRevisionNotFound, OnlyRubricRevision."""
        await self._store.delete_revision(company, rubric, number)

    async def delete(self, company: str, name: str) -> None:
        """Delete a rubric with its revisions. Raises RubricNotFound."""
        await self._store.delete(company, name)

    async def page(self, company: str, part: Part, external_id: str) -> Listed[Rubric]:
        """A part of the rubrics, newest first."""
        return await self._store.page(company, part, external_id)

    async def _new(self, rubric: str, file: tuple[bytes, str], *, ready: bool) -> Revision:
        content, now = await self._content(file), self._clock()
        state = RevisionState.READY if ready else RevisionState.DRAFT
        return Revision(rubric, 1, state, content, create_time=now, ready_time=now if ready else 0)

    async def _content(self, file: tuple[bytes, str]) -> Content:
        content, name = file
        return await self._compute.run(self._read, content, name or "rubric.yaml", reads=len(content))
