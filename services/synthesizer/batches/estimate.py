"""Predicts what the models of a batch will cost, from the lengths of its prompts and sources."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from services.synthesizer.batches.model import BatchSpec, Estimate
from services.synthesizer.conversations.model import BUILT_IN_AGENT
from services.synthesizer.conversations.persona_brief import persona_brief
from services.synthesizer.conversations.prompts import agent_system, persona_system
from services.synthesizer.personas.model import Persona
from services.synthesizer.procedures.model import Revision
from services.synthesizer.sources.model import SourceConversation, start_point
from shared.llm.briefs import AgentBrief
from shared.llm.builtin_tools import AGENT_TOOLS
from shared.llm.persona_reply import PERSONA_REPLY
from shared.llm.prices import FREE, Prices
from shared.model.events import NO_USAGE, AgentMessage, ToolCall, ToolResult, Usage, UserMessage, body_json
from shared.model.recording import Recording

TOKEN = 4
"""Characters of a token. In English it is a little more, in most other languages less."""
MESSAGE = 16
"""Characters that a message adds to its text: its role, and marks between messages."""
THOUGHTS = 250
"""Characters of a persona's reply besides what it says: reasoning, sentiment, likelihood, names of fields."""
CALL = 60
"""Characters of a tool call without its arguments."""
UNKNOWN_TURNS, UNKNOWN_USER, UNKNOWN_AGENT = 8, 100, 200
"""Turns, and characters of a message of each side, where no source tells them."""


@dataclass(frozen=True, slots=True)
class Talk:
    """The lengths of one conversation, in characters unless it says otherwise.

    persona, agent: system texts, with the form of the answer and the tools. opening: what was said before it begins.
    user, agent_says: a mean message with what a message adds. turns: steps that the persona will take, a number.
    calls: tool calls that the agent will make, a number. result: a mean call with its answer.
    """

    persona: int
    agent: int
    opening: int
    user: float
    agent_says: float
    turns: int
    calls: int
    result: float


@dataclass(frozen=True, slots=True)
class Part:
    """What one side costs in one conversation: calls of its model, characters that it reads and writes."""

    calls: float
    read: float
    written: float

    def usage(self, share: float) -> Usage:
        """The usage of `share` such conversations, without a price."""
        return Usage(round(self.calls * share), round(self.read * share / TOKEN), round(self.written * share / TOKEN))


def persona_part(talk: Talk, turns: int) -> Part:
    """The persona's side of a conversation with T turns.

    Each call reads the system text, the opening and all that was said since, so that T calls read
    T (persona + opening) + (user + agent_says) T (T - 1) / 2. Each writes a message with its thoughts.
    """
    said = (talk.user + talk.agent_says) * turns * (turns - 1) / 2
    return Part(turns, turns * (talk.persona + talk.opening) + said, turns * (talk.user + THOUGHTS))


def agent_part(talk: Talk, turns: int) -> Part:
    """The built-in agent's side of a conversation with T turns.

    It answers each turn but the last, with which the persona leaves, and its tool calls grow with the turns: with C of
    them it makes N = T - 1 + C calls of its model. Each reads what the persona's does, and half of the results.
    """
    calls = talk.calls * turns / talk.turns
    count = turns - 1 + calls
    said = (talk.user + talk.agent_says) * turns / 2 + calls * talk.result / 2
    return Part(count, count * (talk.agent + talk.opening + said), (turns - 1) * talk.agent_says + calls * CALL)


def talk_of(persona: Persona, source: SourceConversation | None, revision: Revision | None, max_turns: int) -> Talk:
    """The lengths of a conversation. Its source tells how long the customer and the agent of then talked."""
    brief = persona_brief(persona, source)
    bodies = [] if source is None else [event.body for event in source.events]
    cut = 0 if source is None else len(start_point(source).events)
    after = bodies[cut:]
    user = [len(body.text) for body in bodies if isinstance(body, UserMessage)] or [UNKNOWN_USER]
    agent = [len(body.text) for body in bodies if isinstance(body, AgentMessage)] or [UNKNOWN_AGENT]
    results = [len(json.dumps(body_json(body))) for body in after if isinstance(body, ToolResult)]
    # The persona says what the customer said, and then goodbye.
    turns = UNKNOWN_TURNS if source is None else sum(isinstance(body, UserMessage) for body in after) + 1
    steps = revision.steps if revision else ()
    tools = (*(revision.tools if revision else ()), *AGENT_TOOLS)
    written = [{"name": one.name, "description": one.description, "schema": one.arguments_schema} for one in tools]
    brief_of_agent = AgentBrief(revision.instructions if revision else "", steps)
    return Talk(
        persona=len(persona_system(brief, revision.persona_context if revision else ""))
        + len(json.dumps(PERSONA_REPLY.schema)),
        agent=len(agent_system(brief_of_agent, revision.agent_context if revision else "")) + len(json.dumps(written)),
        opening=sum(len(getattr(body, "text", "")) + MESSAGE for body in bodies[:cut]),
        user=fmean(user) + MESSAGE,
        agent_says=fmean(agent) + MESSAGE,
        turns=min(turns, max_turns),
        calls=sum(isinstance(body, ToolCall) for body in after),
        result=CALL + (fmean(results) if results else 0),
    )


def estimate(spec: BatchSpec, talks: Sequence[Talk], calls_out: Callable[[str], bool], prices: Prices) -> Estimate:
    """The cost of a batch of which `talks` are a sample.

    low: with half of the turns. high: with twice as many, at most max_turns.
    Models that do not call out, replays, external agents and persona targets cost nothing.
    """
    conversation = spec.conversation
    sides = [(conversation.persona_model, persona_part)] if conversation.persona_target is None else []
    if conversation.agent is None or conversation.agent.kind == BUILT_IN_AGENT:
        sides.append((conversation.agent_model, agent_part))
    if conversation.recording is Recording.REPLAY:
        sides = []
    sides = [(model, part) for model, part in sides if calls_out(model)]

    def total(turns: Callable[[int], int]) -> Usage:
        usage = NO_USAGE
        for model, part in sides:
            price = prices.find(model) or FREE
            for talk in talks:
                one = part(talk, turns(talk.turns)).usage(spec.size / len(talks))
                usage += replace(one, nanos=price.of(one))
        return usage

    return Estimate(
        expected=total(lambda turns: turns),
        low=total(lambda turns: max(1, turns // 2)),
        high=total(lambda turns: min(2 * turns, conversation.max_turns)),
        currency=prices.currency,
        unpriced=tuple(sorted({model for model, _ in sides if prices.find(model) is None})),
    )
