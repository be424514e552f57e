"""Keys of models: what misses one is refused at the start, and nothing that Greenroom keeps or says has one."""

import json
import os
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from greenroom.synthesizer.v1 import batch_pb2
from greenroom.synthesizer.v1.persona_pb2 import GeneratePersonasRequest
from greenroom.type.v1.event_pb2 import FAULT_INFRASTRUCTURE
from shared.llm.base import ChatRequest, Message
from shared.llm.briefs import AgentBrief
from shared.llm.meter import Meter
from tests import model_stub
from tests.postgres import PostgresServer
from tests.processes import service
from tests.scripted import ScriptedModel, State, Theatre, procedure_line, refused, source_line
from tests.suite import suite
from tests.vendors import PROVIDER, connect

CANARY, HEADER = "sk-canary-4d1f0c2e", "canary of a header"
WORDS = "My canary sings at dawn, and it is late."
AMBIENT = {
    "OPENAI": ("ADMIN_KEY", "API_KEY", "CUSTOM_HEADERS", "ORG_ID", "PROJECT_ID"),
    "ANTHROPIC": ("API_KEY", "AUTH_TOKEN", "CUSTOM_HEADERS", "WORKSPACE_ID"),
    "OLLAMA": ("API_KEY",),
}
"""The variables that the vendors' SDKs read and may send, by their prefixes."""


async def test_a_conversation_with_a_model_that_cannot_be_called_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("GREENROOM_ANTHROPIC_BASE_URL", "https://models.example.com")
    async with suite("sqlite", tmp_path) as running:
        stage = Theatre(running, ScriptedModel(), tmp_path)
        [procedure] = await stage.import_procedures(procedure_line("orders"))

        async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
            await stage.play(
                procedure=procedure, model="gpt-9", persona_model="openai:gpt-9", agent_model="anthropic:claude"
            )

    described = {violation.field: violation.description for violation in errors[0].violations}
    assert described.keys() == {"spec.model", "spec.persona_model", "spec.agent_model"}
    assert "There is no model gpt-9; name one as" in described["spec.model"]
    assert "set GREENROOM_OPENAI_API_KEY" in described["spec.persona_model"]
    assert "leads to models.example.com, but must lead to" in described["spec.agent_model"]


async def test_nothing_starts_with_a_model_that_its_server_does_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = list[Any]()
    async with service("tests.model_stub", {}) as stub:
        monkeypatch.setenv("GREENROOM_OPENAI_BASE_URL", f"http://{stub.address}/v1")
        async with suite("sqlite", tmp_path) as running:
            stage = Theatre(running, ScriptedModel(), tmp_path)
            [procedure] = await stage.import_procedures(procedure_line("orders"))
            spec = stage.spec(procedure=procedure, persona_model="openai:missing")
            async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
                await stage.client.conversations.start(spec)
            described += errors[0].violations
            async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
                spec.ClearField("persona")
                await stage.client.batches.start(batch_pb2.BatchSpec(conversation=spec, size=2))
            described += errors[0].violations
            asked = GeneratePersonasRequest(description="Anybody", model="openai:missing")
            async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT") as errors:
                _ = [one async for one in stage.client.personas.generate(asked)]
            described += errors[0].violations

    assert [one.field for one in described] == ["spec.persona_model", "spec.conversation.persona_model", "model"]
    for one in described:
        assert "does not have the model missing; it says: model 'missing' not found" in one.description


async def test_a_provider_that_is_set_up_wrongly_is_named_in_the_log_when_the_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in (
        ("GREENROOM_ANTHROPIC_BASE_URL", "https://models.example.com"),
        ("GREENROOM_OPENAI_TIMEOUT_SECONDS", "soon"),
        ("OLLAMA_API_KEY", ""),
    ):
        monkeypatch.setenv(variable, value)

    with capture_logs() as logs:
        async with suite("sqlite", tmp_path):
            pass

    anthropic, openai = [line["why"] for line in logs if line["event"] == "model_provider_cannot_be_called"]
    assert anthropic.startswith("GREENROOM_ANTHROPIC_BASE_URL leads to models.example.com, but must lead to")
    assert openai.startswith("GREENROOM_OPENAI_TIMEOUT_SECONDS is not valid: ")


async def test_no_event_error_recording_log_span_metric_file_or_row_has_a_secret(
    database_url: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The server gets the secrets, and answers one call with an error that quotes the key.

    What the customer says is in events, recordings and rows only.
    """
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    observed = partial(Meter, tracer=tracers.get_tracer("test"), metrics=MeterProvider([reader]).get_meter("test"))
    monkeypatch.setattr("shared.llm.around.Meter", observed)
    monkeypatch.setenv("GREENROOM_OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("GREENROOM_OPENAI_HEADERS", json.dumps({"X-Token": HEADER}))
    monkeypatch.setenv("GREENROOM_ANTHROPIC_API_KEY", f"{CANARY} with spaces")
    said = [{"agent_message": {"text": "Welcome."}}, *({"user_message": {"text": WORDS}} for _ in range(2))]
    async with service("tests.model_stub", {}) as stub, aiohttp.ClientSession() as http:
        monkeypatch.setenv("GREENROOM_OPENAI_BASE_URL", f"http://{stub.address}/v1")
        # The governor would keep to the limits that the stub tells.
        async with suite(database_url, tmp_path, model_around=("retry", "meter")) as running:
            stage = Theatre(running, ScriptedModel(), tmp_path)
            [procedure] = await stage.import_procedures(procedure_line("orders"))
            [source] = await stage.import_sources(source_line("s-1", procedure="orders", events=said))
            failed = await stage.play(procedure=procedure, agent_model="openai:401")
            spoken = await stage.play(procedure=procedure, source=source, max_turns=2, agent_model="openai:text")
            events = [event for name in (failed.name, spoken.name) for event in await stage.events(name)]
            async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
                await stage.play(procedure=procedure, agent_model="anthropic:claude")
            recordings = b"".join([one.chunk async for one in stage.client.recordings.export()])
        async with http.get(f"http://{stub.address}/asked") as response:
            sent = str(await response.json())

    assert (failed.ended.reason, failed.ended.fault) == ("MODEL_DENIED", FAULT_INFRASTRUCTURE)
    assert spoken.state == State.STATE_COMPLETED
    assert CANARY in sent
    assert HEADER in sent
    logs = capfd.readouterr()
    measured = f"{[span.to_json() for span in spans.get_finished_spans()]} {reader.get_metrics_data()}"
    told = f"{failed} {spoken} {events} {errors[0]} {vars(errors[0])}"
    assert "it answered 401" in told
    assert "gen_ai.request.model" in measured
    assert model_stub.TEXT.encode() in recordings
    kept = _contents(tmp_path)
    if not database_url.startswith("sqlite"):
        postgres: PostgresServer = request.getfixturevalue("postgres")
        postgres.sql("CHECKPOINT")
        kept += _contents(postgres.folder)
    assert any(b"it answered 401" in content for content in kept)
    for text in (f"{told} {logs.out} {logs.err} {measured}".encode(), recordings, *kept):
        assert CANARY.encode() not in text
        assert HEADER.encode() not in text
    assert WORDS in told
    assert WORDS not in f"{logs.out} {logs.err} {measured} {errors[0]}"


@pytest.mark.parametrize("protocol", PROVIDER)
async def test_nothing_in_the_variables_of_an_sdk_is_sent_to_a_server(
    monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """The operator's own key and headers are."""
    planted = {f"{prefix}_{name}": f"x-canary: {CANARY}" for prefix, names in AMBIENT.items() for name in names}
    elsewhere = {"OPENAI_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    for name, value in {**planted, **elsewhere, "OLLAMA_HOST": "127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    async with service("tests.model_stub", {}) as stub, AsyncExitStack() as stack, aiohttp.ClientSession() as http:
        more = {"HEADERS": '{"X-Team": "research"}'}
        model = await connect(stack, protocol, stub.address, key="sk-of-greenroom", more=more)
        request = ChatRequest(
            f"{PROVIDER[protocol]}:text", "", (Message("user", "Hi."),), (), 7, 0, 1, AgentBrief("", ())
        )
        await model.complete(request)
        async with http.get(f"http://{stub.address}/asked") as response:
            [asked] = await response.json()

    assert CANARY not in str(asked)
    headers = {name.lower(): value for name, value in asked["headers"].items()}
    assert headers["x-team"] == "research"
    assert headers.get("x-api-key") or headers["authorization"].removeprefix("Bearer ") == "sk-of-greenroom"
    assert not {"openai-organization", "openai-project"} & headers.keys()
    assert dict(os.environ) == before


def _contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
