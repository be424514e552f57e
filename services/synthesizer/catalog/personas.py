"""Personas: the built-in ones, which are read-only, and a company's own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from services.synthesizer.catalog.errors import PersonaBuiltIn
from services.synthesizer.persona import Persona
from services.synthesizer.ports import Clock, PersonaStore
from shared.errors import InvalidArgument, Violation
from shared.ids import new_id
from shared.requests import RequestKey

NAME = re.compile(r"personas/[a-z0-9-]{1,64}")


class Personas:
    """What can be done with a company's personas.

    built_in: by name, in the order in which they are listed.
    """

    def __init__(self, store: PersonaStore, built_in: Mapping[str, Persona], clock: Clock) -> None:
        self._store = store
        self._built_in = built_in
        self._clock = clock

    async def create(self, company: str, persona: Persona, key: RequestKey | None) -> Persona:
        """Store a persona under a new name. Raises InvalidArgument."""
        _check(persona)
        now = self._clock()
        named = replace(persona, name=f"personas/{new_id()}", built_in=False, create_time=now, update_time=now)
        return await self._store.create(company, named, key)

    def built_in(self) -> list[str]:
        """The names of the built-in ones, in the order in which they are listed."""
        return list(self._built_in)

    async def get(self, company: str, name: str) -> Persona:
        """The persona, built in or the company's own. Raises PersonaNotFound."""
        return self._built_in.get(name) or await self._store.get(company, name)

    async def page(self, company: str, after: str, limit: int) -> list[Persona]:
        """Up to limit personas behind the one with the name after: the built-in ones, then the company's own."""
        names = list(self._built_in)
        if after and after not in self._built_in:
            return await self._store.page(company, after, limit)
        start = names.index(after) + 1 if after else 0
        built_in = [self._built_in[name] for name in names[start : start + limit]]
        return built_in + await self._store.page(company, "", limit - len(built_in))

    async def update(self, company: str, name: str, change: Callable[[Persona], Persona]) -> Persona:
        """Replace a persona by what change makes of it; its name and the time of its creation stay.

        Raises InvalidArgument, PersonaNotFound, PersonaBuiltIn.
        """
        if not NAME.fullmatch(name):
            raise InvalidArgument(violations=[Violation("persona.name", "Must have the form `personas/{persona}`.")])
        if name in self._built_in:
            raise PersonaBuiltIn(name=name)
        now = self._clock()

        def changed(persona: Persona) -> Persona:
            after = change(persona)
            _check(after)
            return replace(after, name=name, built_in=False, create_time=persona.create_time, update_time=now)

        return await self._store.update(company, name, changed)

    async def delete(self, company: str, name: str) -> None:
        """Raises PersonaNotFound, PersonaBuiltIn, StillReferredTo."""
        if name in self._built_in:
            raise PersonaBuiltIn(name=name)
        await self._store.delete(company, name)


def _check(persona: Persona) -> None:
    if not persona.display_name.strip():
        raise InvalidArgument(violations=[Violation("persona.display_name", "Must say what people call the persona.")])
