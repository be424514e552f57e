"""Whole rehearsals whose persona and agent are models of a vendor: a stub speaks the protocols of all."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from services.synthesizer.conversations.prompts import AGENT_PROMPT, PERSONA_PROMPT
from shared.llm.builtin_tools import END_CONVERSATION
from tests import model_stub
from tests.processes import service
from tests.scripted import ScriptedModel, State, Theatre, procedure_line, source_line
from tests.suite import suite
from tests.vendor_specs import violations
from tests.vendors import PROVIDER, vendor_settings


@pytest.mark.parametrize("protocol", PROVIDER)
async def test_a_persona_and_an_agent_are_played_by_each_vendor_and_repeat_their_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """Each request but the first begins with the one before it, so that vendors can cache what they read."""
    provider = PROVIDER[protocol]
    async with service("tests.model_stub", {}) as stub, aiohttp.ClientSession() as http:
        for name, value in vendor_settings(protocol, stub.address, key="stub").items():
            monkeypatch.setenv(name, value)
        # The governor would keep to the limits that the stub tells.
        async with suite("sqlite", tmp_path, model_around=("retry", "meter")) as running:
            stage = Theatre(running, ScriptedModel(), tmp_path)
            [procedure] = await stage.import_procedures(procedure_line("orders"))
            [source] = await stage.import_sources(source_line("s-1", procedure="orders"))
            persona_model, agent_model = f"{provider}:persona", f"{provider}:text"
            done = await stage.play(
                procedure=procedure,
                source=source,
                max_turns=4,
                persona_model=persona_model,
                agent_model=agent_model,
            )
            events = [event for event in await stage.events(done.name) if not event.copied]
        async with http.get(f"http://{stub.address}/asked") as response:
            asked = await response.json()

    assert done.state == State.STATE_COMPLETED, done.ended.detail
    said = [event for event in events if event.HasField("user_message")]
    answered = [event for event in events if event.HasField("agent_message")]
    assert {event.user_message.text for event in said} == {model_stub.PERSONA["message"]}
    assert {event.thoughts.reasoning for event in said} == {model_stub.PERSONA["reasoning"]}
    assert {event.agent_message.text for event in answered} == {model_stub.TEXT}
    assert {event.model_call.prompt for event in said} == {PERSONA_PROMPT.digest}
    assert {event.model_call.prompt for event in answered} == {AGENT_PROMPT.digest}

    persona, agent = ([one["body"] for one in asked if one["body"]["model"] == name] for name in ("persona", "text"))
    assert (len(persona), len(agent)) == (len(said), len(answered))
    assert len(persona) > 1
    assert all("likely_to_convert" in json.dumps(_fixed(body)) for body in persona)
    assert all(END_CONVERSATION.name in json.dumps(body["tools"]) for body in agent)
    for side in (persona, agent):
        for earlier, later in pairwise(side):
            assert _fixed(later) == _fixed(earlier)
            assert _said(later)[: len(_said(earlier))] == _said(earlier)
    assert [found for one in asked for found in violations(one["path"], one["body"])] == []
    wrong = {"input" if protocol == "responses" else "messages": [{"role": "user", "content": 7}]}
    assert violations(asked[0]["path"], asked[0]["body"] | wrong), "the schema of the vendor rejects what is wrong"


def _fixed(body: dict[str, Any]) -> dict[str, Any]:
    """A request without what differs between turns."""
    fixed = {name: value for name, value in body.items() if name not in ("messages", "input", "seed", "options")}
    return fixed | {"options": {name: value for name, value in body.get("options", {}).items() if name != "seed"}}


def _said(body: dict[str, Any]) -> Sequence[Any]:
    """The messages of a request; of Anthropic's each part, without the mark of the end of the prefix."""
    messages = body.get("messages") or body["input"]
    return [
        (message.get("role"), {name: value for name, value in part.items() if name != "cache_control"})
        for message in messages
        for part in (message["content"] if isinstance(message.get("content"), list) else [message])
    ]
