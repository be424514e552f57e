"""Imports with redaction: nothing personal is stored or logged, and what is stored can be rehearsed."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest

from greenroom.client import Client, connect
from greenroom.synthesizer.v1 import import_pb2, procedure_pb2, source_pb2
from greenroom.synthesizer.v1.import_pb2 import Redaction, TableMapping
from greenroom.synthesizer.v1.source_pb2_grpc import SourceServiceStub
from tests.contract.catalog import Catalog, Company, lines, messages
from tests.contract.test_import_formats import chat, exported, reasons, told
from tests.processes import Service, service
from tests.unit.rpc.echo import failure

ON = Redaction(mode=Redaction.MODE_ON)
EMAIL, PHONE, BARE_PHONE = "marguerite.o@mail.acme.org", "+49 171 5557788", "01715557788"
CARD, IBAN, IP, IP6 = "4929 1234 5678 9015", "DE89 3704 0044 0532 0130 00", "84.23.17.200", "2a01:4f8:c17:b0f::2"
TOKEN, NAME, FIRST_NAME = "tok7f3a9c", "Oyelaran", "Marguerite"
PLANTED = (EMAIL, "marguerite.o", PHONE, BARE_PHONE, "5557788", CARD, IBAN, IP, IP6, TOKEN, NAME, FIRST_NAME)
SENTENCE = (
    f"I am {FIRST_NAME} {NAME}, {EMAIL}, {PHONE}, also {BARE_PHONE}. Card {CARD}, account {IBAN}. "
    f"From {IP} and {IP6} I opened https://shop.example/reset?token={TOKEN}&lang=en."
)
RECORD = {
    "contact": {"mail": EMAIL, "phone": int("49" + PHONE.replace(" ", "")[3:]), EMAIL: True},
    "note": json.dumps({"from": EMAIL.replace("@", "\u0040"), "to": [SENTENCE]}),
}


def openai_line() -> str:
    """Values in the system text, the texts, names, arguments, results, metadata, and in what cannot be read."""
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": json.dumps(RECORD)}}
    return chat(
        {"role": "system", "content": f"You help customers. {SENTENCE}"},
        {"role": "user", "name": f"{FIRST_NAME}_{NAME}", "content": SENTENCE},
        {"role": "assistant", "content": f"Hello {FIRST_NAME}.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps(RECORD)},
        {"role": "tool", "tool_call_id": EMAIL, "content": SENTENCE},
        {"role": f"{FIRST_NAME}", "content": SENTENCE},
        {"role": "user", "created_at": f"at {EMAIL}", "content": SENTENCE},
        metadata={"customer": RECORD},
    )


def sharegpt_line() -> str:
    turns = [
        ("human", SENTENCE),
        ("function_call", json.dumps({"name": "find", "arguments": RECORD})),
        ("observation", json.dumps(RECORD)),
        (f"{FIRST_NAME} {NAME}", "I look."),
        ("gpt", SENTENCE),
    ]
    record = {"id": EMAIL, "system": SENTENCE, "conversations": [{"from": who, "value": text} for who, text in turns]}
    return json.dumps(record)


def greenroom_line() -> str:
    sentence = SENTENCE.replace(f"{FIRST_NAME} {NAME}", "the customer")
    record = json.loads(json.dumps(RECORD).replace(f"{FIRST_NAME} {NAME}", "the customer"))
    answer = {"value": record, "patches": [{"type": "customer", "id": EMAIL, "merge": record}]}
    events = [
        {"user_message": {"text": sentence}},
        {"tool_call": {"call_id": EMAIL, "tool": "find", "arguments": record}},
        {"tool_result": {"call_id": EMAIL, "tool": "find", "answer": answer}},
        {"agent_message": {"text": sentence}},
    ]
    resource = {"type": "customer", "id": EMAIL, "data": record}
    return json.dumps({"external_id": f"chat of {PHONE}", "finished": True, "events": events, "resources": [resource]})


def abcd_line() -> str:
    sentence = SENTENCE.replace(f"{FIRST_NAME} {NAME}", "the customer")
    turns = [
        {"role": "customer", "text": sentence},
        {"role": "action", "action": "pull-up", "text": sentence, "values": [EMAIL]},
        {"role": "action", "action": f"({EMAIL})", "text": sentence},
    ]
    return json.dumps({"id": f"of {EMAIL}", "flow": PHONE, "subflow": EMAIL, "turns": turns})


def table_rows() -> Iterator[str]:
    """Rows of one conversation, and of others that cannot be read."""
    yield "conversation,author,time,text"
    for author in ("agent", f"{FIRST_NAME} {NAME}", EMAIL, "system"):
        yield f'{PHONE},{author},2026-01-05 09:00,"{SENTENCE} {FIRST_NAME.lower()}"'
    yield f"{PHONE},{NAME.upper()} ({EMAIL}),2026-01-05 09:00,Hello"
    yield f"{PHONE},user,{'x' * 30}{EMAIL},Hello"
    yield f',user,,"{SENTENCE}"'


FILES = {
    "openai": openai_line(),
    "sharegpt": sharegpt_line(),
    "greenroom": greenroom_line(),
    "abcd": abcd_line(),
    "table": "\n".join(table_rows()),
}
MAPPING = TableMapping(authors={f"{FIRST_NAME} {NAME}": TableMapping.AUTHOR_USER, EMAIL: TableMapping.AUTHOR_AGENT})
BROKEN = lines(['{"messages": 1, "id": "' + EMAIL + '"}', SENTENCE, json.dumps([SENTENCE])])


async def sent(client: Client, kind: str, file: Path, redaction: Redaction | None) -> import_pb2.ImportSummary:
    table = MAPPING if kind == "table" else None
    return await client.sources.import_file(file, format=kind, table=table, redaction=redaction, request_id=kind)


def found_in(data: bytes) -> list[str]:
    return [value for value in PLANTED if value.encode() in data]


def stored(folder: Path) -> bytes:
    """The bytes of all files below a folder, also of the write-ahead log."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def imported(folder: Path, redaction: Redaction | None) -> tuple[bytes, bytes, bytes]:
    """Import all files; returns what is stored while the server runs and after its end, and what it wrote out."""
    data = folder / "data"
    async with service("services.synthesizer", {"GREENROOM_DATA_DIR": str(data)}) as running:
        async with connect(running.address) as client:
            answers = [await sent(client, kind, write(folder / kind, text), redaction) for kind, text in FILES.items()]
            broken = write(folder / "broken", BROKEN.decode())
            answers.append(await client.sources.import_file(broken, format="openai", redaction=redaction))
            answers.append(await client.procedures.import_file(folder / "openai", format="openai", redaction=redaction))
            preview = await client.sources.preview_file(folder / "openai", redaction=redaction)
        assert [answer.imported for answer in answers] == [1, 1, 1, 1, 1, 0, 0]
        before = stored(data)
        running.stop()
        await running.died()
        said = await running.output()
    return before + stored(data), said, b"".join(map(str.encode, map(str, (*answers, preview))))


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


async def test_no_planted_value_reaches_the_data_folder_the_log_or_an_answer(tmp_path: Path) -> None:
    on_disk, log, answers = await imported(tmp_path, ON)

    assert found_in(on_disk) == found_in(log) == found_in(answers) == []
    record = json.loads(FILES["openai"])
    assert sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:32].encode() not in on_disk


async def test_without_redaction_the_same_search_finds_the_planted_values(tmp_path: Path) -> None:
    on_disk, _, answers = await imported(tmp_path, None)

    assert set(found_in(on_disk)) == set(PLANTED)
    assert EMAIL in found_in(answers)


async def test_a_table_on_disk_cannot_be_read_while_it_is_imported_nor_after_a_kill(tmp_path: Path) -> None:
    data, written = tmp_path / "data", asyncio.Event()

    async def requests() -> AsyncIterator[source_pb2.ImportSourcesRequest]:
        header = import_pb2.ImportHeader(format="table", table=MAPPING, redaction=ON)
        yield source_pb2.ImportSourcesRequest(header=header)
        yield source_pb2.ImportSourcesRequest(chunk=FILES["table"].encode() + b"\n" + b"x,user,,Hello\n" * 10_000)
        await written.wait()

    async with service("services.synthesizer", {"GREENROOM_DATA_DIR": str(data)}) as running:
        importing = asyncio.create_task(_upload(running, requests()))
        async with asyncio.timeout(60):
            while not any(path.stat().st_size > 10_000 for path in data.glob("import-*/table")):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        running.kill()
        await running.died()
    written.set()
    with pytest.raises(grpc.aio.AioRpcError):
        await importing

    assert list(data.glob("import-*/table"))
    assert found_in(stored(data)) == []


async def _upload(running: Service, requests: AsyncIterator[Any]) -> None:
    async with grpc.aio.insecure_channel(running.address) as channel:
        await SourceServiceStub(channel).ImportSources(requests)


async def redacted(company: Company, *records: str, **header: Any) -> import_pb2.ImportSummary:
    return await company.import_sources(lines(records), **{"format": "openai", "redaction": ON, **header})


async def test_a_value_has_one_pseudonym_of_its_kind_in_texts_arguments_and_results(catalog: Catalog) -> None:
    arguments = json.dumps({"mail": "Jane@x.org", "phones": ["2065550123"], "card": 4929123456789015})
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": arguments}}
    line = chat(
        {"role": "user", "name": "Jane", "content": "I am jane@x.org, (206) 555-0123, order 2065550199."},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"owner": "jane@x.org", "other": "joe@x.org"}'},
        {"role": "assistant", "content": "Thanks, JANE: 4929-1234-5678-9015 is yours."},
    )

    summary = await redacted(catalog.acme, line)

    [source] = await exported(catalog.acme)
    assert told(source) == [
        ("user", "I am user1@example.com, (222) 555-0101, order 2065550199."),
        ("call", "c1", "find", {"mail": "user1@example.com", "phones": ["2225550101"], "card": 4900000000000011}),
        ("result", "c1", "find", {"owner": "user1@example.com", "other": "user2@example.com"}),
        ("agent", "Thanks, ROBIN: 4900-0000-0000-0011 is yours."),
    ]
    assert dict(summary.redacted) == {"email": 4, "phone": 2, "card": 2, "name": 2}


async def test_importing_a_redacted_file_again_changes_nothing_and_its_request_is_known_again(catalog: Catalog) -> None:
    rows = [chat({"role": "user", "content": f"I am {one}@x.org."}, id=f"{one}@x.org") for one in ("ann", "bob")]
    other = [chat({"role": "user", "content": f"I am {one}."}, id=one) for one in ("ann", "bob")]

    first = await redacted(catalog.acme, rows[0], "{", request_id="r")
    again = await redacted(catalog.acme, rows[0])

    assert (first.imported, again.unchanged, again.imported) == (1, 1, 0)
    assert await redacted(catalog.acme, rows[0], "{", request_id="r") == first
    # Nothing stored tells the two apart, also not what identifies a request.
    assert (await redacted(catalog.acme, rows[1], "{", request_id="r")) == first
    assert (await failure(redacted(catalog.acme, *other, request_id="r"))).reason == "REQUEST_ID_REUSED"


async def test_an_id_that_is_personal_becomes_a_digest_of_the_redacted_conversation(catalog: Catalog) -> None:
    rows = [
        chat({"role": "user", "content": f"I am {one}@x.org{mark}"}, id=f"{one}@x.org")
        for one, mark in (("ann", "."), ("bob", "!"))
    ]
    assert (await redacted(catalog.acme, *rows)).imported == 2
    table = lines(["chat,role,text", "+49 171 5557788,user,Hello", "+49 171 5557799,user,Hi"])
    assert (await catalog.acme.import_sources(table, format="table", redaction=ON)).imported == 2

    ids = [source["external_id"] for source in await exported(catalog.acme)]
    assert len(set(ids)) == 4
    assert all(len(one) == 32 for one in ids)


async def test_equal_system_texts_with_values_stay_one_procedure(catalog: Catalog) -> None:
    system = {"role": "system", "content": "Mail help@acme.org or call +49 171 5557788."}
    rows = [
        chat(system, {"role": "user", "content": f"I am {one}"}, metadata={"mail": one, "agent": "x@acme.org"})
        for one in ("ann@x.org", "Bob")
    ]

    assert (await redacted(catalog.acme, *rows)).imported == 2

    [procedure] = (await catalog.acme.procedures.ListProcedures(procedure_pb2.ListProceduresRequest())).procedures
    assert procedure.display_name == "Mail user1@example.com or call +49 222 5550101."


async def test_patterns_of_ones_own_come_first_and_a_bad_one_is_refused(catalog: Catalog) -> None:
    customer = Redaction.Pattern(name="customer", pattern=r"\bC-(\d{5})")
    own = Redaction(patterns=[customer, Redaction.Pattern(name="nick", pattern="jan+e")])
    line = chat({"role": "user", "content": "I am janne, C-48213, not C-48214. jane@x.org, C-48213."}, id="one")

    summary = await redacted(catalog.acme, line, redaction=own)

    [source] = await exported(catalog.acme)
    assert told(source) == [("user", "I am nick-1, C-00001, not C-00002. nick-2@x.org, C-00001.")]
    assert dict(summary.redacted) == {"customer": 3, "nick": 2}
    bad = Redaction(patterns=[Redaction.Pattern(name="pair", pattern="(?<=a)b")])
    refused = await failure(redacted(catalog.acme, line, redaction=bad))
    assert [(one.field, "without look-around" in one.description) for one in refused.violations] == [
        ("header.redaction.patterns[0].pattern", True)
    ]


async def test_a_problem_names_the_place_and_quotes_no_value(catalog: Catalog) -> None:
    table = lines(["chat,role,time,text", "1,Jane Doe (jane@x.org),,Hi", f"1,user,{'9' * 28} jane@x.org,Hi"])

    summary = await catalog.acme.import_sources(table, format="table", redaction=ON)

    assert reasons(summary) == [(2, "UNKNOWN_AUTHOR"), (3, "BAD_TIME")]
    author, time = summary.problems
    assert author.description.startswith("role '[name] [name] ([email])' is unknown; map it with --author")
    assert author.description.endswith("To see the value, add --dry-run and --redact off. The row was left out.")
    assert "jane" not in time.description
    headless = await catalog.acme.import_sources(lines(["jane@x.org,Hello"]), format="table", redaction=ON)
    assert "[email]" in headless.problems[0].description


@pytest.mark.parametrize("role", ["Kunde", "Mitarbeiterin", "Conseiller", "Agent2", "Klant", "Asesor"])
async def test_a_problem_with_an_author_that_is_a_role_shows_it(role: str, catalog: Catalog) -> None:
    summary = await catalog.acme.import_sources(lines(["chat,role,text", f"1,{role},Hi"]), format="table", redaction=ON)

    assert summary.problems[0].description.startswith(f"role {role!r} is unknown; map it with --author VALUE=ROLE")


async def test_a_dry_run_shows_pseudonyms_and_what_would_be_redacted(catalog: Catalog) -> None:
    data = lines([chat({"role": "user", "content": "I am ann@x.org."}, id="one")])

    response = await catalog.acme.sources.ImportSources(
        messages(source_pb2.ImportSourcesRequest, data, {"dry_run": True, "redaction": ON})
    )

    assert response.samples[0].events[0].user_message.text == "I am user1@example.com."
    assert dict(response.summary.redacted) == {"email": 1}
