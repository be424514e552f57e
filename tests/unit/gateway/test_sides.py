"""How the batches of the two sides of a rehearsal differ."""

from typing import Any

import pytest

from greenroom.gateway.v1.rehearsal_pb2 import RehearsalSpec, Side
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from greenroom.synthesizer.v1.conversation_pb2 import AgentTarget, ConversationSpec, HttpAgent
from services.gateway.rehearsals.messages import batch_spec, rehearsal_spec, sides_of

JUDGED = BatchSpec(
    conversation=ConversationSpec(procedure="procedures/p", revision=3, agent_model="openai:a", seed=1),
    size=7,
    labels=["nightly"],
)
BOT = AgentTarget(http=HttpAgent(url="https://bot.test/{pull_request}"))


@pytest.mark.parametrize(
    ("side", "changes"),
    [
        (Side(procedure="procedures/q"), {"procedure": "procedures/q", "revision": 0}),
        (Side(procedure="procedures/q", revision=2), {"procedure": "procedures/q", "revision": 2}),
        (Side(revision=2), {"revision": 2}),
        (Side(agent_model="openai:b"), {"agent_model": "openai:b"}),
        (Side(agent=BOT, agent_pull_request=42), {"agent": BOT, "agent_pull_request": 42}),
        (Side(seed=0), {"seed": 0}),
    ],
    ids=["procedure", "procedure and revision", "revision", "model", "agent and pull request", "seed"],
)
def test_the_other_side_differs_in_what_it_names_and_in_nothing_else(side: Side, changes: dict[Any, Any]) -> None:
    spec = rehearsal_spec(RehearsalSpec(batch=JUDGED, compare=side))

    wanted = BatchSpec()
    wanted.CopyFrom(JUDGED)
    for name in changes:
        wanted.conversation.ClearField(name)
    wanted.conversation.MergeFrom(ConversationSpec(**changes))
    assert batch_spec(spec, 0) == JUDGED
    assert batch_spec(spec, 1) == wanted
    assert [one.label for one in sides_of(spec)] == ["new", "baseline"]


def test_another_procedure_replaces_the_revisions_that_sources_are_linked_to() -> None:
    linked = BatchSpec(linked_revisions=True)
    spec = rehearsal_spec(RehearsalSpec(batch=linked, compare=Side(procedure="procedures/q")))

    assert batch_spec(spec, 1) == BatchSpec(conversation=ConversationSpec(procedure="procedures/q"))
