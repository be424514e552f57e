"""Contacts of campaigns: those in a file, and those whom a model plays."""

from collections.abc import AsyncIterator, Sequence

import pytest

from greenroom.client import Client, GreenroomError
from greenroom.synthesizer.v1 import batch_pb2
from greenroom.synthesizer.v1.campaign_simulation_pb2 import Interaction
from greenroom.synthesizer.v1.conversation_pb2 import AgentTarget, CampaignAgent, Conversation, ConversationSpec
from greenroom.type.v1.event_pb2 import Event
from services.synthesizer.conversations.prompts import CONTACT_PROMPT
from tests.rehearsals import over
from tests.scripted import COST, Script, ScriptedModel, answers, leaves, says, stays_silent
from tests.suite import suite

CAMPAIGN = """\
display_name: Visits
contact: {first_name: {}, plan: {}, visits: {type: integer}, since: {type: date}, vip: {type: boolean}}
steps:
  - {id: ask, send_sms: {body: 'Hi {{ contact.first_name }}, {{ contact.visits }} visits. Coming?'}, next: wait}
  - {id: wait, wait_for_reply: {timeout: 1 day}, next: mail}
  - {id: mail, send_email: {subject: Soon, body: 'See https://shop.example/'}, next: pause}
  - {id: pause, delay: {duration: 9 days}, next: which}
  - id: which
    condition:
      branches: [{name: regular, when: 'contact.visits > 10 && "gold" in tags', next: done}]
      otherwise: bye
  - {id: done, goal: {}}
  - {id: bye, exit: {}}
"""
CSV = """\
id,first_name,visits,tags,time_zone,since,vip
a-1,Ana,12,gold; early,Europe/Berlin,2026-01-02,true
a-2,Ben,3,,,,
a-3,"Cay, Dr.",44,gold,America/New_York,,FALSE
"""
ROWS = """\
{"id": 7, "first_name": "Ana", "visits": 12, "tags": ["gold"]}

{"id": "b", "first_name": "Ben", "visits": 3}
"""


@pytest.fixture(scope="module")
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory, model: ScriptedModel) -> AsyncIterator[Client]:
    async with suite("sqlite", tmp_path_factory.mktemp("suite"), model=model) as greenroom:
        yield greenroom.client


def batch_of(contacts: str, size: int = 0) -> batch_pb2.BatchSpec:
    agent = AgentTarget(campaign=CampaignAgent(files=[CAMPAIGN], contacts=contacts))
    return batch_pb2.BatchSpec(conversation=ConversationSpec(agent=agent, model="offline"), size=size)


async def test_each_row_of_a_contacts_file_is_a_contact_of_the_batch(client: Client) -> None:
    for contacts, size, expected in (
        (CSV, 0, ["Hi Ana, 12 visits.", "Hi Ben, 3 visits.", "Hi Cay, Dr., 44 visits."]),
        (ROWS, 3, ["Hi Ana, 12 visits.", "Hi Ben, 3 visits.", "Hi Ana, 12 visits."]),
    ):
        started = await client.batches.start(batch_of(contacts, size))
        done = await over(client, started.name)
        assert done.counts.completed == len(expected)
        results = [row async for row in client.batches.results(done.name)]
        rows = [[one async for one in client.simulations.interactions(row.conversation)] for row in results]
        assert [one[0].message.removesuffix(" Coming?") for one in rows] == expected
        ends = [[row.step for row in one if row.type in ("goal", "exit")] for one in rows]
        assert ends == [["done" if "Ben" not in said else "bye"] for said in expected]


@pytest.mark.parametrize(
    ("contacts", "wrong"),
    [
        (
            "id,visits,paln,time_zone,since,vip\nx,many,pro,Mars/Base,2026-02-30,maybe\nx,1,,,,\n",
            [
                "Row 1, field `visits`: should be of type integer, not 'many'.",
                "Row 1, field `paln`: no campaign declares it (did you mean `plan`?).",
                "Row 1, field `time_zone`: The time zone `Mars/Base` is unknown; use a name such as `Europe/Berlin`.",
                "Row 1, field `since`: should be of type date, not '2026-02-30'.",
                "Row 1, field `vip`: should be of type boolean, not 'maybe'.",
                "Row 2, field `id`: `x` is the id of row 1, too.",
            ],
        ),
        ('{"visits": "4", "tags": [1]}\n', ["Row 1, field `visits`: should be of type integer, not '4'."]),
        ('{"visits": 4}\n[1]\n', ["Row 2: it is no JSON object."]),
        ("visits\n1,2\n", ["Row 1: it has 2 cells, and the header has 1."]),
        ("visits,visits\n1,2\n", ["Row 1: the header has a column twice."]),
        ('visits\n"1\n', ["Row 1: it is no CSV: unexpected end of data."]),
        ("visits\n", ["There is no row."]),
    ],
)
async def test_what_is_wrong_with_a_contacts_file_is_named_with_row_and_field(
    client: Client, contacts: str, wrong: Sequence[str]
) -> None:
    with pytest.raises(GreenroomError) as refused:
        await client.batches.start(batch_of(contacts))
    told = [one.description for one in refused.value.violations if one.field.endswith("agent.campaign.contacts")]
    assert told[: len(wrong)] == wrong


async def played(client: Client, seed: int) -> tuple[Conversation, Sequence[Event], Sequence[Interaction]]:
    started = await client.simulations.start([CAMPAIGN], "personas/busy-bob", seed=seed, model="another")
    async with client.conversations.watch(started.name) as events:
        async for _ in events:
            pass
    done = await client.conversations.get(started.name)
    found = [event async for event in client.conversations.events(started.name)]
    return done, found, [row async for row in client.simulations.interactions(started.name)]


async def test_a_model_plays_a_contact_with_its_thoughts_and_is_metered(client: Client, model: ScriptedModel) -> None:
    model.scripts[1] = Script(persona=[says("Yes please"), leaves()])
    done, events, rows = await played(client, 1)
    assert done.state == Conversation.STATE_COMPLETED
    sms, mail = (row.response for row in rows if row.status == Interaction.STATUS_SENT)
    assert (sms.reply, sms.reasoning, sms.likely_to_convert) == ("Yes please", "So it goes.", 50)
    assert sms.after_milliseconds > 0
    assert (mail.reply, mail.unsubscribes) == ("", True)
    assert [row.reply for row in rows if row.type == "wait_for_reply"] == ["Yes please"]
    assert [row.channel for row in rows if row.opts_out] == ["email"]

    asked = model.scripts[1].asked
    assert [[message.text for message in one.messages] for one in asked] == [
        ["Hi Bob,  visits. Coming?"],
        ["Hi Bob,  visits. Coming?", "Yes please", "Subject: Soon\n\nSee https://shop.example/"],
    ]
    called = [event.model_call for event in events if event.HasField("model_call")]
    assert {one.prompt for one in called} == {CONTACT_PROMPT.digest}
    assert (done.usage.model_calls, done.usage.input_tokens) == (2, 2 * COST.input_tokens)


async def test_an_answer_that_cannot_be_used_is_asked_for_again_and_then_fails_with_its_reason(
    client: Client, model: ScriptedModel
) -> None:
    model.scripts[2] = Script(persona=[answers("What?"), says("Fine"), stays_silent()])
    done, _, rows = await played(client, 2)
    assert done.state == Conversation.STATE_COMPLETED
    assert [row.reply for row in rows if row.reply] == ["Fine"]
    assert done.usage.model_calls == 3

    model.scripts[3] = Script(persona=[answers("What?")])
    done, _, rows = await played(client, 3)
    assert (done.state, done.ended.reason) == (Conversation.STATE_FAILED, "PERSONA_REPLY_UNUSABLE")
    assert "gave no usable reply twice" in done.ended.detail
    assert (done.usage.model_calls, len(rows)) == (2, 0)
