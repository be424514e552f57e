"""What callers do with generations."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Protocol

from services.gateway.generations.deadline import Deadline
from services.gateway.generations.errors import TooManyAtOnce
from services.gateway.generations.messages import generated, kept_message, made_message, record_spec, refused_message
from services.gateway.generations.model import MOST_AT_ONCE, Place, Remembered, Wanted
from shared.auth import Caller
from shared.clock import Clock
from shared.errors import FailedPrecondition, InvalidArgument, NotFound, OutOfRange

_SEED_BITS = 32
"""People copy a seed that the service drew."""


class Steps(Protocol):
    """The steps of a generation at other services.

    Each method acts for `who`, and repeats its call until the deadline while a service is away for a moment.
    """

    async def enrich(self, who: Caller, wanted: Wanted, deadline: Deadline) -> Any:
        """The request merged with its domain, an EnrichResponse. Raises what the enricher refuses."""
        ...

    async def make(self, who: Caller, wanted: Wanted, enriched: Any, seed: int, deadline: Deadline) -> Any:
        """The records, checked and scored: the parts of a GenerateTestDataResponse that the generator knows.

        Raises what test data refuses.
        """
        ...

    def stream(
        self, who: Caller, wanted: Wanted, enriched: Any, seed: int, cursor: str, deadline: Deadline
    ) -> AsyncGenerator[Any, None]:
        """The messages with the records, StreamRecordsResponses, after a cursor. Raises what test data refuses."""
        ...

    async def remember(
        self, who: Caller, wanted: Wanted, enriched: Any, outcome: Any, deadline: Deadline
    ) -> Remembered:
        """Store the generation and what it teaches; says why, if that cannot be.

        outcome: what `make` returned, or the error.
        """
        ...


class Answers(Protocol):
    """Serialized answers of requests with use_cache."""

    async def get(self, company: str, digest: str) -> bytes | None:
        """The answer that is kept; None if there is none."""
        ...

    async def keep(self, company: str, digest: str, answer: bytes) -> bytes:
        """Keep an answer; returns the one that is kept."""
        ...


class Generations:
    """Makes test data: enrich, make with checks and scores, remember, answer."""

    def __init__(self, steps: Steps, answers: Answers, clock: Clock) -> None:
        self._steps = steps
        self._answers = answers
        self._clock = clock

    async def generate(self, who: Caller, wanted: Wanted, deadline: Deadline) -> Any:
        """The answer to a request, a GenerateTestDataResponse; what is wrong with the request is an answer too.

        Raises TooManyAtOnce, PeerNeverThere, PeerUnavailable, PeerTimeout, PermissionMissing.
        """
        if wanted.message.count > MOST_AT_ONCE:
            raise TooManyAtOnce(count=f"{wanted.message.count:,}", most=f"{MOST_AT_ONCE:,}")
        if not wanted.use_cache:
            return await self._generate(who, wanted, deadline)
        if (kept := await self._answers.get(who.company, wanted.digest)) is not None:
            return kept_message(wanted, kept)
        answer = await self._generate(who, wanted, deadline)
        if answer.success:
            mine = answer.SerializeToString()
            kept = await self._answers.keep(who.company, wanted.digest, mine)
            if kept != mine:
                return kept_message(wanted, kept)
        return answer

    async def stream(
        self, who: Caller, wanted: Wanted, place: Place, deadline: Deadline
    ) -> AsyncGenerator[tuple[Any, Place], None]:
        """The messages with the records (StreamRecordsResponses) after a place, each with the place after it.

        The last message is what GenerateTestData answers. Raises what the enricher and test data refuse, too.
        """
        if not place.cursor:
            place = Place(seed=self._seed(wanted), revision=wanted.message.revision)
        wanted.message.revision = place.revision
        enriched = await self._steps.enrich(who, wanted, deadline)
        place = replace(place, revision=enriched.metadata.revision)
        last = None
        messages = self._steps.stream(who, wanted, enriched, place.seed, place.cursor, deadline)
        async with aclosing(messages):
            async for message in messages:
                place = replace(place, cursor=message.cursor, sent=place.sent + message.record_count)
                last = message
                yield message, place
        assert last is not None, "a stream has a last message"
        made = generated(record_spec(wanted.message, enriched, place.seed), enriched, last)
        made.record_count = place.sent
        remembered = await self._steps.remember(who, wanted, enriched, made, deadline)
        yield made_message(wanted, enriched, made, remembered, self._clock()), place

    async def _generate(self, who: Caller, wanted: Wanted, deadline: Deadline) -> Any:
        enriched = None
        try:
            enriched = await self._steps.enrich(who, wanted, deadline)
            made = await self._steps.make(who, wanted, enriched, self._seed(wanted), deadline)
        except (NotFound, InvalidArgument, FailedPrecondition, OutOfRange) as error:
            remembered = await self._steps.remember(who, wanted, enriched, error, deadline)
            return refused_message(wanted, enriched, error, remembered, self._clock())
        remembered = await self._steps.remember(who, wanted, enriched, made, deadline)
        return made_message(wanted, enriched, made, remembered, self._clock())

    def _seed(self, wanted: Wanted) -> int:
        return wanted.message.seed if wanted.message.HasField("seed") else secrets.randbits(_SEED_BITS)
