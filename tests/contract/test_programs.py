"""grpcurl, buf and ghz against the services and the gateway, without proto files."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from shared.roster import GATEWAY, PEERS
from shared.rpc.health import Health
from shared.rpc.server import Server
from tests.programs import run
from tests.suite import EXAMPLES, suite

PACKAGE = "greenroom.synthesizer.v1"
TRACES = "greenroom.testdata.v1.Trace"
SERVICES = sorted(service for peer in PEERS for service in peer.rpc_services)
PROCEDURES, SOURCES = EXAMPLES / "procedures.jsonl", EXAMPLES / "sources.jsonl"
BUF = ("curl", "--protocol", "grpc", "--http2-prior-knowledge")


@dataclass
class Door:
    """An address that serves everything."""

    address: str

    async def grpcurl(self, *arguments: str, data: str = "") -> tuple[int, str, str]:
        """Run grpcurl against this address. data: the request messages, one after another."""
        given = ("-d", "@") if data else ()
        return await run("grpcurl", "-plaintext", *given, self.address, *arguments, stdin=data)

    async def call(self, method: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Call a method (of the synthesizer, or by its full name); returns its messages."""
        full = method if method.startswith("greenroom.") else f"{PACKAGE}.{method}"
        code, answer, error = await self.grpcurl(full, data=json.dumps(request))
        assert code == 0, error
        return messages(answer)


@pytest.fixture(params=["services", "gateway"], scope="module")
async def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    others = {one.name: "sqlite" for one in PEERS if one.name != "synthesizer"}
    async with suite("sqlite", tmp_path_factory.mktemp("data"), others=others) as greenroom:
        if request.param == "services":
            yield Door(greenroom.address)
        else:
            async with gateway(greenroom.address, tmp_path_factory.mktemp("gateway")) as address:
                yield Door(address)


@asynccontextmanager
async def gateway(peer: str, folder: Path) -> AsyncIterator[str]:
    """The address of a gateway that forwards to `peer`, with its data in the folder."""
    health = Health()
    addresses: dict[str, Any] = {one.address_setting: peer for one in PEERS}
    settings = GatewaySettings(port=0, data_dir=folder, drain_seconds=0, **addresses)
    app = await build(settings, health)
    server = Server(settings, app.registrations, health=health)
    await app.start()
    yield f"127.0.0.1:{await server.start()}"
    await server.stop()
    await app.stop()


def messages(text: str) -> list[dict[str, Any]]:
    """Parse consecutive JSON objects."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while (place := len(text) - len(text[place:].lstrip())) < len(text):
        message, place = decoder.raw_decode(text, place)
        found.append(message)
    return found


def import_of(name: str, data: bytes) -> str:
    """The messages of an import: a header, then the bytes in two chunks that cut a line in two."""
    half = len(data) // 2
    sent: list[Mapping[str, Any]] = [{"header": {"format": "greenroom", "file": name}}]
    sent += [{"chunk": base64.b64encode(part).decode()} for part in (data[:half], data[half:])]
    return "\n".join(map(json.dumps, sent))


def file_messages(file: Path) -> str:
    """The messages that import a file."""
    return import_of(file.name, file.read_bytes())


async def import_file(door: Door, method: str, file: Path) -> dict[str, Any]:
    code, answer, error = await door.grpcurl(f"{PACKAGE}.{method}", data=file_messages(file))
    assert code == 0, error
    summary: dict[str, Any] = json.loads(answer)["summary"]
    return summary


async def created_batch(door: Door, size: int) -> str:
    """A batch over the example's sources that does not run yet."""
    await import_file(door, "ProcedureService/ImportProcedures", PROCEDURES)
    await import_file(door, "SourceService/ImportSources", SOURCES)
    value = {"return_id": "R-1", "code": "C-1", "ticket": "T-1"}
    spec = {
        "source_filter": {"format": "greenroom"},
        "linked_revisions": True,
        "size": size,
        "conversation": {"seed": 7, "tool_config": {"default_answer": {"value": value}}},
    }
    [answer] = await door.call("BatchService/StartBatch", {"spec": spec, "create_only": True})
    name: str = answer["batch"]["name"]
    return name


async def test_grpcurl_lists_services_and_methods(door: Door) -> None:
    _, services, _ = await door.grpcurl("list")

    listed = {name for name in services.splitlines() if name.startswith("greenroom.")}
    assert listed - set(GATEWAY.rpc_services) == set(SERVICES)
    for service in SERVICES:
        _, methods, _ = await door.grpcurl("list", service)
        assert methods.splitlines(), service


async def test_grpcurl_describes_every_method_and_its_permission(door: Door) -> None:
    for service in SERVICES:
        _, methods, _ = await door.grpcurl("list", service)
        code, described, error = await door.grpcurl("describe", service)
        assert code == 0, error
        assert described.count("(.greenroom.type.v1.permission)") == len(methods.splitlines())

    code, described, error = await door.grpcurl("describe", f"{PACKAGE}.BatchService.WatchBatch")

    assert code == 0, error
    assert "returns ( stream .greenroom.synthesizer.v1.WatchBatchResponse )" in described
    assert '(.greenroom.type.v1.permission) = "batches.read"' in described


async def test_grpcurl_imports_a_file_in_chunks(door: Door) -> None:
    first = await import_file(door, "ProcedureService/ImportProcedures", PROCEDURES)
    again = await import_file(door, "ProcedureService/ImportProcedures", PROCEDURES)

    assert int(first.get("imported", 0)) + int(first.get("unchanged", 0)) == 1
    assert again == {"unchanged": "1", "format": "greenroom"}


async def test_grpcurl_shows_the_wrong_line_of_an_import(door: Door) -> None:
    data = import_of("mine.jsonl", b'not json\n{"external_id": "x-1", "evnts": []}\n')

    code, answer, error = await door.grpcurl(f"{PACKAGE}.SourceService/ImportSources", data=data)

    assert code == 0, error
    problems = json.loads(answer)["summary"]["problems"]
    assert [(one["file"], one["line"], one["reason"]) for one in problems] == [
        ("mine.jsonl", "1", "BAD_JSON"),
        ("mine.jsonl", "2", "UNKNOWN_FIELD"),
    ]


async def test_grpcurl_watches_a_batch_and_resumes_at_a_cursor(door: Door) -> None:
    batch = await created_batch(door, size=3)
    await door.call("BatchService/RunBatch", {"name": batch})

    whole = await door.call("BatchService/WatchBatch", {"name": batch})
    first = whole[0]
    resumed = await door.call("BatchService/WatchBatch", {"name": batch, "cursor": first["cursor"]})

    assert whole[-1]["summary"]["counts"] == {"completed": 3}
    assert ids([first, *resumed]) == ids(whole)
    assert len(set(ids(whole))) == len(ids(whole))


def ids(watched: list[dict[str, Any]]) -> list[str]:
    """The ids of the events of a watch, in order."""
    return [event["id"] for message in watched for event in message.get("events", ())]


async def test_grpcurl_exports_the_transcripts(door: Door) -> None:
    batch = await created_batch(door, size=2)
    await door.call("BatchService/RunBatch", {"name": batch})
    await door.call("BatchService/WatchBatch", {"name": batch})

    chunks = await door.call("BatchService/ExportTranscripts", {"batch": batch})

    lines = b"".join(base64.b64decode(chunk.get("chunk", "")) for chunk in chunks).splitlines()
    assert [json.loads(line)["conversation"]["batch"] for line in lines] == [batch, batch]


async def test_grpcurl_creates_a_workflow_and_generates_from_it(door: Door) -> None:
    chain = "entry_points: {a: 1}\nexit_points: [a]\navg_response_times: {a: 5}"
    source = {"yaml": f"name: tiny-{door.address.rpartition(':')[2]}\n{chain}"}

    [created] = await door.call(f"{TRACES}WorkflowService.CreateWorkflow", {"workflow": source})
    name = created["workflow"]["name"]
    [session] = await door.call(f"{TRACES}StreamService.GenerateSession", {"workflow": {"name": name}, "session": 5})
    request = {"workflow": {"name": name}, "parameters": {"users": "50"}, "format": "FORMAT_CSV"}
    lines = b"".join(
        base64.b64decode(one["data"]) for one in await door.call(f"{TRACES}StreamService.StreamCalls", request)
    )

    assert [call["endpoint"] for call in session["calls"]] == ["a"]
    assert lines.startswith(b"timestamp,user,")
    assert lines.count(b"\n") > 50


async def test_grpcurl_writes_a_dataset_and_watches_it(door: Door) -> None:
    spec = {"workflow": {"name": "workflows/ecommerce"}, "parameters": {"users": "20"}}

    [started] = await door.call(f"{TRACES}DatasetService.StartDataset", {"spec": spec})
    watched = await door.call(f"{TRACES}DatasetService.WatchDataset", {"name": started["dataset"]["name"]})

    assert watched[-1]["summary"]["state"] == "STATE_COMPLETED"
    assert [part["file"] for message in watched for part in message.get("parts", ())] == ["part-00000.parquet"]


async def test_grpcurl_shows_the_reason_of_an_error(door: Door) -> None:
    code, _, error = await door.grpcurl(f"{PACKAGE}.BatchService/GetBatch", data='{"name": "batches/nope"}')

    assert code != 0
    assert "Code: NotFound" in error
    assert "Message: There is no batch batches/nope." in error
    assert '"reason": "BATCH_NOT_FOUND"' in error


async def test_grpcurl_shows_the_wrong_fields(door: Door) -> None:
    request = {"spec": {"conversation": {"max_turns": 500}, "size": 20000}}

    code, _, error = await door.grpcurl(f"{PACKAGE}.BatchService/StartBatch", data=json.dumps(request))

    assert code != 0
    assert "Code: InvalidArgument" in error
    assert '"field": "spec.conversation.max_turns"' in error
    assert '"field": "spec.size"' in error


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_grpcurl_asks_for_the_health_of_each_service(door: Door, service: str) -> None:
    code, answer, error = await door.grpcurl("grpc.health.v1.Health/Check", data=json.dumps({"service": service}))

    assert code == 0, error
    assert json.loads(answer) == {"status": "SERVING"}


async def test_buf_curl_lists_calls_and_streams(door: Door) -> None:
    batch = await created_batch(door, size=1)
    await door.call("BatchService/RunBatch", {"name": batch})
    base = f"http://{door.address}"

    _, methods, _ = await run("buf", *BUF, "--list-methods", base)
    _, persona, _ = await run(
        "buf", *BUF, "-d", '{"name": "personas/cold-carl"}', f"{base}/{PACKAGE}.PersonaService/GetPersona"
    )
    watched = await run("buf", *BUF, "-d", json.dumps({"name": batch}), f"{base}/{PACKAGE}.BatchService/WatchBatch")

    assert f"{PACKAGE}.BatchService/WatchBatch" in methods.splitlines()
    assert json.loads(persona)["persona"]["displayName"] == "Cold Carl"
    assert messages(watched[1])[-1]["summary"]["state"] == "STATE_COMPLETED"


async def test_buf_curl_shows_an_errors_code_and_sentence(door: Door) -> None:
    url = f"http://{door.address}/{PACKAGE}.BatchService/GetBatch"

    code, _, error = await run("buf", *BUF, "-d", '{"name": "batches/nope"}', url)

    assert code != 0
    assert json.loads(error)["code"] == "not_found"
    assert json.loads(error)["message"] == "There is no batch batches/nope."


async def test_ghz_calls_and_watches_by_name(door: Door) -> None:
    batch = await created_batch(door, size=1)
    await door.call("BatchService/RunBatch", {"name": batch})
    calls = {"PersonaService.ListPersonas": {"page_size": 5}, "BatchService.WatchBatch": {"name": batch}}

    for method, request in calls.items():
        call = ("--call", f"{PACKAGE}.{method}", "-d", json.dumps(request), "-n", "20", "-c", "4", "-O", "json")
        code, report, error = await run("ghz", "--insecure", *call, door.address)

        assert code == 0, error
        assert json.loads(report)["statusCodeDistribution"] == {"OK": 20}, method
