"""A request to generate personas that is sent again: it gets what its first sending got."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from weakref import WeakValueDictionary

from services.synthesizer.imports.store import RequestResults
from services.synthesizer.personas.generation.model import Outcome, Rejected, Summary
from services.synthesizer.personas.model import Persona
from services.synthesizer.personas.operations import Personas
from shared.ids import new_id
from shared.model.events import Json, Usage
from shared.requests import RequestKey, first_result


class Repeating:
    """Remembers when a request was first sent, and what came of it once it ended.

    forget: deletes the recorded calls of a generation, by company and the generation's id.
    """

    def __init__(
        self, results: RequestResults, personas: Personas, forget: Callable[[str, str], Awaitable[None]]
    ) -> None:
        self._results = results
        self._personas = personas
        self._forget = forget
        self._running: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, company: str, key: RequestKey) -> AsyncIterator[None]:
        """Wait for the end of the same request in this process: its client may have lost the connection."""
        async with self._running.setdefault((company, key.request_id), asyncio.Lock()):
            yield

    async def begin(self, company: str, key: RequestKey) -> str:
        """The id of the generation, which is the same for every sending. Raises RequestIdReused."""
        return await self._results.settle(company, key, new_id())

    async def ended(self, company: str, key: RequestKey) -> Sequence[Outcome] | None:
        """What the request streamed, if it ended. Raises RequestIdReused, ResultDeleted."""
        found = await self._results.find(company, _end(key))
        return None if found is None else [await self._read(company, key, record) for record in json.loads(found)]

    async def end(self, company: str, key: RequestKey, generation: str, told: Sequence[Outcome]) -> None:
        """Remember all that the request streamed; its recorded calls are needed no more."""
        await self._results.settle(company, _end(key), json.dumps([_record(one) for one in told]))
        await self._forget(company, generation)

    async def _read(self, company: str, key: RequestKey, record: Json) -> Outcome:
        match record:
            case {"persona": name}:
                return await first_result(key, name, self._personas.get(company, name))
            case {"rejected": fields}:
                return Rejected(**fields)
            case _:
                summary = record["summary"]
                return Summary(**{**summary, "usage": Usage(**summary["usage"])})


def persona_key(key: RequestKey | None, number: int) -> RequestKey | None:
    """The key of the number-th persona of a request; None without a request_id."""
    return key and replace(key, method="GeneratePersonas.persona", request_id=f"{key.request_id}/{number}")


def _end(key: RequestKey) -> RequestKey:
    return replace(key, method="GeneratePersonas.end")


def _record(told: Outcome) -> Json:
    match told:
        case Persona():
            return {"persona": told.name}
        case Rejected():
            return {"rejected": asdict(told)}
        case Summary():
            return {"summary": asdict(told)}
