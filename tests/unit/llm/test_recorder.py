"""A recorded call is found by all that was asked, and its answer comes back whole."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from shared.llm.base import Caller, ChatReply, ChatRequest, Message, Output, ToolRequest
from shared.llm.recorder import Key, Recorded, Recorder, Replay
from shared.model.events import Json
from shared.model.steps import Tool
from tests.unit.llm.asking import HELLO, REQUEST, Asked

ASKED = replace(REQUEST, messages=(Message("user", "Where is it?"),), caller=Caller("acme", "", "conversations/c"))


class Recordings:
    """Keeps recordings in memory."""

    def __init__(self) -> None:
        self._all: list[Recorded] = []

    async def own(self, caller: Caller, key: Key) -> Mapping[str, Json] | None:
        return next((one.answer for one in self._all if (one.caller, one.key) == (caller, key)), None)

    async def newest(self, company: str, key: Key) -> Mapping[str, Json] | None:
        return next((one.answer for one in self._all if (one.caller.company, one.key) == (company, key)), None)

    async def nearest(self, company: str, key: Key) -> Mapping[str, Json] | None:
        return next((one.request for one in self._all if (one.caller.company, one.key.seq) == (company, key.seq)), None)

    async def put(self, recorded: Recorded) -> None:
        self._all.append(recorded)


async def times_asked(*requests: ChatRequest) -> int:
    """How often the model is asked for requests of which it has recorded the earlier ones."""
    model = Asked()
    recorder = Recorder(model, Recordings())
    for request in requests:
        await recorder.complete(request)
    return len(model.requests)


async def test_the_same_call_is_made_once() -> None:
    assert await times_asked(ASKED, ASKED) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"model": "acme:large"},
        {"system": "Be curt."},
        {"messages": (Message("user", "Where is it now?"),)},
        {"messages": (Message("assistant", "Where is it?"),)},
        {"messages": (*ASKED.messages, Message("assistant", call=ToolRequest("find", {"order": "O-7"}, "c1")))},
        {"tools": (Tool("find", "Find an order.", {}),)},
        {"output": Output("mood", {"type": "object"})},
        {"temperature": 0.5},
        {"max_tokens": 5},
        {"seed": 2},
        {"index": 1},
        {"seq": 2},
        {"repeat": 1},
        {"caller": replace(ASKED.caller, attempt=2)},
        {"caller": replace(ASKED.caller, conversation="conversations/d")},
    ],
    ids=lambda change: "-".join(change),
)
async def test_another_call_is_made_although_one_is_recorded(change: dict[str, Any]) -> None:
    assert await times_asked(ASKED, replace(ASKED, **change)) == 2


async def test_a_replay_answers_as_the_model_did_also_with_arguments_that_were_not_json() -> None:
    call = ToolRequest("find", problem="The arguments must be one JSON object.")
    answer, store = replace(HELLO, calls=(call, ToolRequest("find", {"order": "O-7"}))), Recordings()
    await Recorder(Asked(lambda _: answer), store).complete(ASKED)

    replayed = await Replay(store).complete(ASKED)

    assert replayed == replace(answer, usage=replayed.usage, recorded=True)
    assert isinstance(replayed, ChatReply)
