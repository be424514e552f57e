"""SIGKILL while a person talks to an agent: who repeats the call whose answer was lost goes on where they were."""

from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

import pytest

from greenroom.client import Client, GreenroomError
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1.event_pb2 import Event, UserMessage
from tests.durable.synthesizers import Store, synthesizer
from tests.durable.test_tool_kills import prepared
from tests.suite import suite

LINES = ("Hello, please count.", "Ada Byron", "Thanks, that is all.")
MOMENTS = ("model:1", "commit:3", "commit:1", "model:2")
"""Kills inside a call of the model, after a line of the person is stored, and after a step of the agent is."""


@dataclass
class Person:
    """A person in a conversation. last: the seq of the last event that they saw; said: how many lines they said."""

    conversation: str
    last: int = 1
    said: int = 0

    async def talk(self, client: Client) -> None:
        """Let the agent play until it is the person's turn, say the next line, and so on until the agent ends."""
        while True:
            seen = await client.conversations.play(self.conversation, after_seq=self.last)
            if not seen:
                line = [Event(user_message=UserMessage(text=LINES[self.said]))]
                seen = await client.conversations.append(
                    self.conversation, line, request_id=f"{self.conversation}-{self.said}"
                )
                self.said += 1
            self.last = seen[-1].seq
            if seen[-1].HasField("ended"):
                return


async def opened(client: Client, folder: Path) -> Person:
    spec = (await prepared(client, folder)).conversation
    spec.type, spec.persona = pb.CONVERSATION_TYPE_MANUAL, "personas/busy-bob"
    return Person((await client.conversations.start(spec)).name)


async def told(client: Client, person: Person) -> tuple[str, list[bytes]]:
    """The digest, and what happened in the conversation, without the names of events and calls."""
    bodies = []
    async for event in client.conversations.events(person.conversation):
        kept = Event(turn=event.turn, seq=event.seq, user_message=event.user_message, agent_message=event.agent_message)
        kept.tool_result.answer.CopyFrom(event.tool_result.answer)
        bodies.append(kept.SerializeToString(deterministic=True))
    return (await client.conversations.get(person.conversation)).digest, bodies


async def test_kills_in_a_manual_conversation_lose_and_repeat_nothing(
    store: Store, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with synthesizer(store) as (_, client):
        person = await opened(client, tmp_path)
    asked: list[str] = []
    for life, moment in enumerate((*MOMENTS, "never:0")):
        calls = tmp_path / f"calls-{life}"
        async with synthesizer(store, KILL_AT=moment, CALLS_TO=str(calls)) as (process, client):
            if moment in MOMENTS:
                with pytest.raises(GreenroomError) as lost:
                    await person.talk(client)
                assert lost.value.code == "UNAVAILABLE"
                assert await process.died() == -SIGKILL
            else:
                await person.talk(client)
                found = await told(client, person)
        asked += calls.read_text().splitlines()

    async with suite("sqlite", tmp_path_factory.mktemp("undisturbed")) as greenroom:
        other = await opened(greenroom.client, tmp_path)
        await other.talk(greenroom.client)
        assert await told(greenroom.client, other) == found
    assert person.said == len(LINES)
    in_calls = sum(moment.startswith("model") for moment in MOMENTS)
    assert len(asked) - len(set(asked)) == in_calls, "only the calls that were cut off are made again"
