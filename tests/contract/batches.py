"""Helpers of the batch tests: specify a batch, play it, and read its results."""

from typing import Any

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2
from tests import rehearsals
from tests.scripted import Script, Theatre, leaves, refuses, source_line

REFUSING = Script(persona=[refuses(), leaves()])


def spec(stage: Theatre, script: Script | None = None, size: int = 4, **fields: Any) -> pb.BatchSpec:
    """A batch of the theatre's procedure. fields: of BatchSpec, or else of its ConversationSpec."""
    ours = {name: fields.pop(name) for name in list(fields) if name in pb.BatchSpec.DESCRIPTOR.fields_by_name}
    return pb.BatchSpec(conversation=stage.spec(script, persona="", **fields), size=size, **ours)


async def over(stage: Theatre, name: str) -> pb.Batch:
    """The batch, once it is over."""
    return await rehearsals.over(stage.client, name)


async def play(stage: Theatre, script: Script | None = None, **fields: Any) -> pb.Batch:
    """Start a batch and wait until it is over."""
    return await over(stage, (await stage.client.batches.start(spec(stage, script, **fields))).name)


async def results(stage: Theatre, name: str) -> list[pb.BatchResult]:
    """The results of a batch, by index."""
    return [row async for row in stage.client.batches.results(name)]


async def conversations(stage: Theatre, name: str) -> list[conversation_pb2.Conversation]:
    """The conversations of a batch, by index."""
    return [await stage.client.conversations.get(row.conversation) for row in await results(stage, name)]


async def sources(stage: Theatre, prefix: str, count: int, **more: Any) -> list[str]:
    """Import `count` sources and return their names. prefix: of their external ids."""
    return await stage.import_sources(*(source_line(f"{prefix}-{n}", **more) for n in range(count)))


def added_up(counts: pb.BatchCounts) -> int:
    """The sum of all counts."""
    return sum(value for _, value in counts.ListFields())
