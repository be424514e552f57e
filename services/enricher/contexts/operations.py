"""What callers do with contexts: build one, and merge a request with its domain."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar, TypeVarTuple

from services.enricher.contexts.building import build_context
from services.enricher.contexts.enriching import merge_request
from services.enricher.contexts.errors import EntityNotNamed
from services.enricher.contexts.model import THE_REQUEST, Context, Enriched, Found, Layer, UsedPattern, Wanted
from services.enricher.contexts.telling import tell_pattern
from services.enricher.domains.operations import Domains
from services.enricher.knowledge.model import Hints
from services.enricher.knowledge.operations import Knowledge
from services.enricher.patterns.errors import TemplateOfOther
from services.enricher.patterns.model import Request, Template
from services.enricher.patterns.operations import Patterns
from shared.compute import Compute
from shared.lru import LruCache
from shared.model.packs.model import Pack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_KEPT_CHARACTERS = 16 << 20
"""The most characters of the texts of contexts that are kept."""
_PASSAGES = 5
"""The most passages of documents that enter a context."""
_LARGE = 1_000
"""Packs with more fields and values than this are read in another process; others take a few milliseconds."""


class Contexts:
    """The operations on contexts. Contexts of a revision never change, so they are kept in memory."""

    def __init__(self, domains: Domains, knowledge: Knowledge, patterns: Patterns, compute: Compute) -> None:
        self._domains = domains
        self._knowledge = knowledge
        self._patterns = patterns
        self._compute = compute
        self._kept = LruCache[tuple[str, str, int, Wanted], Context](_KEPT_CHARACTERS)

    async def build(self, company: str, domain: str, revision: int, wanted: Wanted) -> Found:
        """The context of a part of a domain, and what documents say. revision: 0 for the newest READY one.

        Raises DomainNotFound, DomainRevisionNotFound, EntityNotFound, WorkflowNotFound, ScenarioNotFound,
        ConstraintsContradict.
        """
        context = await self._context(domain, *await self._domains.pack(company, domain, revision), wanted)
        words = (wanted.entity, wanted.workflow, wanted.scenario)
        return Found(context, await self._documents(company, domain, words))

    async def enrich(self, company: str, request: Request) -> Enriched:
        """Merge a request with its template and its domain.

        Raises TemplateNotFound, TemplateOfOther, EntityNotNamed, what `build` raises, ConstraintInvalid,
        ConstraintsContradict.
        """
        layers = [Layer(request, THE_REQUEST)]
        if request.template:
            template = await self._patterns.template(company, request.template)
            own, request = request, _beside(request, template)
            layers = [
                Layer(template.request, f"the template {template.name}"),
                Layer(replace(own, domain=request.domain), THE_REQUEST),
            ]
        number, digest, pack = await self._domains.pack(company, request.domain, request.revision)
        wanted = Wanted(request.entity, request.workflow, "", request.edge_cases)
        context = await self._context(request.domain, number, digest, pack, wanted)
        if context.entity is None:
            raise EntityNotNamed(domain=request.domain)
        merged = await self._run(pack, merge_request, pack, context.entity, context.scenarios, layers)
        words = (request.entity, request.workflow, request.context, *request.hints)
        documents, patterns = await asyncio.gather(
            self._documents(company, request.domain, words), self._patterns.hints(company, request)
        )
        used = [
            UsedPattern(one.pattern.name, one.similarity, one.pattern.quality, tell_pattern(one.pattern))
            for one in patterns.found
        ]
        return Enriched(
            found=Found(context, documents),
            digest=digest,
            hints=(*context.hints, *request.hints, *(one.hint for one in used)),
            merged=merged,
            patterns=used,
            patterns_missing=patterns.missing,
            template=request.template,
        )

    async def _documents(self, company: str, domain: str, words: Iterable[str]) -> Hints:
        """What documents about the domain, or about none, say to these words."""
        query = " ".join(filter(None, words))
        if not query:
            return Hints()
        found = await self._knowledge.hints(company, query)
        about = [one for one in found.matches if one.document.domain in ("", domain)]
        return replace(found, matches=about[:_PASSAGES])

    async def _context(self, domain: str, number: int, digest: str, pack: Pack, wanted: Wanted) -> Context:
        key = (domain, digest, number, wanted)
        context = self._kept.get(key)
        if context is None:
            context = await self._run(pack, build_context, pack, domain, number, wanted)
            self._kept.put(key, context, len(context.text))
        return context

    async def _run(self, pack: Pack, function: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """The result of a function that reads the pack, without holding the event loop for long."""
        size = sum(1 + len(field.values) for entity in pack.entities for field in entity.fields)
        return await self._compute.run(function, *arguments) if size > _LARGE else function(*arguments)


def _beside(request: Request, template: Template) -> Request:
    """What the request and its template ask together. Raises TemplateOfOther."""
    asked = template.request
    if request.domain not in ("", asked.domain) or request.entity not in ("", asked.entity):
        raise TemplateOfOther(name=template.name, entity=asked.entity, domain=asked.domain)
    return request.beside(asked)
