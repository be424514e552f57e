"""Generates personas: asks a model for drafts, checks each, and stores those that are usable and new."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from services.synthesizer.personas.generation.band import Habits, typical
from services.synthesizer.personas.generation.drafts import (
    PERSONAS,
    near_duplicate,
    read_draft,
    read_drafts,
    writes_like,
)
from services.synthesizer.personas.generation.errors import NothingToGenerateFrom, NoWorkflows, OfflineNeedsSources
from services.synthesizer.personas.generation.measuring import habits, measure
from services.synthesizer.personas.generation.model import Outcome, Rejected, Summary, Wanted
from services.synthesizer.personas.generation.prompts import generation_prompt, generation_system
from services.synthesizer.personas.generation.repeating import Repeating, persona_key
from services.synthesizer.personas.model import Origin, Persona
from services.synthesizer.personas.operations import Personas
from services.synthesizer.sources.store import SourceStore
from shared.auth import Caller as Starter
from shared.errors import InvalidArgument, Violation
from shared.flags.feature import Feature
from shared.flags.features import Features
from shared.ids import new_id
from shared.lists import Part
from shared.llm.base import Caller, ChatModel, ChatRequest, Message, ModelFailed, ModelRefused
from shared.llm.briefs import GenerationBrief, Measured, Situation
from shared.llm.providers import Models
from shared.llm.repairs import Repair
from shared.model.draws import shuffled
from shared.model.events import NO_USAGE, Json, Usage
from shared.model.recording import Recording
from shared.requests import RequestKey

T = TypeVar("T")

AT_ONCE = 5
"""How many drafts one request asks for."""
MOST_SOURCES = 1_000
_SOURCES_AT_ONCE = 25
_SPARE_REQUESTS = 3
"""How many requests more than needed are made for drafts that were rejected."""
_KNOWN = 1_000
"""How many of the company's personas, the newest, new ones are compared with."""
_TAKEN = 50
"""How many of them, the newest, the model is told by name."""
_TOKENS = 8_192
_BEGIN = (Message("user", "Begin."),)
_NOTHING_NEW = Rejected(
    "",
    "NOTHING_NEW",
    "All other customers of these sources write like a persona that exists; name other sources, or a language model.",
)
_NOTHING_WANTED = Rejected(
    "",
    "NOTHING_NEW",
    "A persona exists for everything else that customers of this domain want; name another one, or a language model.",
)
ReadSituations = Callable[[Starter, str, int], Awaitable[tuple[int, tuple[Situation, ...]]]]
"""(who names the domain, its name, a revision or 0) → the revision that was read, and what its customers want."""


class Generation:
    """Generates personas.

    open_model: opens a model by name, recorded or not. default_model: of requests that name none.
    repair: of models' broken JSON. features: which are on. read_situations: of domains.
    """

    def __init__(
        self,
        personas: Personas,
        sources: SourceStore,
        models: Models[ChatModel],
        open_model: Callable[[str, Recording], Awaitable[ChatModel]],
        default_model: str,
        repair: Repair,
        repeating: Repeating,
        features: Features,
        read_situations: ReadSituations,
    ) -> None:
        self._personas = personas
        self._sources = sources
        self._models = models
        self._open_model = open_model
        self._default_model = default_model
        self._repair = repair
        self._repeating = repeating
        self._features = features
        self._read_situations = read_situations

    async def run(self, starter: Starter, wanted: Wanted, key: RequestKey | None) -> AsyncIterator[Outcome]:
        """Each persona once it is stored, and each draft that was rejected; at the end the summary.

        With a key, the same request streams the same again and goes on where it stopped: its personas are not stored
        twice, and recorded answers of its model are not paid for twice.

        Raises FeatureOff, InvalidArgument, SourceNotFound, NothingToGenerateFrom, OfflineNeedsSources, NoWorkflows,
        ModelUnavailable, ModelRefused, RequestIdReused, ResultDeleted, PeerUnavailable, and what the enricher says of
        the domain. What was stored before stays.
        """
        company = starter.company
        if key is None:
            async for one in self._generate(starter, wanted, None, new_id()):
                yield one
            return
        async with self._repeating.alone(company, key):
            if (earlier := await self._repeating.ended(company, key)) is not None:
                for one in earlier:
                    yield one
                return
            told, generation = list[Outcome](), await self._repeating.begin(company, key)
            async for one in self._generate(starter, wanted, key, generation):
                told.append(one)
                if isinstance(one, Summary):
                    await self._repeating.end(company, key, generation, told)
                yield one

    async def _generate(
        self, starter: Starter, wanted: Wanted, key: RequestKey | None, generation: str
    ) -> AsyncIterator[Outcome]:
        """Generate as `run` says. generation: an id; older personas are known."""
        company, name = starter.company, wanted.model or self._default_model
        live = [Feature.LIVE_MODELS] if self._models.calls_out(name) else []
        await self._features.require(company, [Feature.GENERATION, *live])
        await self._check(wanted, name)
        measured, fixed = await self._measured(company, wanted), not self._models.calls_out(name)
        revision, situations = await self._situations(starter, wanted)
        origin = Origin(name, generation_prompt(wanted.domain).digest, wanted.description, "", wanted.domain, revision)
        model, usage = await self._open_model(name, Recording.RECORD if key else Recording.LIVE), NO_USAGE
        caller = Caller(company, conversation=f"conversations/{generation}" if key else "")
        own = (await self._personas.page(company, Part(limit=_KNOWN, before=generation))).items
        known = [*reversed(own), *self._personas.built_in()]
        if fixed and wanted.domain:
            situations = [one for one in situations if not any(each.goal == one.told for each in known)]
        elif fixed:
            measured = [one for one in measured if not any(writes_like(each, one, wanted.language) for each in known)]
        given = len(situations if wanted.domain else measured)
        stored = rejected = asked = 0
        for number in range(-(-max(wanted.count, given) // AT_ONCE) + _SPARE_REQUESTS):
            # Asked again for the same customer, the offline model makes the same persona.
            count = min(AT_ONCE, wanted.count - stored, given - asked if fixed else AT_ONCE)
            if count == 0:
                break
            brief = _brief(wanted, count, measured, situations, asked, known)
            asked += brief.count
            drafts, cost = await _ask(model, _request(caller, origin, wanted.seed, number, brief), origin, self._repair)
            usage += cost
            for draft in drafts:
                made = _new(draft, known)
                if isinstance(made, Rejected):
                    rejected += 1
                    yield made
                    continue
                persona = await self._personas.create(company, made, persona_key(key, stored))
                known.append(persona)
                stored += 1
                yield persona
        if fixed and stored < wanted.count:
            rejected += 1
            yield _NOTHING_WANTED if wanted.domain else _NOTHING_NEW
        yield Summary(stored, rejected, usage)

    async def _check(self, wanted: Wanted, model: str) -> None:
        from_sources = bool(wanted.sources) or wanted.source_filter is not None
        wrong = []
        given = from_sources or bool(wanted.domain)
        if not given and not wanted.description.strip():
            wrong.append(Violation("description", "Describe the personas, or name sources to measure or a domain."))
        if wanted.domain_revision and not wanted.domain:
            wrong.append(Violation("domain_revision", "A revision needs a domain; name that too."))
        if wanted.band and not from_sources:
            wrong.append(Violation("band", "A band needs customers to compare; name sources, too."))
        if wanted.sources and wanted.source_filter is not None:
            wrong.append(Violation("source_filter", "Name sources or filter them, not both."))
        if (problem := await self._models.check(model)) is not None:
            wrong.append(Violation("model", str(problem)))
        elif not self._models.calls_out(model) and given and wanted.description.strip():
            unread = f"The model {model} reads no descriptions; leave it empty, or name a language model."
            wrong.append(Violation("description", unread))
        if wrong:
            raise InvalidArgument(violations=wrong)
        if not given and not self._models.calls_out(model):
            raise OfflineNeedsSources(model=model)

    async def _situations(self, starter: Starter, wanted: Wanted) -> tuple[int, Sequence[Situation]]:
        """The revision of the domain, and what its customers want: those of whole workflows first, by the seed."""
        if not wanted.domain:
            return 0, ()
        revision, found = await self._read_situations(starter, wanted.domain, wanted.domain_revision)
        if not found:
            raise NoWorkflows(name=wanted.domain)
        groups = ([one for one in found if not one.special], [one for one in found if one.special])
        return revision, [group[at] for group in groups for at in shuffled(len(group), wanted.seed, "situations")]

    async def _measured(self, company: str, wanted: Wanted) -> list[Measured]:
        """What was measured in the sources: one for all that write alike, the commonest first, inside the band."""
        names = list(wanted.sources)
        if wanted.source_filter is not None:
            names = [one.name for one in await self._sources.oldest(company, "", MOST_SOURCES, wanted.source_filter)]
        found = list[tuple[Measured, Habits]]()
        for start in range(0, len(names), _SOURCES_AT_ONCE):
            for source in await self._sources.contents(company, names[start : start + _SOURCES_AT_ONCE]):
                if (one := measure(source.source.name, source.events)) is not None:
                    found.append((one, habits(source.events)))
        inside = typical([each for _, each in found], wanted.band) if wanted.band else [True] * len(found)
        alike: dict[Measured, list[Measured]] = {}
        for (one, _), kept in zip(found, inside, strict=True):
            if kept:
                alike.setdefault(replace(one, source=""), []).append(one)
        if not alike and (names or wanted.source_filter is not None):
            raise NothingToGenerateFrom
        return [group[0] for group in sorted(alike.values(), key=len, reverse=True)]


def _brief(
    wanted: Wanted,
    count: int,
    measured: Sequence[Measured],
    situations: Sequence[Situation],
    start: int,
    known: Sequence[Persona],
) -> GenerationBrief:
    """The facts for the model. start: for how many personas earlier requests asked."""
    taken = tuple(persona.display_name for persona in known[-_TAKEN:])
    chosen = _dealt(measured, start, count)
    return GenerationBrief(wanted.description, count, wanted.language, chosen, taken, _dealt(situations, start, count))


def _dealt(items: Sequence[T], start: int, count: int) -> tuple[T, ...]:
    """One item for each of `count` personas from the one at `start` on; after the last comes the first."""
    return tuple(items[(start + place) % len(items)] for place in range(count)) if items else ()


def _request(caller: Caller, origin: Origin, seed: int, number: int, brief: GenerationBrief) -> ChatRequest:
    return ChatRequest(
        model=origin.model,
        system=generation_system(brief),
        messages=_BEGIN,
        tools=(),
        seed=seed,
        index=0,
        seq=number,
        brief=brief,
        caller=caller,
        prompt=origin.prompt,
        output=PERSONAS,
        max_tokens=_TOKENS,
    )


async def _ask(
    model: ChatModel, request: ChatRequest, origin: Origin, repair: Repair
) -> tuple[Sequence[Persona | Rejected], Usage]:
    """What one request gave. origin: of its personas, but for the source. Raises ModelUnavailable, ModelRefused."""
    assert isinstance(request.brief, GenerationBrief)
    brief = request.brief
    try:
        answer = await model.complete(request)
    except ModelRefused:
        raise
    except ModelFailed as failed:
        return [Rejected("", failed.reason, str(failed))], NO_USAGE
    drafts = await read_drafts(answer, repair)
    if isinstance(drafts, Rejected):
        return [drafts], answer.usage
    return [_read(draft, place, origin, brief) for place, draft in enumerate(drafts[: brief.count])], answer.usage


def _read(draft: Json, place: int, origin: Origin, brief: GenerationBrief) -> Persona | Rejected:
    measured = brief.measured[place] if brief.measured else None
    language = brief.language or (measured.language if measured else "")
    persona = read_draft(draft, language, measured, of_domain=bool(brief.situations))
    if isinstance(persona, Rejected):
        return persona
    return replace(persona, origin=replace(origin, source=measured.source if measured else ""))


def _new(draft: Persona | Rejected, known: Sequence[Persona]) -> Persona | Rejected:
    """The draft, or why it is too much like a known persona."""
    if isinstance(draft, Rejected) or (other := near_duplicate(draft, known)) is None:
        return draft
    sentence = f"It has the name of {other.display_name}, or nearly the same words in all other fields."
    return Rejected(draft.display_name, "NEAR_DUPLICATE", sentence)
