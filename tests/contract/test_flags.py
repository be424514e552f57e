"""Feature flags: what is off is refused by its name when it is started; nothing that runs is stopped."""

import os
from pathlib import Path
from typing import Any

import pytest
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from pydantic import SecretStr

from greenroom.client import Client, connect
from greenroom.client import GreenroomError as CallFailed
from greenroom.synthesizer.v1 import persona_pb2
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from greenroom.synthesizer.v1.conversation_pb2 import (
    CONVERSATION_TYPE_MANUAL,
    AgentTarget,
    ConversationSpec,
    HttpAgent,
)
from greenroom.type.v1.event_pb2 import Event, UserMessage
from services.synthesizer.app import build
from services.synthesizer.settings import SynthesizerSettings
from shared.errors import GreenroomError
from shared.rpc.health import Health
from tests.contract.tokens import SECRET, token
from tests.scripted import Held, Script, State, leaves, procedure_line, refused, theatre
from tests.suite import suite

AGENT = AgentTarget(http=HttpAgent(url="http://127.0.0.1:1/act"))
PREVIEW = AgentTarget(http=HttpAgent(url="http://127.0.0.1:1/pr-{pull_request}"))


def spec(**fields: Any) -> ConversationSpec:
    made = ConversationSpec(persona="personas/eager-eddie", agent=AGENT)
    made.MergeFrom(ConversationSpec(**fields))
    return made


def flagged(flags: str, folder: Path, **settings: Any) -> Any:
    """A synthesizer with a file of flags."""
    path = folder / "flags.yaml"
    path.write_text(flags)
    return suite("sqlite", folder, flags=path, **settings)


@pytest.mark.parametrize(
    ("feature", "start"),
    [
        ("generation", spec()),
        ("external_agents", spec()),
        ("external_agents", ConversationSpec(persona="personas/eager-eddie", persona_target=AGENT)),
        ("previews", spec(agent=PREVIEW, agent_pull_request=7)),
        ("live_models", spec(persona_model="ollama:small")),
    ],
)
async def test_a_feature_that_is_off_refuses_a_start_by_its_name(
    tmp_path: Path, feature: str, start: ConversationSpec
) -> None:
    async with flagged(f"{feature}: false", tmp_path) as running:
        async with refused("FAILED_PRECONDITION", "FEATURE_OFF") as errors:
            await running.client.conversations.start(start)
        assert f"The feature {feature} is off" in str(errors[0])

        of_each = ConversationSpec()
        of_each.CopyFrom(start)
        of_each.persona = ""
        async with refused("FAILED_PRECONDITION", "FEATURE_OFF"):
            await running.client.batches.start(BatchSpec(conversation=of_each))


async def test_what_uses_no_feature_that_is_off_goes_on(tmp_path: Path) -> None:
    flags = "external_agents: false\npreviews: false\nlive_models: false\n"
    async with flagged(flags, tmp_path) as running:
        path = tmp_path / "procedures.jsonl"
        path.write_text(procedure_line("orders"))
        await running.client.procedures.import_file(path)
        [procedure] = [one.name async for one in running.client.procedures.list()]
        made = await running.client.conversations.start(
            ConversationSpec(persona="personas/eager-eddie", procedure=procedure), create_only=True
        )
        assert made.state == State.STATE_CREATED

        manual = ConversationSpec(type=CONVERSATION_TYPE_MANUAL, agent=AGENT, persona="personas/eager-eddie")
        by_hand = await running.client.conversations.start(manual)
        assert by_hand.state == State.STATE_OPEN, "nobody calls its agent yet"
        await running.client.conversations.append(by_hand.name, [Event(user_message=UserMessage(text="Hi."))])
        async with refused("FAILED_PRECONDITION", "FEATURE_OFF"):
            await running.client.conversations.play(by_hand.name)


async def test_personas_are_not_generated_where_generation_or_live_models_are_off(tmp_path: Path) -> None:
    for feature, model in (("generation", "offline"), ("live_models", "ollama:small")):
        async with flagged(f"{feature}: false", tmp_path) as running:
            request = persona_pb2.GeneratePersonasRequest(count=1, description="Patient.", model=model)
            async with refused("FAILED_PRECONDITION", "FEATURE_OFF"):
                async for _ in running.client.personas.generate(request):
                    pass


def client(address: str, company: str) -> Any:
    return connect(address, token=token(company))


async def test_the_first_rule_for_the_company_and_the_environment_decides(tmp_path: Path) -> None:
    flags = """
      generation:
        - {company: acme, environment: staging, enabled: false}
        - {company: acme, enabled: true}
        - {environment: production, enabled: false}
    """
    allowed: dict[tuple[str, str], bool] = {}
    for environment in ("staging", "production"):
        settings = {"jwt_secret": SecretStr(SECRET), "environment": environment, "agent_hosts": ("127.0.0.1",)}
        async with flagged(flags, tmp_path, **settings) as running:
            for company in ("acme", "globex"):
                async with client(running.address, company) as caller:
                    allowed[environment, company] = await starts(caller)

    assert allowed == {
        ("staging", "acme"): False,
        ("staging", "globex"): True,
        ("production", "acme"): True,
        ("production", "globex"): False,
    }


async def starts(client: Client) -> bool:
    """True if a conversation starts, False if generation is off."""
    try:
        await client.conversations.start(spec(), create_only=True)
    except CallFailed as error:
        if error.reason == "FEATURE_OFF":
            return False
        raise
    return True


async def test_a_flag_that_changes_stops_the_next_start_and_nothing_that_runs(tmp_path: Path) -> None:
    flags = tmp_path / "flags.yaml"
    flags.write_text("generation: true")
    held = Held(leaves("Bye."))
    async with theatre("sqlite", tmp_path, flags=flags) as stage:
        made = await stage.client.conversations.start(stage.spec(Script(persona=[held])))
        created = await stage.client.conversations.start(stage.spec(), create_only=True)
        await held.begun.wait()

        flags.write_text("generation: false")
        async with refused("FAILED_PRECONDITION", "FEATURE_OFF"):
            await stage.client.conversations.start(stage.spec())
        flags.write_text("generation: maybe")
        os.utime(flags, ns=(1, 1))
        async with refused("FAILED_PRECONDITION", "FEATURE_OFF"):
            await stage.client.conversations.start(stage.spec())

        held.released.set()
        await stage.client.conversations.run(created.name)
        for name in (made.name, created.name):
            assert (await stage.over(name)).state == State.STATE_COMPLETED


async def test_a_file_that_is_just_being_written_turns_no_feature_on(tmp_path: Path) -> None:
    async with flagged("generation: false", tmp_path) as running:
        (tmp_path / "flags.yaml").write_bytes(b"")
        assert not await starts(running.client)

        (tmp_path / "flags.yaml").write_text("{}")
        assert await starts(running.client)


def provider() -> InMemoryProvider:
    """A provider of another vendor's."""
    return InMemoryProvider({"generation": InMemoryFlag("off", {"on": True, "off": False})})


async def test_the_flags_of_another_provider_hold_and_those_that_it_does_not_know_are_on(tmp_path: Path) -> None:
    async with suite("sqlite", tmp_path, flag_provider=f"{__name__}:provider") as running:
        async with refused("FAILED_PRECONDITION", "FEATURE_OFF") as errors:
            await running.client.conversations.start(spec())
        assert "The feature generation is off" in str(errors[0])


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ("preview: false", "there is no feature `preview` (did you mean `previews`?)"),
        ("previews: off-ish", "`previews` is no flag; write true, false, or a list"),
        ("previews: [{company: acme}]", "`previews` is no flag"),
        ("previews: [{enabled: false, region: eu}]", "`previews` is no flag"),
        ("- previews", "write features and whether they are on"),
        ("[]", "write features and whether they are on"),
    ],
)
async def test_a_file_that_is_no_list_of_flags_is_refused_at_the_start(tmp_path: Path, flags: str, why: str) -> None:
    path = tmp_path / "flags.yaml"
    path.write_text(flags)

    with pytest.raises(GreenroomError) as caught:
        await build(SynthesizerSettings(data_dir=tmp_path, flags=path), Health())

    assert why in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere:provider", f"{__name__}:nothing", f"{__name__}:starts", "tests"])
async def test_a_provider_that_is_none_is_refused_at_the_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(GreenroomError, match="GREENROOM_FLAG_PROVIDER"):
        await build(SynthesizerSettings(data_dir=tmp_path, flag_provider=name), Health())
