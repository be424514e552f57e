"""From a spec to a conversation's first events: every name is looked up here, once, and travels on as a value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from services.synthesizer.conversations.agent_hosts import AgentHosts
from services.synthesizer.conversations.errors import (
    BaseTooShort,
    NoReadyRevision,
    RevisionNotReady,
    SpecInvalid,
    ToolConfigInvalid,
)
from services.synthesizer.conversations.model import (
    DEFAULT_EPOCH,
    DEFAULT_MAX_TURNS,
    LAST_TIME,
    AgentTarget,
    Conversation,
    ConversationSpec,
    ConversationType,
)
from services.synthesizer.persona import Persona
from services.synthesizer.procedure import Procedure, Revision, RevisionState
from services.synthesizer.source import SourceConversation, start_point
from services.synthesizer.tool_answers import (
    NO_RECORDED,
    RecordedRules,
    check_recorded,
    check_tool_config,
    recorded_rules,
)
from services.synthesizer.tool_config import ToolConfig
from shared.db.appends import MAX_PAYLOAD
from shared.errors import Violation
from shared.ids import new_id
from shared.model.events import Event, Opened, Resource, pack
from shared.model.steps import Tool


class Catalog(Protocol):
    """Where personas, procedures and sources are looked up; each raises NotFound for what the company does not have."""

    async def persona(self, company: str, name: str) -> Persona:
        """The persona, a built-in one included."""
        ...

    async def revision(self, company: str, procedure: str, number: int) -> tuple[Procedure, Revision]:
        """The procedure and its revision of that number; 0: its newest READY one, or its newest when none is."""
        ...

    async def source(self, company: str, name: str) -> SourceConversation:
        """The source with its content."""
        ...


class Conversations(Protocol):
    """Where test conversations are looked up."""

    async def get(self, company: str, name: str) -> Conversation:
        """The conversation; raises ConversationNotFound."""
        ...

    async def events(self, conversation: Conversation, up_to: int) -> list[Event]:
        """Its events up to and with that seq."""
        ...


@dataclass(frozen=True, slots=True)
class Resolved:
    """A spec with every default filled in, and what its names stand for."""

    spec: ConversationSpec
    persona: Persona | None
    revision: Revision | None
    source: SourceConversation | None
    base: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server allows: the model when none is named, the models there are, and where agents may be."""

    default_model: str
    models: Sequence[str]
    agent_hosts: AgentHosts


async def resolve(
    spec: ConversationSpec, company: str, catalog: Catalog, conversations: Conversations, limits: Limits, field: str
) -> Resolved:
    """Fill in a spec and look up what it names.

    field: the spec's path in the request, for violations.
    Raises NotFound, SpecInvalid, RevisionNotReady, NoReadyRevision, ToolConfigInvalid, SourceNotFinished,
    SourceHasNoUserMessage, BaseTooShort.
    """
    base: tuple[Event, ...] = ()
    if spec.based_on is not None:
        if spec.source:
            both = "A conversation starts from a source or is based on another conversation, not both."
            raise SpecInvalid(violations=[Violation(f"{field}.source", both)])
        base_conversation = await conversations.get(company, spec.based_on.conversation)
        spec = _inherited(spec, base_conversation.spec)
        base = await _base_events(base_conversation, spec, conversations)
    resolved = await look_up(spec, company, catalog, limits, field)
    source = await catalog.source(company, spec.source) if spec.source else None
    resolved = replace(resolved, source=source, base=base)
    if source is not None and not base:
        start_point(source)
    check_tools(resolved, f"{field}.tool_config")
    if spec.resources:
        check_world(resolved, f"{field}.resources")
    return resolved


async def look_up(spec: ConversationSpec, company: str, catalog: Catalog, limits: Limits, field: str) -> Resolved:
    """What `resolve` does that has nothing to do with the source; the tool config is not checked yet."""
    spec = filled(spec, limits)
    _check(spec, limits, field)
    persona = await catalog.persona(company, spec.persona) if spec.persona else None
    revision = None
    if spec.procedure:
        procedure, revision = await catalog.revision(company, spec.procedure, spec.revision)
        _check_ready(procedure, revision, asked=spec.revision)
        spec = replace(spec, revision=revision.number)
    return Resolved(spec, persona, revision, None)


def filled(spec: ConversationSpec, limits: Limits) -> ConversationSpec:
    """The spec with every default that needs no look-up."""
    return replace(
        spec,
        agent=spec.agent or AgentTarget(),
        max_turns=spec.max_turns or DEFAULT_MAX_TURNS,
        epoch=spec.epoch or DEFAULT_EPOCH,
        model=spec.model or limits.default_model,
    )


def check_tools(resolved: Resolved, field: str) -> None:
    """Raises ToolConfigInvalid if the tool config does not fit the revision; a manual conversation needs none."""
    _check_tools(resolved, check_tool_config, field)


def check_recorded_answers(resolved: Resolved, field: str) -> None:
    """The part of `check_tools` that differs between sources whose recorded calls are of the same tools."""
    _check_tools(resolved, check_recorded, field)


def _check_tools(
    resolved: Resolved,
    check: Callable[[ToolConfig, Sequence[Tool], RecordedRules, str], list[Violation]],
    field: str,
) -> None:
    if resolved.revision is None or resolved.spec.type is ConversationType.MANUAL:
        return
    revision = resolved.revision
    violations = check(resolved.spec.tool_config, revision.tools, recorded(resolved), field)
    if violations:
        raise ToolConfigInvalid(revision=revision.number, procedure=revision.procedure, violations=violations)


def recorded(resolved: Resolved) -> RecordedRules:
    """The rules that the source's recorded calls make."""
    return NO_RECORDED if resolved.source is None else recorded_rules(resolved.source.events)


def first_events(resolved: Resolved) -> list[Event]:
    """The events a conversation begins with: Opened with its world, then copies of the source's or base's.

    The first copied event happens at the spec's epoch; the others keep their distance from it. What is based on
    another conversation keeps that one's virtual times.
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
        world = {(r.type, r.id): r for r in (*opened.resources, *extra)}
        events[0] = replace(events[0], body=Opened(tuple(world.values())))
    return events


def _check(spec: ConversationSpec, limits: Limits, field: str) -> None:
    assert spec.agent is not None
    wrong: list[Violation] = []

    def blame(name: str, description: str) -> None:
        wrong.append(Violation(f"{field}.{name}", description))

    if spec.type is ConversationType.SYNTHETIC:
        if not spec.persona:
            blame("persona", "A synthetic conversation needs a persona, such as personas/eager-eddie.")
        if not spec.procedure and spec.agent.kind == "procedure":
            blame("procedure", "The built-in agent needs a procedure; only an external agent can do without.")
    if spec.revision and not spec.procedure:
        blame("revision", "A revision belongs to a procedure; name that too.")
    if spec.model not in limits.models:
        blame("model", f"There is no model {spec.model}; there is {', '.join(limits.models)}.")
    if spec.agent.kind == "grpc" and not limits.agent_hosts.allow(spec.agent.address):
        blame("agent.grpc.address", f"Must be {limits.agent_hosts}.")
    if wrong:
        raise SpecInvalid(violations=wrong)


def check_world(resolved: Resolved, field: str) -> None:
    """Raises SpecInvalid if the spec's resources, together with the source's or base's, are too large for one event."""
    size = len(pack(first_events(resolved)[0]))
    if size > MAX_PAYLOAD:
        too_large = f"Come to {size:,} bytes as JSON, with those that are there already; {MAX_PAYLOAD:,} are allowed."
        raise SpecInvalid(violations=[Violation(field, too_large)])


def _check_ready(procedure: Procedure, revision: Revision, *, asked: int) -> None:
    if revision.state is RevisionState.READY:
        return
    if not asked:
        raise NoReadyRevision(procedure=procedure.name)
    raise RevisionNotReady(procedure=procedure.name, revision=revision.number)


def _inherited(spec: ConversationSpec, base: ConversationSpec) -> ConversationSpec:
    """The spec with what it leaves empty taken from the conversation that it is based on."""
    same_procedure = not spec.procedure
    return replace(
        spec,
        procedure=spec.procedure or base.procedure,
        revision=spec.revision or (base.revision if same_procedure else 0),
        source=base.source,
        persona=spec.persona or base.persona,
        tool_config=base.tool_config if spec.tool_config == ToolConfig() else spec.tool_config,
        agent=spec.agent or base.agent,
        max_turns=spec.max_turns or base.max_turns,
        seed=spec.seed or base.seed,
        epoch=spec.epoch or base.epoch,
        model=spec.model or base.model,
    )


async def _base_events(base: Conversation, spec: ConversationSpec, conversations: Conversations) -> tuple[Event, ...]:
    assert spec.based_on is not None
    if spec.based_on.seq > base.last_seq:
        raise BaseTooShort(conversation=base.name, last_seq=base.last_seq)
    events = await conversations.events(base, spec.based_on.seq)
    return tuple(event for event in events if event.body.kind not in ("attempt_started", "ended"))
