"""Simulations of campaigns: conversations whose agent is a campaign, and their interactions."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from greenroom.client import Client, GreenroomError
from greenroom.synthesizer.v1 import batch_pb2
from greenroom.synthesizer.v1.campaign_simulation_pb2 import CoveredEdge, Interaction
from greenroom.synthesizer.v1.conversation_pb2 import (
    AgentTarget,
    CampaignAgent,
    Conversation,
    ConversationSpec,
    StoredCampaign,
)
from greenroom.synthesizer.v1.tool_config_pb2 import ToolConfig, ToolMock
from tests.rehearsals import over
from tests.suite import suite

WELCOME = """\
display_name: Welcome
time_zone: Europe/Berlin
contact: {first_name: {}, visits: {type: integer}}
expectations: [nothing after STOP]
steps:
  - {id: hi, send_sms: {body: 'Hi {{ contact.first_name }}, shall we book you in? Reply YES or NO'}, next: wait}
  - {id: wait, wait_for_reply: {timeout: 2 days, on_timeout: mail}, next: which}
  - id: which
    condition:
      branches: [{when: 'reply == "YES"', next: lookup, name: yes_branch}]
      otherwise: mail
  - {id: lookup, webhook: {tool: slots, arguments: {who: '{{ contact.first_name }}'}}, next: booked}
  - {id: booked, send_sms: {body: 'See you on {{ results.slots.day }}'}, next: done}
  - {id: done, goal: {name: booking}}
  - {id: mail, send_email: {subject: Still there?, body: 'Look at https://shop.example/a'}, next: pause}
  - {id: pause, delay: {duration: 3 days, time: '9:00'}, next: again}
  - {id: again, send_sms: {body: Last call}}
"""
SLOTS = ToolConfig(mocks=[ToolMock(tool="slots")])
SLOTS.mocks[0].default_answer.value.struct_value.update({"day": "Friday"})


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with suite("sqlite", tmp_path_factory.mktemp("suite")) as greenroom:
        yield greenroom.client


async def simulated(client: Client, persona: str, seed: int, *files: str) -> tuple[Conversation, Sequence[Interaction]]:
    """A finished simulation with its interactions."""
    started = await client.simulations.start(files, persona, seed=seed, tool_config=SLOTS)
    async with client.conversations.watch(started.name) as events:
        async for _ in events:
            pass
    done = await client.conversations.get(started.name)
    return done, [row async for row in client.simulations.interactions(started.name)]


async def test_a_persona_is_played_through_a_campaign_and_every_step_is_a_row(client: Client) -> None:
    seen: dict[str, Sequence[Interaction]] = {}
    for seed in range(12):
        done, rows = await simulated(client, "personas/eager-eddie", seed, WELCOME)
        assert done.state == Conversation.STATE_COMPLETED
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert [row.time.ToMilliseconds() for row in rows] == sorted(row.time.ToMilliseconds() for row in rows)
        assert rows[0].message == "Hi Eddie, shall we book you in? Reply YES or NO"
        seen.setdefault(rows[-1].step, rows)
        events = [event async for event in client.conversations.events(done.name)]
        said = [event.agent_message.text for event in events if event.HasField("agent_message")]
        assert said == [
            f"Subject: {row.subject}\n\n{row.message}" if row.subject else row.message
            for row in rows
            if row.status == Interaction.STATUS_SENT
        ]
    booked = seen["done"]
    assert [(row.step, row.branch or row.ended) for row in booked[:6]] == [
        ("hi", "next"),
        ("wait", "reply"),
        ("which", "yes_branch"),
        ("lookup", "next"),
        ("booked", "next"),
        ("done", "goal"),
    ]
    assert booked[1].reply == booked[0].response.reply == "YES"
    assert booked[1].delay_milliseconds == booked[0].response.after_milliseconds > 0
    assert booked[3].answer.struct_value["day"] == "Friday"
    assert booked[4].message == "See you on Friday"
    assert "again" in seen


async def test_the_same_seed_gives_the_same_rows_alone_and_the_same_digests_in_a_batch(client: Client) -> None:
    first, rows = await simulated(client, "personas/cold-carl", 5, WELCOME, WELCOME)
    again, same = await simulated(client, "personas/cold-carl", 5, WELCOME, WELCOME)
    assert (first.digest, rows) == (again.digest, same)
    assert {row.campaign for row in rows} == {0, 1}

    conversation = ConversationSpec(
        agent=AgentTarget(campaign=CampaignAgent(files=[WELCOME])), tool_config=SLOTS, model="offline", seed=9
    )
    digests = []
    for _ in range(2):
        started = await client.batches.start(batch_pb2.BatchSpec(conversation=conversation, size=14))
        done = await over(client, started.name)
        assert done.counts.completed == 14
        digests.append([row.digest async for row in client.batches.results(done.name)])
    [summary] = await client.simulations.summarize(batch=done.name)
    taken = {(edge.step, edge.branch): edge for edge in summary.edges}
    assert (summary.contacts, taken["hi", "next"].times) == (14, 14)
    assert sum(taken["hi", "next"].personas.values()) == len(taken["hi", "next"].personas) * 2 == 14
    assert taken["wait", "reply"].times + taken["wait", "timeout"].times == 14
    assert summary.converted == taken["booked", "next"].times > 0
    shown = [row async for row in client.simulations.interactions(taken["booked", "next"].conversation)]
    assert "booked" in [row.step for row in shown]
    [nothing_after_stop] = summary.expectations
    assert nothing_after_stop.met + nothing_after_stop.missed == 14
    assert bool(nothing_after_stop.missed) == bool(summary.errors)
    assert digests[0] == digests[1]
    assert len(set(digests[0])) > 5


async def test_stored_campaigns_are_played_in_the_revision_that_the_start_found(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "hello.yaml"
    file.write_text("display_name: X\nsteps: [{id: hello, send_sms: {body: Hello}, next: done}, {id: done, goal: {}}]")
    name = (await client.campaigns.create(file)).campaign.name
    file.write_text(file.read_text().replace("Hello", "Hello again"))
    await client.campaigns.add_revision(name, file)
    first, newest = StoredCampaign(campaign=name, revision=1), StoredCampaign(campaign=name)

    started = await client.simulations.start(
        [WELCOME], "personas/cold-carl", stored=[first, newest], tool_config=SLOTS, seed=5
    )
    async with client.conversations.watch(started.name) as events:
        async for _ in events:
            pass
    rows = [row async for row in client.simulations.interactions(started.name)]
    assert {row.campaign: row.message for row in rows if row.type == "send_sms" and row.campaign} == {
        1: "Hello",
        2: "Hello again",
    }
    kept = (await client.conversations.get(started.name)).spec.agent.campaign.stored
    assert [(one.revision, "Hello again" in one.content) for one in kept] == [(1, False), (2, True)]

    spec = ConversationSpec(agent=AgentTarget(campaign=CampaignAgent(stored=[newest])), model="offline")
    batch = await client.batches.start(batch_pb2.BatchSpec(conversation=spec, size=7))
    await client.campaigns.delete(name)
    assert batch.spec.conversation.agent.campaign.stored[0].revision == 2
    assert (await over(client, batch.name)).counts.completed == 7
    [summary] = await client.simulations.summarize(batch=batch.name)
    assert (summary.display_name, summary.converted) == ("X", 7)
    with pytest.raises(GreenroomError, match=f"no campaign {name}"):
        await client.simulations.start([], "personas/cold-carl", stored=[newest])


FORKED = """\
display_name: Forked
contact: {first_name: {}, plan: {values: [free, pro], default: free}, visits: {type: integer, minimum: 0}}
steps:
  - id: fork
    condition:
      branches:
        - {name: regular, when: 'contact.plan == "pro" && contact.visits > 20 && "vip" in tags', next: ask}
        - {name: nobody, when: 'contact.visits < 0', next: ask}
        - {name: weekend, when: 'time.weekday == "sunday" && contact.plan == "pro"', next: bye}
      otherwise: bye
  - {id: ask, send_sms: {body: 'Reply 1 for a call, 2 for a visit or 3 for neither.'}, next: wait}
  - {id: wait, wait_for_reply: {timeout: 2 days, on_timeout: bye}, next: which}
  - id: which
    condition:
      branches:
        - {name: call, when: 'reply == "1"', next: sure}
        - {name: third, when: 'reply == "3"', next: lookup}
        - {name: free, when: 'contact.plan == "free"', next: bye}
        - {name: odd, when: 'reply == "seventeen"', next: bye}
      otherwise: bye
  - {id: sure, send_sms: {body: 'Sure? Reply YES'}, next: again}
  - {id: again, wait_for_reply: {timeout: 1 day, on_timeout: bye}, next: bye}
  - {id: lookup, webhook: {tool: slots}, next: day}
  - {id: day, condition: {branches: [{name: friday, when: 'results.slots.day == "Friday"', next: bye}]}}
  - {id: bye, exit: {}}
"""


async def test_contacts_are_added_until_every_edge_is_taken_or_shown_to_be_unreachable(client: Client) -> None:
    agent = CampaignAgent(files=[FORKED])
    found, again = [
        [message async for message in client.simulations.cover(agent, tool_config=SLOTS, seed=3, budget=400)]
        for _ in range(2)
    ]
    last = found[-1]
    assert [len(one.campaigns) for one in found] == [*[0] * (len(found) - 1), 1]
    edges = {(one.edge.step, one.edge.branch): one for one in last.campaigns[0].edges}
    missed = {place: one for place, one in edges.items() if one.verdict != CoveredEdge.VERDICT_TAKEN}
    assert {place: one.verdict for place, one in missed.items()} == {
        ("fork", "nobody"): CoveredEdge.VERDICT_UNREACHABLE,
        ("which", "free"): CoveredEdge.VERDICT_UNREACHABLE,
        ("which", "odd"): CoveredEdge.VERDICT_NOT_FOUND,
    }
    assert missed["fork", "nobody"].reason == "Its condition holds for no contact: contact.visits < 0"
    assert "conditions before it exclude that" in missed["which", "free"].reason
    assert missed["which", "odd"].reason.startswith("Not found with 400 contacts; those who came to `which`")
    assert (last.contacts, last.taken, last.unreachable, last.open) == (400, len(edges) - 3, 2, 1)

    for place, one in edges.items():
        if place not in missed:
            async with client.conversations.watch(one.edge.conversation) as events:
                async for _ in events:
                    pass
            rows = [row async for row in client.simulations.interactions(one.edge.conversation)]
            assert place in [(row.step, row.branch) for row in rows]
            assert one.edge.times == sum(one.edge.personas.values()) > 0
            one.edge.conversation = ""
    for one in again[-1].campaigns[0].edges:
        one.edge.conversation = ""
    assert again[-1] == last

    fixed = CampaignAgent(files=[FORKED])
    fixed.contact.update({"plan": "free"})
    *_, last = [message async for message in client.simulations.cover(fixed, tool_config=SLOTS, budget=30)]
    assert last.unreachable > 5


async def test_a_message_after_an_opt_out_is_an_error_of_its_row(client: Client) -> None:
    for seed in range(20):
        _, rows = await simulated(client, "personas/cold-carl", seed, WELCOME)
        stopped = next((row.seq for row in rows if row.opts_out and row.channel == "sms"), len(rows))
        later = [row for row in rows[stopped:] if row.status == Interaction.STATUS_SENT and row.channel == "sms"]
        if later:
            assert [row.passed for row in later] == [False] * len(later)
            assert later[0].expected == "No sms after the opt-out, but one confirmation."
            return
    pytest.fail("Cold Carl never opted out of SMS in time.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [", "campaign 1"),
        ("display_name: X\nsteps: [{id: hi, send_smss: {body: Hi}}]", "send_sms"),
        (WELCOME.replace("tool: slots", "tool: nobody_mocks"), "`lookup` calls the webhook `nobody_mocks`"),
        (WELCOME.replace("Europe/Berlin", "Mars/Base"), "should be the IANA name of a time zone"),
    ],
)
async def test_a_campaign_that_cannot_be_played_is_refused_with_the_step_and_the_field(
    client: Client, text: str, said: str
) -> None:
    with pytest.raises(GreenroomError) as refused:
        await simulated(client, "personas/eager-eddie", 0, text)
    assert said in str(refused.value) + str(refused.value.violations)


async def test_a_step_that_cannot_be_performed_fails_the_conversation(client: Client) -> None:
    broken = "display_name: X\nsteps: [{id: hi, send_sms: {body: '{{ contact.x | nonsense }}'}}]"
    done, rows = await simulated(client, "personas/eager-eddie", 0, broken)
    assert (done.state, done.ended.reason) == (Conversation.STATE_FAILED, "CAMPAIGN_STEP_FAILED")
    assert "nonsense" in done.ended.detail
    assert [(row.step, row.passed) for row in rows] == [("hi", False)]


async def test_a_campaign_whose_next_step_is_due_after_the_year_9999_ends_and_says_so(client: Client) -> None:
    late = (
        "display_name: Late\nsteps:\n  - {id: wait, delay: {duration: 3000 days}, next: bye}\n  - {id: bye, exit: {}}\n"
    )
    epoch = datetime(9999, 1, 1, tzinfo=UTC)
    started = await client.simulations.start([late], "personas/eager-eddie", epoch=epoch)
    async with client.conversations.watch(started.name) as events:
        async for _ in events:
            pass
    ended = [event.ended async for event in client.conversations.events(started.name)][-1]
    assert ended.reason == "TIME_OVER"
    assert "year 9999" in ended.detail
