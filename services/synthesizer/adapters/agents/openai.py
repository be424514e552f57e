"""Agents and customers that speak Chat Completions or Responses, as OpenAI does."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from services.synthesizer.adapters.agents.kind import Access, ExternalAgent
from services.synthesizer.adapters.agents.web import address_problem, header_problem, with_secret
from services.synthesizer.conversations.chat_messages import agent_message, persona_message
from services.synthesizer.conversations.persona_replies import ReplyUnusable, read_said
from services.synthesizer.conversations.prompts import PERSONA_ANSWER
from services.synthesizer.conversations.targets import (
    Action,
    Call,
    EndTalk,
    Say,
    Several,
    StaySilent,
    View,
    said_and_called,
)
from shared.llm.base import ChatReply, ChatRequest, ModelFailed
from shared.llm.briefs import AgentBrief
from shared.llm.dialogue import Dialogue, dialogue
from shared.llm.openai_forms import (
    CHAT_STREAM,
    RESPONSES_STREAM,
    chat_messages,
    chat_tools,
    read_chat,
    read_responses,
    response_items,
    response_tools,
)
from shared.llm.persona_reply import PERSONA_REPLY, PersonaReply
from shared.llm.reading import Answer, Reading, reply
from shared.llm.streaming import parts_of
from shared.model.events import Json, ModelCall

if TYPE_CHECKING:
    from services.synthesizer.adapters.agents.endpoint import Received

MAX_EXTRA_BODY = 64 * 1024
_ONLY_MODEL = "default"


class OpenaiAgent(ExternalAgent):
    """A server that speaks Chat Completions or Responses. config: the fields of the message OpenaiAgent."""

    def __init__(self, config: Mapping[str, Json], access: Access) -> None:
        from services.synthesizer.adapters.agents.endpoint import Endpoint

        self._model = config.get("model") or _ONLY_MODEL
        self._responses = config.get("api") == "API_RESPONSES"
        self._extra = {**({"stream": True} if config.get("stream") else {}), **config.get("extra_body", {})}
        self._sends_instructions = config.get("sends_instructions", True)
        path = "responses" if self._responses else "chat/completions"
        url = f"{config['base_url'].rstrip('/')}/{path}"
        secret = access.secrets.value(config["secret"]) if "secret" in config else ""
        self._endpoint = Endpoint(url, access, with_secret(config.get("headers", {}), secret), secret)

    @staticmethod
    def hosts(config: Mapping[str, Json]) -> Mapping[str, str]:
        return {"base_url": urlsplit(config["base_url"]).hostname or ""}

    @staticmethod
    def problems(config: Mapping[str, Json]) -> Mapping[str, str]:
        wrong = {"base_url": address_problem(config["base_url"]), "headers": header_problem(config)}
        if len(json.dumps(config.get("extra_body", {}))) > MAX_EXTRA_BODY:
            wrong["extra_body"] = f"May have {MAX_EXTRA_BODY:,} bytes as JSON."
        return {field: sentence for field, sentence in wrong.items() if sentence}

    async def act(self, view: View) -> Action:
        request = self._request(view)
        told = dialogue(request)
        sent = (self._response_body if self._responses else self._chat_body)(told)
        received = await self._endpoint.post(json.dumps({**sent, **self._extra}, ensure_ascii=False).encode())
        said = self._said(received, request, told)
        first = received.first if received.kind == _EVENT_STREAM else None
        call = ModelCall(self._model, "", received.milliseconds, first)
        if view.persona is None or said.calls:
            return Action(_does(said), model_call=call)
        spoken = self._spoken(said)
        return Action(_of_customer(spoken), model_call=call, thoughts=spoken.thoughts)

    async def close(self) -> None:
        await self._endpoint.close()

    def _request(self, view: View) -> ChatRequest:
        """The view as a request to a model, of which only the dialogue is used."""
        of_event, answer, output = agent_message, "", None
        if view.persona is not None:
            of_event, answer, output = persona_message, PERSONA_ANSWER, PERSONA_REPLY
        messages = (of_event(event) for event in view.transcript)
        return ChatRequest(
            model=f"openai:{self._model}",
            system=view.instructions + answer if self._sends_instructions else "",
            messages=[message for message in messages if message is not None],
            tools=view.tools,
            seed=0,
            index=0,
            seq=view.seq,
            brief=AgentBrief("", ()),
            output=output if self._sends_instructions else None,
        )

    def _chat_body(self, told: Dialogue) -> dict[str, Any]:
        tools = {"tools": chat_tools(told.tools)} if told.tools else {}
        return {"model": self._model, "messages": chat_messages(told), **tools}

    def _response_body(self, told: Dialogue) -> dict[str, Any]:
        instructions = {"instructions": told.system} if told.system else {}
        tools = {"tools": response_tools(told.tools)} if told.tools else {}
        return {"model": self._model, "input": response_items(told), "store": False, **instructions, **tools}

    def _said(self, received: "Received", request: ChatRequest, told: Dialogue) -> ChatReply:
        """The answer, whole or streamed. Raises TargetUnavailable, TargetFailed."""
        try:
            reading = self._read(received)
            # What the server cut or refused is what the customer reads, if it is a text.
            reading = replace(reading, truncated=False, declined="" if reading.text else reading.declined)
            return reply(request, told, Answer(reading))
        except ModelFailed as error:
            raise self._endpoint.failed(f"its answer cannot be used: {error.details['why']}") from error
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            protocol = "Responses" if self._responses else "Chat Completions"
            quote = self._endpoint.quoted(received.content[:4096].decode(errors="replace"))
            why = f'its answer ({received.kind}) has not the form of {protocol}; it begins "{quote}"'
            raise self._endpoint.failed(why) from error

    def _spoken(self, said: ChatReply) -> PersonaReply:
        """The reply of a customer. Raises TargetFailed."""
        try:
            return read_said(said.text)
        except ReplyUnusable as problem:
            why = f'its answer cannot be used. {problem} It begins "{self._endpoint.quoted(said.text)}"'
            raise self._endpoint.failed(why) from problem

    def _read(self, received: "Received") -> Reading:
        read, stream = (read_responses, RESPONSES_STREAM) if self._responses else (read_chat, CHAT_STREAM)
        if received.kind != _EVENT_STREAM:
            return read(json.loads(received.content))
        try:
            answer = stream.join(parts_of(received.content.decode().splitlines()))
        except ValueError:
            raise self._endpoint.unavailable("its stream of events stopped before the end") from None
        return read(answer)


_EVENT_STREAM = "text/event-stream"


def _does(said: ChatReply) -> Say | Call | Several:
    calls = tuple(Call(call.tool, call.arguments, call.problem) for call in said.calls)
    return said_and_called(said.text, calls) if calls else Say(said.text)


def _of_customer(spoken: PersonaReply) -> EndTalk | Say | StaySilent:
    if spoken.leaves:
        return EndTalk(spoken.text)
    return Say(spoken.text) if spoken.text else StaySilent()
