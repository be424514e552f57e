"""Starts a conversation: fills in its spec, looks up what it names, checks it, and makes its first events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from services.synthesizer.conversations.campaign_target import CAMPAIGN, stored_campaigns, target_problems
from services.synthesizer.conversations.catalog import Catalog
from services.synthesizer.conversations.errors import (
    BaseTooShort,
    NoReadyRevision,
    PreviewRefused,
    RevisionNotReady,
    SpecInvalid,
    ToolConfigInvalid,
)
from services.synthesizer.conversations.model import (
    BUILT_IN_AGENT,
    DEFAULT_EPOCH,
    DEFAULT_MAX_TURNS,
    LAST_TIME,
    AgentTarget,
    Conversation,
    ConversationSpec,
    ConversationType,
)
from services.synthesizer.conversations.store.conversations import ConversationStore
from services.synthesizer.personas.model import Persona
from services.synthesizer.procedures.model import Procedure, Revision, RevisionState
from services.synthesizer.sources.model import SourceConversation, start_point
from services.synthesizer.tool_configs.answers import NO_RECORDED, RecordedRules, recorded_rules
from services.synthesizer.tool_configs.checks import TOO_MUCH_WORK, check_recorded, check_tool_config
from services.synthesizer.tool_configs.model import ToolConfig
from shared.auth import Caller
from shared.compute.offload import Offload
from shared.db.appends import MAX_PAYLOAD
from shared.errors import Violation
from shared.flags.feature import Feature
from shared.flags.features import Features
from shared.hosts import PULL_REQUEST
from shared.ids import new_id
from shared.model.events import Event, Json, Opened, Resource, UserMessage, pack
from shared.model.recording import Recording
from shared.model.steps import Tool
from shared.model.work_budget import TooMuchWork
from shared.model.world import Base

_PREVIEW = f"https://pr-{PULL_REQUEST}.agents.example"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A spec with every default filled in, and what it names.

    resources: that mock_resources names. base: the events that are replayed.
    """

    spec: ConversationSpec
    persona: Persona | None
    revision: Revision | None
    source: SourceConversation | None
    resources: Base = field(default_factory=dict)
    base: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server allows.

    default_model: the model of a spec that names none.
    model_problem: why a model cannot be used, by its name and whether its answers are replayed.
    agent_problems: why a company may not call an agent target, by its field. offload: runs what a user wrote.
    features: which are on. calls_out: True for a model that calls a provider, by its name.
    """

    default_model: str
    model_problem: Callable[[str, bool], Awaitable[Exception | None]]
    agent_problems: Callable[[AgentTarget, str], Mapping[str, str]]
    offload: Offload
    features: Features
    calls_out: Callable[[str], bool]


async def resolve(
    spec: ConversationSpec, caller: Caller, catalog: Catalog, store: ConversationStore, limits: Limits, field: str
) -> Resolved:
    """Fill in a spec and look up what it names.

    field: the spec's path in the request, for violations.
    Raises PreviewRefused, FeatureOff, NotFound, SpecInvalid, RevisionNotReady, NoReadyRevision, ToolConfigInvalid,
    SourceNotFinished, SourceHasNoUserMessage, BaseTooShort.
    """
    company = caller.company
    spec, base = await _with_base(spec, company, store, field)
    check_preview(spec, caller)
    await check_features(with_defaults(spec, limits), company, limits)
    resolved = replace(await look_up(spec, company, catalog, limits, field), base=base)
    return await _with_source(resolved, company, catalog, limits, field)


async def resolve_tools(
    spec: ConversationSpec, company: str, catalog: Catalog, store: ConversationStore, limits: Limits, field: str
) -> Resolved:
    """As `resolve`, to try the tools: persona, agent and models are not looked at, and the revision may be a draft."""
    spec, base = await _with_base(spec, company, store, field)
    spec = with_defaults(replace(spec, type=ConversationType.SYNTHETIC), limits)
    revision = None
    if spec.procedure:
        _, revision = await catalog.revision(company, spec.procedure, spec.revision)
    resources = await catalog.resources(company, spec.mock_resources)
    return await _with_source(Resolved(spec, None, revision, None, resources, base), company, catalog, limits, field)


async def _with_base(
    spec: ConversationSpec, company: str, store: ConversationStore, field: str
) -> tuple[ConversationSpec, tuple[Event, ...]]:
    """The spec with what it takes from the conversation that it is based on, and the events that are replayed."""
    if spec.based_on is None:
        return spec, ()
    if spec.source:
        both = "A conversation starts from a source or is based on another conversation, not both."
        raise SpecInvalid(violations=[Violation(f"{field}.source", both)])
    base_conversation = await store.get(company, spec.based_on.conversation)
    spec = _inherited(spec, base_conversation.spec)
    events = await _base_events(base_conversation, spec, store)
    if spec.tool_config != base_conversation.spec.tool_config:
        # The rules are others, so each begins with its first reply.
        events = tuple(replace(event, mock_rule=None) for event in events)
    return spec, events


async def _with_source(resolved: Resolved, company: str, catalog: Catalog, limits: Limits, field: str) -> Resolved:
    """The rest of `resolve`: looks up the source, and checks tools and resources."""
    spec = resolved.spec
    source = await catalog.source(company, spec.source) if spec.source else None
    resolved = replace(resolved, source=source)
    if source is not None and not resolved.base:
        start_point(source)
    await check_tools(resolved, limits, f"{field}.tool_config")
    if spec.resources:
        check_resources(resolved, f"{field}.resources")
    return resolved


async def look_up(spec: ConversationSpec, company: str, catalog: Catalog, limits: Limits, field: str) -> Resolved:
    """The part of `resolve` that needs no source; it does not check the tool config."""
    spec = await with_campaigns(with_defaults(spec, limits), company, catalog)
    await _check(spec, company, limits, field)
    persona = await catalog.persona(company, spec.persona) if spec.persona else None
    revision = None
    if spec.procedure:
        procedure, revision = await catalog.revision(company, spec.procedure, spec.revision)
        _check_ready(procedure, revision, asked=spec.revision)
        spec = replace(spec, revision=revision.number)
    return Resolved(spec, persona, revision, None, await catalog.resources(company, spec.mock_resources))


def check_preview(spec: ConversationSpec, caller: Caller) -> None:
    """Refuse the preview of a pull request to callers who are not staff. Raises PreviewRefused."""
    if (spec.agent_pull_request or spec.persona_agent_pull_request) and not caller.staff:
        raise PreviewRefused


async def check_features(spec: ConversationSpec, company: str, limits: Limits) -> None:
    """Refuse a spec, with its defaults, that uses a feature that is off for the company. Raises FeatureOff."""
    if spec.type is ConversationType.MANUAL:
        return  # nothing is called
    used = [Feature.GENERATION]
    built_in = spec.agent is None or spec.agent.kind in (BUILT_IN_AGENT, CAMPAIGN)
    if not built_in or spec.persona_target is not None:
        used.append(Feature.EXTERNAL_AGENTS)
    if spec.agent_pull_request or spec.persona_agent_pull_request:
        used.append(Feature.PREVIEWS)
    models = [spec.agent_model] if built_in else []
    models += [spec.persona_model] if spec.persona_target is None else []
    if spec.recording is not Recording.REPLAY and any(map(limits.calls_out, models)):
        used.append(Feature.LIVE_MODELS)
    await limits.features.require(company, used)


def with_defaults(spec: ConversationSpec, limits: Limits) -> ConversationSpec:
    """The spec with every default that needs no query."""
    return replace(
        spec,
        agent=spec.agent or AgentTarget(),
        max_turns=spec.max_turns or DEFAULT_MAX_TURNS,
        epoch=spec.epoch or DEFAULT_EPOCH,
        model=spec.model or limits.default_model,
        persona_model=spec.persona_model or spec.model or limits.default_model,
        agent_model=spec.agent_model or spec.model or limits.default_model,
    )


async def with_campaigns(spec: ConversationSpec, company: str, catalog: Catalog) -> ConversationSpec:
    """The spec with copies of the stored campaigns that it names. Raises CampaignNotFound, CampaignRevisionNotFound."""
    if spec.agent is None or spec.agent.kind != CAMPAIGN:
        return spec
    stored: list[Json] = []
    for one in stored_campaigns(spec.agent):
        if "content" in one:  # of the conversation that this one is based on
            stored.append({**one})
        else:
            found = await catalog.campaign(company, one["campaign"], one.get("revision", 0))
            content = found.content.yaml.decode()
            stored.append({"campaign": found.campaign, "revision": found.number, "content": content})
    return replace(spec, agent=replace(spec.agent, config={**spec.agent.config, "stored": stored})) if stored else spec


async def check_tools(resolved: Resolved, limits: Limits, field: str) -> None:
    """Check that the tool config works and fits the revision; manual conversations are not checked.

    Raises ToolConfigInvalid; SpecInvalid if there is no revision.
    """
    await _check_tools(resolved, partial(check_tool_config, types=_types(resolved)), limits, field)


async def check_recorded_answers(resolved: Resolved, limits: Limits, field: str) -> None:
    """The part of `check_tools` that depends on the recorded answers, not only on which tools have some."""
    await _check_tools(resolved, check_recorded, limits, field)


async def _check_tools(
    resolved: Resolved,
    check: Callable[[ToolConfig, Sequence[Tool] | None, RecordedRules, str], list[Violation]],
    limits: Limits,
    field: str,
) -> None:
    if resolved.spec.type is ConversationType.MANUAL:
        return
    revision = resolved.revision
    tools = None if revision is None else revision.tools
    try:
        violations = await limits.offload(lambda: check(resolved.spec.tool_config, tools, recorded(resolved), field))
    except TooMuchWork:
        violations = [Violation(field, TOO_MUCH_WORK)]
    if not violations:
        return
    if revision is None:
        raise SpecInvalid(violations=violations)
    raise ToolConfigInvalid(revision=revision.number, procedure=revision.procedure, violations=violations)


def _types(resolved: Resolved) -> Collection[str] | None:
    """The types of the resources that the conversation has; None if they depend on its source or its base."""
    if resolved.source is not None or resolved.base:
        return None
    return {*resolved.resources, *(resource.type for resource in resolved.spec.resources)}


def recorded(resolved: Resolved) -> RecordedRules:
    """The source's recorded calls as rules of mocks."""
    return NO_RECORDED if resolved.source is None else recorded_rules(resolved.source.events)


def first_events(resolved: Resolved) -> list[Event]:
    """The first events: Opened with the resources, then copies of the source's or the base's events.

    The copies of a source start at the spec's epoch. The copies of a base keep their virtual times.
    """
    spec = resolved.spec
    if resolved.base:
        return _replayed(resolved.base, spec.resources)
    copied: Sequence[Event] = ()
    resources: dict[tuple[str, str], Resource] = {}
    if resolved.source is not None:
        start = start_point(resolved.source)
        copied = start.events
        resources = {(r.type, r.id): replace(r, appeared_after=0) for r in start.resources}
    resources |= {(r.type, r.id): replace(r, appeared_after=0) for r in spec.resources}
    events = [Event(new_id(), 1, spec.epoch, 0, Opened(tuple(resources.values())))]
    shift = spec.epoch - copied[0].at if copied else 0
    for seq, event in enumerate(copied, 2):
        events.append(Event(new_id(), seq, min(event.at + shift, LAST_TIME), 0, event.body, copied=True))
    return events


def _replayed(base: Sequence[Event], extra: Sequence[Resource]) -> list[Event]:
    events = [
        replace(event, id=new_id(), seq=seq, copied=True, turn=0, usage=None) for seq, event in enumerate(base, 1)
    ]
    if extra and isinstance(opened := events[0].body, Opened):
        resources = {(r.type, r.id): r for r in (*opened.resources, *extra)}
        events[0] = replace(events[0], body=Opened(tuple(resources.values())))
    return events


async def _check(spec: ConversationSpec, company: str, limits: Limits, field: str) -> None:
    """Raises SpecInvalid for what is wrong with the spec by itself."""
    problems = [*_spec_problems(spec)]
    problems += [problem async for problem in _model_problems(spec, limits)]
    problems += _target_problems(spec, company, limits)
    if spec.agent is not None and spec.agent.kind == CAMPAIGN:
        # Reading large files takes long.
        problems += await asyncio.to_thread(lambda agent: [*_campaign_problems(spec, agent)], spec.agent)
    if problems:
        raise SpecInvalid(violations=[Violation(f"{field}.{name}", sentence) for name, sentence in problems])


def _spec_problems(spec: ConversationSpec) -> Iterator[tuple[str, str]]:
    """(field, sentence) of each field that is missing."""
    assert spec.agent is not None
    if spec.type is ConversationType.SYNTHETIC:
        if not spec.persona:
            yield "persona", "A synthetic conversation needs a persona, such as personas/eager-eddie."
        if not spec.procedure and spec.agent.kind == BUILT_IN_AGENT:
            yield "procedure", "The built-in agent needs a procedure; an external agent does not."
    if spec.revision and not spec.procedure:
        yield "revision", "A revision needs a procedure; name that too."


def _campaign_problems(spec: ConversationSpec, agent: AgentTarget) -> Iterator[tuple[str, str]]:
    """What a campaign cannot be played with: it needs a persona, and nobody else's part."""
    if spec.type is not ConversationType.SYNTHETIC:
        yield "agent", "A campaign is played in a synthetic conversation."
    if spec.procedure or spec.source:
        yield "agent", "A campaign needs no procedure and no source; leave them out."
    if spec.persona_target is not None:
        yield "persona_target", "A model plays the contacts of campaigns; name it as `persona_model`."
    for name, sentence in target_problems(agent, {mock.tool for mock in spec.tool_config.mocks}):
        yield f"agent.{name}", sentence


async def _model_problems(spec: ConversationSpec, limits: Limits) -> AsyncIterator[tuple[str, str]]:
    """(field, sentence) of each model that cannot be used. Where only `model` is named, only `model` is blamed."""
    replayed = spec.recording is Recording.REPLAY
    named = {"model": spec.model, "persona_model": spec.persona_model, "agent_model": spec.agent_model}
    for name, model in named.items():
        if name == "model" or model != spec.model:
            error = await limits.model_problem(model, replayed)
            if error is not None:
                yield name, str(error)


def _target_problems(spec: ConversationSpec, company: str, limits: Limits) -> Iterator[tuple[str, str]]:
    """(field, sentence) of what is wrong with the agent and the persona target."""
    for side, target, number, pull_request in (
        ("agent", spec.agent, "agent_pull_request", spec.agent_pull_request),
        ("persona_target", spec.persona_target, "persona_agent_pull_request", spec.persona_agent_pull_request),
    ):
        if bool(pull_request) is not (target is not None and target.is_template):
            yield number, f"Set it together with a {PULL_REQUEST} in the address of {side}, as in {_PREVIEW}."
        elif target is not None and not (side == "agent" and target.kind == CAMPAIGN):
            for name, sentence in limits.agent_problems(target.preview(pull_request), company).items():
                yield f"{side}.{name}", sentence
    if spec.persona_target is not None and spec.persona_target.kind == BUILT_IN_AGENT:
        kinds = "name an agent of another kind to play the persona, or leave this out for a model"
        yield "persona_target", f"The built-in agent plays no persona; {kinds}."


def check_resources(resolved: Resolved, field: str) -> None:
    """Check that the resources of the spec and the source or base together fit into one event. Raises SpecInvalid."""
    size = len(pack(first_events(resolved)[0]))
    if size > MAX_PAYLOAD:
        too_large = f"Have {size:,} bytes as JSON together with the source's; {MAX_PAYLOAD:,} are allowed."
        raise SpecInvalid(violations=[Violation(field, too_large)])


def _check_ready(procedure: Procedure, revision: Revision, *, asked: int) -> None:
    if revision.state is RevisionState.READY:
        return
    if not asked:
        raise NoReadyRevision(procedure=procedure.name)
    raise RevisionNotReady(procedure=procedure.name, revision=revision.number)


def _inherited(spec: ConversationSpec, base: ConversationSpec) -> ConversationSpec:
    """The spec with its empty fields taken from the conversation that it is based on."""
    same_procedure = not spec.procedure
    return replace(
        spec,
        procedure=spec.procedure or base.procedure,
        revision=spec.revision or (base.revision if same_procedure else 0),
        source=base.source,
        persona=spec.persona or base.persona,
        tool_config=base.tool_config if spec.tool_config == ToolConfig() else spec.tool_config,
        mock_resources=spec.mock_resources or base.mock_resources,
        agent=spec.agent or base.agent,
        max_turns=spec.max_turns or base.max_turns,
        seed=spec.seed or base.seed,
        epoch=spec.epoch or base.epoch,
        model=spec.model or base.model,
        persona_model=spec.persona_model or spec.model or base.persona_model,
        agent_model=spec.agent_model or spec.model or base.agent_model,
        persona_target=spec.persona_target or (None if spec.persona_model else base.persona_target),
        agent_pull_request=spec.agent_pull_request or (0 if spec.agent else base.agent_pull_request),
        persona_agent_pull_request=spec.persona_agent_pull_request
        or (0 if spec.persona_target or spec.persona_model else base.persona_agent_pull_request),
    )


async def _base_events(base: Conversation, spec: ConversationSpec, store: ConversationStore) -> tuple[Event, ...]:
    assert spec.based_on is not None
    if spec.based_on.seq > base.last_seq:
        raise BaseTooShort(conversation=base.name, last_seq=base.last_seq)
    events = await store.events(base, spec.based_on.seq)
    # A session means nothing to another target.
    same_agent = _key(spec.called_agent) == _key(base.spec.called_agent)
    same_customer = _key(spec.called_persona_target) == _key(base.spec.called_persona_target)
    return tuple(
        replace(
            event,
            session=event.session if (same_customer if isinstance(event.body, UserMessage) else same_agent) else None,
        )
        for event in events
        if event.body.kind not in ("attempt_started", "ended")
    )


def _key(target: AgentTarget | None) -> str:
    return "" if target is None else target.key
