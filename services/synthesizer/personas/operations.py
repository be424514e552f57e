"""Personas: the built-in ones, which are read-only, and a company's own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from services.synthesizer.personas.errors import PersonaBuiltIn
from services.synthesizer.personas.model import Persona
from services.synthesizer.personas.store import PREFIX, PersonaStore
from shared.clock import Clock
from shared.errors import InvalidArgument, Violation
from shared.ids import new_id
from shared.lists import Listed, Part, built_in_first
from shared.model.expectations import check_expectations, read_expectations
from shared.requests import RequestKey

NAME = re.compile(r"personas/[a-z0-9-]{1,64}")


class Personas:
    """Creates, reads, changes and deletes a company's personas.

    built_in: the built-in personas by name, in the order of lists.
    """

    def __init__(self, store: PersonaStore, built_in: Mapping[str, Persona], clock: Clock) -> None:
        self._store = store
        self._built_in = built_in
        self._by_id = {name.removeprefix(PREFIX): one for name, one in built_in.items()}
        self._clock = clock

    async def create(self, company: str, persona: Persona, key: RequestKey | None) -> Persona:
        """Store a persona under a new name; its origin is kept. Raises InvalidArgument."""
        _check(persona)
        now = self._clock()
        named = replace(persona, name=f"personas/{new_id()}", built_in=False, create_time=now, update_time=now)
        return await self._store.create(company, named, key)

    def built_in(self) -> list[Persona]:
        """The built-in personas, in the order of lists."""
        return list(self._built_in.values())

    async def get(self, company: str, name: str) -> Persona:
        """The persona, a built-in one included. Raises PersonaNotFound."""
        return self._built_in.get(name) or await self._store.get(company, name)

    async def page(self, company: str, part: Part) -> Listed[Persona]:
        """A part of the list of the built-in personas and then the company's own, newest first."""
        return await built_in_first(self._by_id, part, partial(self._store.page, company))

    async def update(self, company: str, name: str, change: Callable[[Persona], Persona]) -> Persona:
        """Replace a persona by the result of `change`, with the same name and create time.

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
            return replace(
                after,
                name=name,
                built_in=False,
                origin=persona.origin,
                create_time=persona.create_time,
                update_time=now,
            )

        return await self._store.update(company, name, changed)

    async def delete(self, company: str, name: str) -> None:
        """Delete one of the company's personas. Raises PersonaNotFound, PersonaBuiltIn, StillReferredTo."""
        if name in self._built_in:
            raise PersonaBuiltIn(name=name)
        await self._store.delete(company, name)


def _check(persona: Persona) -> None:
    if not persona.display_name.strip():
        raise InvalidArgument(violations=[Violation("persona.display_name", "Must say what people call the persona.")])
    # Any procedure may be played with it, so its tools are not known here.
    check_expectations(read_expectations(persona.expectations), None, "persona.expectations")
