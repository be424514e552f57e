"""SIGKILL while personas are played through a campaign: no message, reply or call is lost or done twice."""

from contextlib import suppress
from signal import SIGKILL

from greenroom.client import Client, GreenroomError
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from greenroom.synthesizer.v1.conversation_pb2 import AgentTarget, CampaignAgent, ConversationSpec
from tests.durable.synthesizers import Store, synthesizer
from tests.rehearsals import over

CAMPAIGN = """\
display_name: Three offers
steps:
  - {id: one, send_sms: {body: 'Shall we book you in? Reply YES or NO'}, next: wait}
  - {id: wait, wait_for_reply: {timeout: 2 days}, next: arms}
  - {id: arms, split: {arms: [{name: mail, next: mail}, {name: text, next: two}]}}
  - {id: mail, send_email: {subject: Offer, body: 'What do you think? https://shop.example/a'}, next: pause}
  - {id: two, send_sms: {body: 'Shall we call you? Reply YES or NO'}, next: pause}
  - {id: pause, delay: {duration: 3 days}, next: last}
  - {id: last, send_sms: {body: 'Last call. Reply YES or NO'}}
"""
SPEC = BatchSpec(
    conversation=ConversationSpec(
        agent=AgentTarget(campaign=CampaignAgent(files=[CAMPAIGN])), model="offline", persona_model="offline", seed=4
    ),
    size=14,
)


async def test_a_batch_of_campaigns_that_is_killed_twice_has_the_digests_and_rows_of_an_undisturbed_one(
    store: Store,
) -> None:
    async with synthesizer(store) as (_, client):
        killed = (await client.batches.start(SPEC, create_only=True)).name
    async with synthesizer(store, KILL_AT="commit:20") as (process, client):
        # The server may die before it answers.
        with suppress(GreenroomError):
            await client.batches.run(killed)
        assert await process.died() == -SIGKILL
    async with synthesizer(store, KILL_AT="commit:25") as (process, _):
        assert await process.died() == -SIGKILL
    async with synthesizer(store) as (_, client):
        await over(client, killed)
        undisturbed = (await client.batches.start(SPEC)).name
        await over(client, undisturbed)
        assert await _found(client, killed) == await _found(client, undisturbed)


async def _found(client: Client, batch: str) -> list[tuple[str, list[str]]]:
    """The digest and the interactions of each conversation."""
    return [
        (row.digest, [str(one) async for one in client.simulations.interactions(row.conversation)])
        async for row in client.batches.results(batch)
    ]
