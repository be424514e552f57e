"""A rehearsal whose procedure names a domain, with enricher, synthesizer and models apart, also after a SIGKILL."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL

from greenroom.client import Client, connect
from greenroom.synthesizer.v1.conversation_pb2 import Conversation, ConversationSpec
from greenroom.synthesizer.v1.procedure_pb2 import Procedure, Revision
from tests.contract.tokens import SECRET, token
from tests.durable.model_kills import model_server
from tests.durable.model_kills import settings as model_settings
from tests.processes import PATIENCE, Service, service
from tests.scripted import refused
from tests.suite import HOUSE_KEY

RULE = "No more pieces are returned than were bought."
STEP = "1. Ask to return some pieces of an item."


@asynccontextmanager
async def synthesizer(settings: Mapping[str, str], **environment: str) -> AsyncIterator[tuple[Service, Client]]:
    async with (
        service("tests.durable.killable", {**settings, **environment}) as process,
        connect(process.address, timeout=PATIENCE, token=token("acme")) as client,
    ):
        yield process, client


async def over(client: Client, name: str) -> Conversation:
    async with client.conversations.watch(name) as events:
        async for _ in events:
            pass
    assert events.summary is not None
    return events.summary


async def test_a_killed_rehearsal_shows_the_context_that_its_procedure_kept_while_the_enricher_is_gone(
    tmp_path: Path,
) -> None:
    house = {"GREENROOM_JWT_SECRET": SECRET, "GREENROOM_HOUSE_KEY": HOUSE_KEY}
    content = Revision(instructions="Take the return.", domain="domains/ecommerce")
    async with model_server() as models:
        settings = {**house, **model_settings(models), "GREENROOM_MODEL_HOSTS": "127.0.0.1"}
        settings["GREENROOM_DATA_DIR"] = str(tmp_path / "synthesizer")
        async with service("services.enricher", house | {"GREENROOM_DATA_DIR": str(tmp_path / "enricher")}) as enricher:
            settings["GREENROOM_ENRICHER_ADDRESS"] = enricher.address
            async with synthesizer(settings) as (process, client):
                made = await client.procedures.create(Procedure(display_name="Returns"), content, ready=True)
                few = token("acme", permissions=["procedures.*"])
                async with (
                    connect(process.address, timeout=PATIENCE, token=few) as lacking,
                    refused("PERMISSION_DENIED", "PERMISSION_MISSING") as errors,
                ):
                    await lacking.procedures.add_revision(made.procedure.name, content)
                assert "domains.read" in str(errors[0])
        spec = ConversationSpec(
            procedure=made.procedure.name,
            persona="personas/eager-eddie",
            persona_model="openai:persona",
            agent_model="openai:text",
            seed=5,
            max_turns=4,
        )
        async with synthesizer(settings) as (_, client):
            whole = await over(client, (await client.conversations.start(spec)).name)
            async with refused("UNAVAILABLE", "PEER_UNAVAILABLE") as errors:
                await client.procedures.add_revision(made.procedure.name, content)
            assert "The service enricher cannot be reached" in str(errors[0])
        async with synthesizer(settings, KILL_AT="commit:3") as (process, client):
            started = await client.conversations.start(spec)
            assert await process.died() == -SIGKILL
        async with synthesizer(settings) as (_, client):
            resumed = await over(client, started.name)
        await models.read()

    assert (resumed.state, resumed.digest) == (Conversation.STATE_COMPLETED, whole.digest)
    shown = {
        side: {(RULE in one, STEP in one) for one in models.asked if f"'model': '{side}'" in one}
        for side in ("persona", "text")
    }
    assert shown == {"persona": {(False, True)}, "text": {(True, True)}}
