"""Imports of personas."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from services.synthesizer.imports.lines import Lines
from services.synthesizer.imports.model import Header, Problem, Stored, Summary
from services.synthesizer.imports.operations import Chunks, Imports
from services.synthesizer.personas.model import NewPersona
from services.synthesizer.personas.store import PREFIX, PersonaStore
from shared.clock import Clock
from shared.ids import new_id


class PersonaFiles:
    """Reads personas from files. parse runs in another process."""

    def __init__(
        self,
        store: PersonaStore,
        imports: Imports,
        *,
        parse: Callable[[str, Lines], list[NewPersona | Problem]],
        clock: Clock,
    ) -> None:
        self._store = store
        self._imports = imports
        self._parse = parse
        self._clock = clock

    async def read(self, company: str, header: Header, data: Chunks) -> Summary:
        """Import personas. Raises UnknownFormat, RequestIdReused."""
        read = partial(self._imports.by_lines, header.format, self._parse)
        return await self._imports.run(company, "ImportPersonas", header, data, read, partial(self._add, company))

    async def _add(self, company: str, new: Sequence[NewPersona]) -> list[Stored]:
        return await self._store.add(company, [self._named(one) for one in new])

    def _named(self, new: NewPersona) -> NewPersona:
        now = self._clock()
        named = replace(new.persona, name=f"{PREFIX}{new_id()}", create_time=now, update_time=now)
        return replace(new, persona=named)
