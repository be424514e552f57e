"""What the domain's active parts need of the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.synthesizer.catalog.records import NewProcedure, NewSource, Stored
from services.synthesizer.persona import Persona
from services.synthesizer.procedure import Procedure, Revision
from services.synthesizer.source import Source, SourceConversation
from shared.model.events import Event, Resource
from shared.requests import RequestKey

Clock = Callable[[], int]
"""The wall clock, in Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class SourceFilter:
    """Which sources; empty fields do not narrow. procedure: a name. finished: only finished ones."""

    format: str = ""
    procedure: str = ""
    external_id: str = ""
    finished: bool = False


class PersonaStore(Protocol):
    """A company's own personas."""

    async def create(self, company: str, persona: Persona, key: RequestKey | None) -> Persona:
        """Store it, or return what the same request stored before. Raises RequestIdReused, ResultDeleted."""
        ...

    async def get(self, company: str, name: str) -> Persona:
        """Raises PersonaNotFound."""
        ...

    async def page(self, company: str, after: str, limit: int) -> list[Persona]:
        """Up to limit, oldest first, behind the one with the name after; "" for the beginning."""
        ...

    async def update(self, company: str, name: str, change: Callable[[Persona], Persona]) -> Persona:
        """Store what change makes of it, with nobody else's change in between. Raises PersonaNotFound."""
        ...

    async def delete(self, company: str, name: str) -> None:
        """Raises PersonaNotFound, StillReferredTo."""
        ...


class ProcedureStore(Protocol):
    """A company's procedures and their revisions."""

    async def create(
        self, company: str, procedure: Procedure, revision: Revision, key: RequestKey | None
    ) -> tuple[Procedure, Revision]:
        """Store both, or return what the same request stored before. Raises ProcedureExternalIdTaken."""
        ...

    async def add_revision(self, company: str, revision: Revision, key: RequestKey | None) -> Revision:
        """Store it with the next number, or return what the same request stored. Raises ProcedureNotFound."""
        ...

    async def mark_ready(self, company: str, procedure: str, number: int, time: int) -> Revision:
        """Raises ProcedureNotFound, RevisionNotFound."""
        ...

    async def get(self, company: str, name: str, revision: int) -> tuple[Procedure, Revision]:
        """A procedure and one of its revisions, 0 for the newest. Raises ProcedureNotFound, RevisionNotFound."""
        ...

    async def page(self, company: str, after: str, limit: int, external_id: str) -> list[Procedure]:
        """Up to limit, oldest first, behind the one with the name after; "" for the beginning."""
        ...

    async def add(self, company: str, new: Sequence[NewProcedure]) -> list[Stored]:
        """Store imported procedures in one transaction; how each of them fared, in their order."""
        ...


class SourceStore(Protocol):
    """A company's source conversations."""

    async def add(self, company: str, new: Sequence[NewSource], time: int) -> list[Stored]:
        """Store imported sources in one transaction; how each of them fared, in their order."""
        ...

    async def get(self, company: str, name: str) -> Source:
        """Raises SourceNotFound."""
        ...

    async def load(self, company: str, name: str) -> SourceConversation:
        """The source with its content. Raises SourceNotFound."""
        ...

    async def summaries(self, company: str, names: Sequence[str]) -> list[Source]:
        """The sources of these names, in their order, without their content. Raises SourceNotFound."""
        ...

    async def contents(self, company: str, names: Sequence[str]) -> list[SourceConversation]:
        """The sources of these names, in their order. Raises SourceNotFound."""
        ...

    async def page(self, company: str, after: str, limit: int, which: SourceFilter) -> list[Source]:
        """Up to limit, oldest first, behind the one with the name after; "" for the beginning."""
        ...

    async def events(self, company: str, name: str, after: int, limit: int) -> list[Event]:
        """Up to limit events behind seq after. Raises SourceNotFound."""
        ...

    async def resources(self, company: str, name: str) -> list[Resource]:
        """Raises SourceNotFound."""
        ...

    async def delete(self, company: str, name: str) -> None:
        """Raises SourceNotFound, StillReferredTo."""
        ...


class ResultStore(Protocol):
    """What calls that make no single resource came to, kept for when they are sent again."""

    async def known(self, company: str, method: str, request_id: str) -> bool:
        """Whether the request was carried out before."""
        ...

    async def settle(self, company: str, key: RequestKey, result: str) -> str:
        """Keep the result and return it; the first one's if the same request was carried out before.

        Raises RequestIdReused if its content was another then.
        """
        ...
