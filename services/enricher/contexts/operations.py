"""What callers do with contexts: build one, and merge a request with its domain."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from services.enricher.contexts.building import asked_by_scenario, build_context
from services.enricher.contexts.errors import ConstraintInvalid, ScenarioNotFound
from services.enricher.contexts.hints import Understood, understand
from services.enricher.contexts.merging import Asked, merge, of_field, shares
from services.enricher.contexts.model import Context, Enriched, Found, HintOutcome, Request, Wanted
from services.enricher.domains.operations import Domains
from services.enricher.knowledge.model import Hints
from services.enricher.knowledge.operations import Knowledge
from shared.lru import LruCache
from shared.model.packs.model import Constraint, Entity, Pack
from shared.yaml import near

_KEPT_CHARACTERS = 16 << 20
"""The most characters of the texts of contexts that are kept."""
_PASSAGES = 5
"""The most passages of documents that enter a context."""


class Contexts:
    """The operations on contexts. Contexts of a revision never change, so they are kept in memory."""

    def __init__(self, domains: Domains, knowledge: Knowledge) -> None:
        self._domains = domains
        self._knowledge = knowledge
        self._kept = LruCache[tuple[str, str, int, Wanted], Context](_KEPT_CHARACTERS)

    async def build(self, company: str, domain: str, revision: int, wanted: Wanted) -> Found:
        """The context of a part of a domain, and what documents say. revision: 0 for the newest READY one.

        Raises DomainNotFound, DomainRevisionNotFound, EntityNotFound, WorkflowNotFound, ScenarioNotFound,
        ConstraintsContradict.
        """
        context = self._context(domain, *await self._domains.pack(company, domain, revision), wanted)
        words = (wanted.entity, wanted.workflow, wanted.scenario)
        return Found(context, await self._documents(company, domain, words))

    async def enrich(self, company: str, request: Request) -> Enriched:
        """Merge a request with its domain.

        Raises what `build` raises, ConstraintInvalid, ConstraintsContradict.
        """
        number, digest, pack = await self._domains.pack(company, request.domain, request.revision)
        if not request.entity:
            raise ConstraintInvalid(of="A request without an entity", why="name one of the domain's entities")
        wanted = Wanted(request.entity, request.workflow, "", request.edge_cases)
        context = self._context(request.domain, number, digest, pack, wanted)
        entity = context.entity
        assert entity is not None
        understood = [understand(hint, pack, entity) for hint in request.hints]
        weights = _weights(context, request, understood)
        asked = [*_asked(request, entity), *_asked_in_words(request, understood)]
        if len(weights) == 1:
            (only,) = (one for one in pack.scenarios if one.id in weights)
            asked += asked_by_scenario(only, frozenset({entity.name}))
        bounds = (Asked(one, "its entity") for field in entity.fields if (one := of_field(entity.name, field)))
        words = (request.entity, request.workflow, request.context, *request.hints)
        return Enriched(
            found=Found(context, await self._documents(company, request.domain, words)),
            hints=(*context.hints, *request.hints),
            shares=weights,
            constraints=merge(pack, [*bounds, *asked]),
            outcomes=tuple(map(_outcome, request.hints, understood)),
        )

    async def _documents(self, company: str, domain: str, words: Iterable[str]) -> Hints:
        """What documents about the domain, or about none, say to these words."""
        query = " ".join(filter(None, words))
        if not query:
            return Hints()
        found = await self._knowledge.hints(company, query)
        about = [one for one in found.matches if one.document.domain in ("", domain)]
        return replace(found, matches=about[:_PASSAGES])

    def _context(self, domain: str, number: int, digest: str, pack: Pack, wanted: Wanted) -> Context:
        key = (domain, digest, number, wanted)
        context = self._kept.get(key)
        if context is None:
            context = build_context(pack, domain, number, wanted)
            self._kept.put(key, context, len(context.text))
        return context


def _asked(request: Request, entity: Entity) -> Iterator[Asked]:
    for one in request.constraints:
        if one.entity in ("", entity.name):
            yield Asked(_of(one, entity), "the request")
        else:
            why = f"the request is about `{entity.name}`; leave the entity out"
            raise ConstraintInvalid(of=f"A constraint on `{one.entity}.{one.field}`", why=why)


def _of(constraint: Constraint, entity: Entity) -> Constraint:
    members = {name: getattr(constraint, name) for name in constraint.__slots__}
    return Constraint(**{**members, "entity": entity.name})


def _asked_in_words(request: Request, understood: list[Understood]) -> Iterator[Asked]:
    for hint, one in zip(request.hints, understood, strict=True):
        for constraint in one.constraints:
            yield Asked(constraint, f"the hint “{hint}”")


def _weights(context: Context, request: Request, understood: list[Understood]) -> dict[str, float]:
    """The share of each scenario: what the request says, what its hints say, or else what the domain says."""
    known = {one.id: one.weight for one in context.scenarios}
    for name in request.shares:
        if name not in known:
            raise ScenarioNotFound(domain=request.domain, name=name, near=near(name, known))
    if request.shares:
        return shares(request.shares)
    said = {name: share for one in understood for name, share in one.shares.items() if name in known}
    if not said:
        return shares(known)
    total = sum(said.values())
    if total >= 1:
        return shares(said)
    rest = {name: weight for name, weight in known.items() if name not in said}
    return {**{name: share * (1 - total) for name, share in shares(rest).items()}, **said} if rest else shares(said)


def _outcome(hint: str, one: Understood) -> HintOutcome:
    if one.why:
        return HintOutcome(hint, applied=False, outcome=one.why)
    parts = [_told(constraint) for constraint in one.constraints]
    parts += [f"{share:.0%} {name}" for name, share in one.shares.items()]
    ignored = f"; not understood: {', '.join(one.ignored)}" if one.ignored else ""
    return HintOutcome(hint, applied=True, outcome="; ".join(parts) + ignored)


def _told(one: Constraint) -> str:
    """A constraint in a few words, such as `total: at least 1000, at most 5000`."""
    parts = []
    if one.minimum is not None:
        parts.append(f"{'more than' if one.exclusive_minimum else 'at least'} {one.minimum}")
    if one.maximum is not None:
        parts.append(f"{'less than' if one.exclusive_maximum else 'at most'} {one.maximum}")
    if one.min_length:
        parts.append(f"at least {one.min_length} characters")
    if one.max_length is not None:
        parts.append(f"at most {one.max_length} characters")
    if one.values:
        parts.append(" or ".join(map(str, one.values)))
    if one.nullable is False:
        parts.append("always given")
    return f"{one.field}: {', '.join(parts)}"
