"""What callers do with generations, patterns and templates."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace

import structlog

from services.enricher.patterns.errors import GenerationTooLarge
from services.enricher.patterns.model import (
    GENERATION,
    TEMPLATE,
    Found,
    Generation,
    GenerationFilter,
    Pattern,
    PatternHints,
    Plan,
    Request,
    Template,
)
from services.enricher.patterns.similarity import digest_of, features
from services.enricher.patterns.store.documents import dump
from services.enricher.patterns.store.generations import GenerationStore
from services.enricher.patterns.store.patterns import PatternStore
from services.enricher.patterns.store.templates import TemplateStore
from shared.auth import Caller
from shared.clock import Clock
from shared.errors import GreenroomError
from shared.ids import new_id
from shared.limits import MIB
from shared.lists import Listed, Part
from shared.requests import RequestKey

_log = structlog.get_logger(__name__)

_FOUND = 10
"""How many patterns a search gives unless told otherwise."""
_HINTS, _QUALITY, _SIMILARITY = 3, 0.7, 0.7
"""How many patterns become hints, and the least quality and similarity of one."""
_GATHER_SECONDS = 1.0
"""How long uses of patterns are gathered before they are written."""
_LARGEST = MIB
"""The most bytes of a generation's request and plan."""


class Patterns:
    """The operations on generations, patterns and templates. seconds: how long `hints` may take; 0 turns them off."""

    def __init__(
        self,
        generations: GenerationStore,
        patterns: PatternStore,
        templates: TemplateStore,
        clock: Clock,
        seconds: float,
    ) -> None:
        self._generations = generations
        self._patterns = patterns
        self._templates = templates
        self._clock = clock
        self._seconds = seconds
        self._uses: Counter[tuple[str, str]] = Counter()
        self._counting: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def record(self, caller: Caller, new: Generation, key: RequestKey | None) -> Generation:
        """Store a generation, and a successful one as a pattern. Raises GenerationTooLarge, RequestIdReused."""
        document = dump(new.request, new.plan or Plan())
        if len(document) > _LARGEST:
            raise GenerationTooLarge(bound="1 MiB", size=f"{len(document):,}")
        named = replace(new, name=GENERATION + new_id(), creator=caller.subject, create_time=self._clock())
        asked = new.request
        return await self._generations.add(caller.company, named, document, digest_of(asked), features(asked), key)

    async def generation(self, company: str, name: str) -> Generation:
        """A generation. Raises GenerationNotFound."""
        return await self._generations.get(company, name)

    async def generations(self, company: str, only: GenerationFilter, part: Part) -> Listed[Generation]:
        """A part of the company's generations, newest first."""
        return await self._generations.page(company, only, part)

    async def delete_generation(self, company: str, name: str) -> None:
        """Delete a generation. Raises GenerationNotFound."""
        await self._generations.delete(company, name)

    async def find(
        self, company: str, request: Request, quality: float, similarity: float, limit: int = 0
    ) -> list[Found]:
        """The patterns most similar to a request, short. limit: 0 for the default."""
        return await self._patterns.similar(company, features(request), quality, similarity, limit or _FOUND)

    async def hints(self, company: str, request: Request) -> PatternHints:
        """The best of the newest patterns of the request's domain and entity, for work that goes on without them.

        Their use is counted. Why none is found is told and not raised.
        """
        if not self._seconds:
            return PatternHints(missing="The setting GREENROOM_KNOWLEDGE_SECONDS is 0, so patterns are not searched.")
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._patterns.similar(
                    company, features(request), _QUALITY, _SIMILARITY, _HINTS, same=True
                )
        except TimeoutError:
            return PatternHints(missing=f"The search in patterns took longer than {self._seconds:g} s.")
        except GreenroomError as error:
            return PatternHints(missing=str(error))
        self._count(company, found)
        return PatternHints(found)

    async def pattern(self, company: str, name: str) -> Pattern:
        """A pattern. Raises PatternNotFound."""
        return await self._patterns.get(company, name)

    async def patterns(self, company: str, domain: str, entity: str, part: Part) -> Listed[Pattern]:
        """A part of the company's patterns, newest first. domain, entity: only theirs; "" for any."""
        return await self._patterns.page(company, domain, entity, part)

    async def delete_pattern(self, company: str, name: str) -> None:
        """Delete a pattern. Raises PatternNotFound."""
        await self._patterns.delete(company, name)

    async def make_template(
        self, caller: Caller, template_id: str, description: str, pattern: str, key: RequestKey | None
    ) -> Template:
        """Make a template of a pattern; it asks what the pattern's request and its template asked.

        Raises PatternNotFound, TemplateNotFound, TemplateExists, RequestIdReused, ResultDeleted.
        """
        if key is not None and (made := await self._templates.made(caller.company, key)) is not None:
            return made
        found = await self._patterns.get(caller.company, pattern)
        plan, request = found.plan or Plan(), found.request
        if request.template:
            request = request.beside((await self._templates.get(caller.company, request.template)).request)
        request = replace(request, shares=plan.shares or request.shares, template="", revision=0)
        template = Template(
            name=TEMPLATE + template_id,
            description=description,
            request=request,
            plan=plan,
            pattern=pattern,
            creator=caller.subject,
            create_time=self._clock(),
        )
        return await self._templates.add(caller.company, template, dump(request, plan), key)

    async def template(self, company: str, name: str) -> Template:
        """A template. Raises TemplateNotFound."""
        return await self._templates.get(company, name)

    async def templates(self, company: str, domain: str, entity: str, part: Part) -> Listed[Template]:
        """A part of the company's templates, newest first. domain, entity: only theirs; "" for any."""
        return await self._templates.page(company, domain, entity, part)

    async def delete_template(self, company: str, name: str) -> None:
        """Delete a template. Raises TemplateNotFound."""
        await self._templates.delete(company, name)

    async def stop(self) -> None:
        """Write the uses that are not counted yet."""
        self._stopping.set()
        if self._counting is not None:
            await self._counting

    def _count(self, company: str, found: list[Found]) -> None:
        """Count the uses after the answer, so that no answer waits for a write; those of a second are one write."""
        self._uses.update((company, one.pattern.name) for one in found)
        if self._uses and (self._counting is None or self._counting.done()):
            self._counting = asyncio.create_task(self._write_uses())

    async def _write_uses(self) -> None:
        while self._uses:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _GATHER_SECONDS)
            uses, self._uses = self._uses, Counter()
            try:
                await self._patterns.used(uses)
            except GreenroomError as error:
                _log.warning("The uses of patterns were not counted.", count=uses.total(), error=str(error))
