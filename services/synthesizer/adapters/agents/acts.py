"""The messages of greenroom.agent.v1 that agents and customers over gRPC and webhooks exchange."""

from collections.abc import Sequence
from dataclasses import asdict

from google.protobuf import json_format
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from greenroom.agent.v1 import agent_pb2
from greenroom.type.v1 import event_pb2
from services.synthesizer.conversations.persona_replies import MAX_REASONING
from services.synthesizer.conversations.targets import (
    Action,
    Call,
    Does,
    EndTalk,
    Say,
    Several,
    StaySilent,
    View,
    WaitUntil,
)
from shared.llm.briefs import PersonaBrief
from shared.model.conversation import MAX_AGENT_ACTIONS
from shared.model.events import Json, Sentiment, Thoughts
from shared.plain import plain
from shared.rpc.events import event_message
from shared.rpc.validation import strings_with_nul
from shared.rpc.values import enum_value


class ResponseUnusable(Exception):
    """An ActResponse cannot be used; the text says what the agent did."""


def act_request(view: View) -> agent_pb2.ActRequest:
    """The request for the next action of the agent or the customer."""
    request = agent_pb2.ActRequest(
        conversation=view.conversation,
        seq=view.seq,
        events=[event_message(event, view.conversation) for event in view.transcript],
        instructions=view.instructions,
        virtual_time=Timestamp(seconds=view.now // 1000, nanos=view.now % 1000 * 1_000_000),
        session=view.session,
    )
    for tool in view.tools:
        added = request.tools.add(name=tool.name, description=tool.description)
        added.arguments_schema.update(tool.arguments_schema)
    if view.persona is not None:
        request.persona.CopyFrom(_persona(view.persona))
    return request


def _persona(brief: PersonaBrief) -> agent_pb2.Persona:
    told = agent_pb2.Persona.DESCRIPTOR.fields_by_name
    known = {name: value for name, value in asdict(brief).items() if name in told}
    facts = [agent_pb2.Fact(asked=asked, answer=answer) for asked, answer in brief.material]
    return agent_pb2.Persona(**known, facts=facts)


def action_of(response: agent_pb2.ActResponse, view: View) -> Action:
    """What the response to a view does. Raises ResponseUnusable."""
    if strings_with_nul(response):
        raise ResponseUnusable("answered a text with the character NUL")
    thoughts = _thoughts(response.thoughts) if view.persona is not None and response.HasField("thoughts") else None
    return Action(_all_that_it_does(response), session=response.session, thoughts=thoughts)


def _all_that_it_does(response: agent_pb2.ActResponse) -> Does:
    if not response.actions:
        return _does(response)
    if response.WhichOneof("action") is not None:
        raise ResponseUnusable("answered an action beside `actions`; put it into `actions`")
    if len(response.actions) > MAX_AGENT_ACTIONS:
        raise ResponseUnusable(f"answered {len(response.actions)} actions at once; {MAX_AGENT_ACTIONS} are allowed")
    done = [_does(action) for action in response.actions]
    return done[0] if len(done) == 1 else _several(done)


def _thoughts(message: event_pb2.PersonaThoughts) -> Thoughts:
    sentiment = enum_value(event_pb2.PersonaThoughts.Sentiment, "SENTIMENT", message.sentiment)
    if not sentiment or not 0 <= message.likely_to_convert <= 100:
        raise ResponseUnusable("answered thoughts without a sentiment, or with a likely_to_convert beyond 0 to 100")
    return Thoughts(plain(message.reasoning, MAX_REASONING), Sentiment(sentiment), message.likely_to_convert)


def _does(message: agent_pb2.ActResponse | agent_pb2.Action) -> Say | Call | WaitUntil | EndTalk | StaySilent:
    match message.WhichOneof("action"):
        case "say":
            return Say(message.say.text)
        case "call_tool":
            return Call(message.call_tool.tool, _arguments(message.call_tool.arguments))
        case "wait_until":
            # ToMilliseconds raises for times out of range; the turn loop refuses those with a reason of its own.
            return WaitUntil(message.wait_until.seconds * 1000 + message.wait_until.nanos // 1_000_000)
        case "end":
            return EndTalk(message.end.text)
        case "stay_silent":
            return StaySilent()
        case _:
            raise ResponseUnusable("answered no action")


def _several(done: Sequence[Does]) -> Several:
    """Several actions as one. Raises ResponseUnusable for another order than messages, then calls or an end."""
    texts = [one.text for one in done if isinstance(one, Say)]
    rest = done[len(texts) :]
    match rest:
        case [EndTalk(text)]:
            return Several((*texts, text) if text else tuple(texts), ends=True)
        case _:
            calls = tuple(one for one in rest if isinstance(one, Call))
    if len(calls) != len(rest):
        raise ResponseUnusable("answered `actions` in another order than messages, and then calls of tools or one end")
    return Several(tuple(texts), calls)


def _arguments(struct: Struct) -> dict[str, Json]:
    try:
        return dict(MessageToDict(struct))
    except (ValueError, json_format.Error) as error:
        raise ResponseUnusable("called a tool with an argument that JSON does not have") from error
