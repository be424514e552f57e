"""Conversations in the formats that others write, imported over a real connection."""

import csv
import io
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf.duration_pb2 import Duration

from greenroom.synthesizer.v1 import import_pb2, procedure_pb2, source_pb2
from greenroom.synthesizer.v1.import_pb2 import TableMapping
from services.synthesizer.imports.tables import remove_leftovers
from shared.limits import MAX_LINE
from tests.contract.catalog import Catalog, Company, lines, messages
from tests.unit.rpc.echo import failure

SYSTEM = {"role": "system", "content": "You help customers of a lamp shop.\nBe brief."}
ASK = {"role": "user", "content": "Where is my order 7?"}
ANSWER = {"role": "assistant", "content": "It arrives tomorrow."}
FIND = {
    "type": "function",
    "function": {"name": "find", "description": "Find an order.", "parameters": {"type": "object"}},
}


def call(call_id: str, arguments: str = '{"id": 7}', tool: str = "find") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": tool, "arguments": arguments}}


def calling(*calls: dict[str, Any], content: str | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def result(call_id: str, content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def chat(*messages: Any, **more: Any) -> str:
    return json.dumps({"messages": messages, **more})


async def exported(company: Company) -> list[dict[str, Any]]:
    """The company's sources as lines of the format `greenroom`, oldest first."""
    data = b"".join([part.chunk async for part in company.sources.ExportSources(source_pb2.ExportSourcesRequest())])
    return [json.loads(line) for line in data.splitlines()]


def told(source: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What happens in an exported source, without times."""
    short: list[tuple[Any, ...]] = []
    for event in source["events"]:
        match event:
            case {"user_message": {"text": text}}:
                short.append(("user", text))
            case {"agent_message": {"text": text}}:
                short.append(("agent", text))
            case {"tool_call": made}:
                short.append(("call", made["call_id"], made["tool"], made["arguments"]))
            case {"tool_result": got}:
                short.append(("result", got["call_id"], got["tool"], got["answer"]["value"]))
    return short


def reasons(summary: import_pb2.ImportSummary) -> list[tuple[int, str]]:
    return [(problem.line, problem.reason) for problem in summary.problems]


async def import_chats(company: Company, records: Sequence[str | bytes]) -> import_pb2.ImportSummary:
    return await company.import_sources(lines(records), format="openai", file="chats.jsonl")


async def test_a_chat_becomes_events_and_its_system_text_the_procedure_it_is_linked_to(catalog: Catalog) -> None:
    greeted = chat({**SYSTEM, "role": "developer"}, ASK, ANSWER, tools=[FIND], id="chat-2")
    asked = calling(call("c1"), call("c2", "", "clock"), content="One moment.")
    answered = chat(
        SYSTEM, ASK, asked, result("c1", '{"due": [1.5]}'), result("c2", '"noon"'), ANSWER, tools=[FIND], id="chat-1"
    )

    summary = await import_chats(catalog.acme, [answered, greeted])

    assert (summary.imported, list(summary.problems)) == (2, [])
    first, second = await exported(catalog.acme)
    assert told(first) == [
        ("user", "Where is my order 7?"),
        ("agent", "One moment."),
        ("call", "c1", "find", {"id": 7}),
        ("call", "c2", "clock", {}),
        ("result", "c1", "find", {"due": [1.5]}),
        ("result", "c2", "clock", "noon"),
        ("agent", "It arrives tomorrow."),
    ]
    assert (first["external_id"], first["finished"], second["external_id"]) == ("chat-1", True, "chat-2")
    assert first["procedure"] == second["procedure"]
    [procedure] = (await catalog.acme.procedures.ListProcedures(procedure_pb2.ListProceduresRequest())).procedures
    assert (procedure.external_id, procedure.display_name) == (first["procedure"], "You help customers of a lamp shop.")
    revision = await catalog.acme.procedures.GetProcedure(procedure_pb2.GetProcedureRequest(name=procedure.name))
    assert revision.revision.instructions == SYSTEM["content"]
    assert [tool.name for tool in revision.revision.tools] == ["find"]
    again = await catalog.acme.import_procedures(lines([answered]), format="openai", file="chats.jsonl")
    assert (again.imported, again.unchanged) == (0, 1)


async def test_chats_without_ids_are_unchanged_when_they_are_imported_again(catalog: Catalog) -> None:
    data = [chat(SYSTEM, ASK, ANSWER), chat(ASK, ANSWER)]
    await import_chats(catalog.acme, data)

    summary = await import_chats(catalog.acme, data)

    assert (summary.imported, summary.unchanged, summary.refused) == (0, 2, 0)


async def test_what_is_wrong_in_a_chat_is_named_and_left_out_and_the_rest_is_imported(catalog: Catalog) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    parts = [{"type": "text", "text": "This one."}, image, {"type": "text", "text": "See?"}]
    summary = await import_chats(
        catalog.acme,
        [
            chat(ASK, {"role": "robot", "content": "Beep."}, ANSWER),
            chat(ASK, result("c9", "{}"), ANSWER),
            chat(ASK, calling(call("c1"), call("c1", '{"id": 8}')), result("c1", "[7]"), result("c1", "[8]")),
            chat(SYSTEM, SYSTEM, ASK),
            chat({**ASK, "content": " "}, ANSWER),
            chat({**ASK, "content": "\ud83d"}, ANSWER),
            chat({**ASK, "content": "x" * MAX_LINE}),
            chat({**ASK, "content": parts}, ANSWER),
            chat(ASK, calling(call("c1", "{id: 7}"))),
            chat(ASK, tools=[FIND, FIND]),
            chat(),
            chat({"role": "robot", "content": "Beep."}),
            "{",
            chat({**ASK, "timestamp": "2026-01-05T09:00:00"}, {**ANSWER, "timestamp": "2026-01-05T09:00:30+00:00"}),
            chat(ASK, id="once"),
            chat(ASK, ANSWER, id="once"),
            chat(ASK, ANSWER, id="last"),
        ],
    )

    assert reasons(summary) == [
        (1, "UNKNOWN_ROLE"),
        (2, "NO_SUCH_CALL"),
        (3, "CALL_ID_REPEATED"),
        (4, "TWO_SYSTEM_TEXTS"),
        (5, "EMPTY_CONTENT"),
        (6, "BAD_TEXT"),
        (7, "LINE_TOO_LONG"),
        (8, "NOT_TEXT"),
        (9, "ARGUMENTS_NOT_JSON"),
        (10, "INVALID_TOOL"),
        (11, "NO_EVENTS"),
        (12, "NO_EVENTS"),
        (13, "BAD_JSON"),
        (14, "MIXED_TIME_ZONES"),
        (16, "EXTERNAL_ID_TAKEN"),
    ]
    assert (summary.imported, summary.refused) == (12, 5)
    assert summary.problems[0].description == (
        "messages[1].role 'robot' is unknown; it should be system, developer, user, assistant, tool or function. "
        "The message was left out."
    )
    sources = await exported(catalog.acme)
    assert told(sources[2])[1:] == [
        *(("call", "c1", "find", {"id": 7}), ("call", "c1-3", "find", {"id": 8})),
        *(("result", "c1", "find", [7]), ("result", "c1-3", "find", [8])),
    ]
    assert told(sources[6])[0] == ("user", "This one.\nSee?")


async def test_calls_as_they_were_before_tools_are_read(catalog: Catalog) -> None:
    found = {"role": "function", "name": "find", "content": '{"due": 1}'}
    called = {"role": "assistant", "content": None, "function_call": {"name": "find", "arguments": '{"id": 7}'}}
    stranger = {**found, "name": "clock"}

    summary = await import_chats(catalog.acme, [chat(ASK, called, stranger, found, functions=[FIND["function"]])])

    assert reasons(summary) == [(1, "NO_SUCH_CALL")]
    assert summary.problems[0].description.startswith("messages[2] answers a call that is not before it.")
    [source] = await exported(catalog.acme)
    assert told(source)[1:] == [("call", "call-2", "find", {"id": 7}), ("result", "call-2", "find", {"due": 1})]
    tools = (await catalog.acme.procedures.ListProcedures(procedure_pb2.ListProceduresRequest())).procedures
    assert [procedure.display_name for procedure in tools] == ["find"]


def shared(*turns: tuple[str, str], key: str = "conversations", **more: Any) -> str:
    return json.dumps({key: [{"from": role, "value": text} for role, text in turns], **more})


async def test_conversations_of_sharegpt_are_read_in_their_common_spellings(catalog: Catalog) -> None:
    calls = json.dumps([{"name": "find", "arguments": {"id": 7}}, {"name": "clock", "arguments": "{}"}])
    turns = [{"role": "User", "content": "Hello?"}, {"role": "Assistant", "content": "Hi!"}]
    summary = await catalog.acme.import_sources(
        lines(
            [
                shared(
                    *(("system", SYSTEM["content"]), ("human", "Hello?"), ("function_call", calls)),
                    *(("observation", '{"due": 1}'), ("tool", "noon"), ("gpt", "Hi!")),
                    id=7,
                ),
                json.dumps({"messages": turns, "system": SYSTEM["content"]}),
                json.dumps({"conversation": turns}),
                shared(("human", "Hello?"), ("observation", "{}"), ("moderator", "Stop."), ("gpt", "")),
            ]
        ),
        format="sharegpt",
        file="shared.jsonl",
    )

    assert summary.imported == 4
    assert reasons(summary) == [(4, "NO_SUCH_CALL"), (4, "UNKNOWN_ROLE"), (4, "EMPTY_CONTENT")]
    first, second, third, fourth = await exported(catalog.acme)
    assert told(first) == [
        ("user", "Hello?"),
        ("call", "call-3-1", "find", {"id": 7}),
        ("call", "call-3-2", "clock", {}),
        ("result", "call-3-1", "find", {"due": 1}),
        ("result", "call-3-2", "clock", "noon"),
        ("agent", "Hi!"),
    ]
    assert first["external_id"] == "7"
    assert told(second) == told(third) == [("user", "Hello?"), ("agent", "Hi!")]
    assert second["procedure"] == first["procedure"]
    assert told(fourth) == [("user", "Hello?")]


TICKETS = {
    "conversation": "Ticket",
    "author": "Von",
    "time": "Am",
    "text": "Text",
    "authors": {"kunde": TableMapping.AUTHOR_USER, "*": TableMapping.AUTHOR_AGENT},
}


async def import_table(company: Company, data: bytes, **mapping: Any) -> import_pb2.ImportSummary:
    table = TableMapping(**mapping)
    return await company.import_sources(data, format="table", file="messages", table=table)


async def test_a_table_of_excel_is_read_whatever_its_delimiter_encoding_and_order(catalog: Catalog) -> None:
    rows = (
        *("sep=;", "Ticket;Von;Am;Text"),
        '7;Kunde;46027,375;"Grüße, wo ist\nmeine ""Lampe""?"',
        "8;KUNDE;5.1.2026 9:00;Hallo?",
        "7;Jana;46027,3770833333;Morgen €;",
        "8;Jana;5.1.2026 08:59:30;Guten Morgen!",
        "",
        "7;Kunde;5.1.2026 9:01:30;Danke!",
    )
    data = "\r\n".join(rows).encode("cp1252").replace("Morgen €;".encode("cp1252"), "Morgen €".encode("cp1252"))

    summary = await import_table(catalog.acme, data, **TICKETS)

    assert (summary.imported, reasons(summary)) == (2, [(3, "NOT_UTF8")])
    first, second = await exported(catalog.acme)
    assert (first["external_id"], second["external_id"]) == ("7", "8")
    assert told(first) == [
        ("user", 'Grüße, wo ist\nmeine "Lampe"?'),
        ("user", "Danke!"),
        ("agent", "Morgen €"),
    ]
    times = [event["virtual_time"] for event in first["events"]]
    assert times == ["2026-01-05T09:00:00.000Z", "2026-01-05T09:01:30.000Z", "2026-01-05T09:03:00.000Z"]
    assert told(second) == [("agent", "Guten Morgen!"), ("user", "Hallo?")]


@pytest.mark.parametrize("kind", ["csv", "tsv", "utf-16", "jsonl", "parquet"])
async def test_every_kind_of_table_gives_the_same_sources(kind: str, catalog: Catalog) -> None:
    rows = [
        {"conversation_id": "1", "role": "system", "created_at": None, "content": "Be kind."},
        {"conversation_id": "1", "role": "user", "created_at": None, "content": "One,\ttwo?"},
        {"conversation_id": "2", "role": "User", "created_at": None, "content": "Hello?"},
        {"conversation_id": "1", "role": "assistant", "created_at": None, "content": "Three!"},
    ]
    for number, row in enumerate(rows):
        row["created_at"] = f"2026-01-05T09:0{number}:00Z"

    summary = await import_table(catalog.acme, as_table(kind, rows))

    assert (summary.imported, reasons(summary)) == (2, [])
    first, second = await exported(catalog.acme)
    assert (first["external_id"], second["external_id"]) == ("1", "2")
    assert told(first) == [("user", "One,\ttwo?"), ("agent", "Three!")]
    assert [event["virtual_time"] for event in first["events"]] == [f"2026-01-05T09:0{n}:00.000Z" for n in (1, 3)]
    assert first["procedure"].startswith("instructions/")
    assert told(second) == [("user", "Hello?")]


def as_table(kind: str, rows: Sequence[dict[str, Any]]) -> bytes:
    if kind == "jsonl":
        return lines(map(json.dumps, rows))
    if kind == "parquet":
        typed = [
            {
                **row,
                "conversation_id": float(row["conversation_id"]),
                "created_at": datetime.fromisoformat(row["created_at"]),
            }
            for row in rows
        ]
        table = pa.Table.from_pylist(typed)
        file = io.BytesIO()
        pq.write_table(table, file)
        return file.getvalue()
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], delimiter="\t" if kind == "tsv" else ",")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-16" if kind == "utf-16" else "utf-8-sig")


async def test_a_small_parquet_file_cannot_fill_the_disk(catalog: Catalog) -> None:
    rows = {"conversation_id": "1", "role": "user", "content": "x" * 20_000}
    repeated = {name: pa.DictionaryArray.from_arrays([0] * 4_000, [value]) for name, value in rows.items()}
    file = io.BytesIO()
    pq.write_table(pa.table(repeated), file)

    summary = await import_table(catalog.acme, file.getvalue())

    assert len(file.getvalue()) < 100_000
    assert reasons(summary)[0] == (1, "TABLE_TOO_LARGE")


async def test_rows_that_cannot_be_read_are_named_and_the_rest_is_imported(catalog: Catalog) -> None:
    data = lines(
        [
            "chat,sender,date,message",
            "a,user,2026-01-05 09:00,Hello?",
            "a,Bob,2026-01-05 09:01,Hi!",
            "a,agent,1/2/2026,Hi!",
            "a,agent,2026-01-05 09:02:00+02:00,Hi!",
            ",user,,Hello?",
            "a,agent,,",
            "a,agent,,x,y",
            'a,agent,,"x"y',
            "b,robot,,Beep.",
            "c,user,," + "x" * 20_001,
            "d,user,," + "x" * (MAX_LINE + 1),
            "e,user,soon,Hello?",
            "f,user,13/2/2026 9:00 pm,Hello?",
            'g,user,,"Hello?',
        ]
    )

    summary = await import_table(catalog.acme, data)

    assert reasons(summary) == [
        (2, "MIXED_TIME_ZONES"),
        (3, "UNKNOWN_AUTHOR"),
        (4, "BAD_TIME"),
        (6, "MISSING_FIELD"),
        (7, "EMPTY_CONTENT"),
        (8, "TOO_MANY"),
        (9, "BAD_CSV"),
        (10, "UNKNOWN_AUTHOR"),
        (11, "NO_EVENTS"),
        (12, "LINE_TOO_LONG"),
        (13, "BAD_TIME"),
        (15, "BAD_CSV"),
    ]
    sources = {source["external_id"]: told(source) for source in await exported(catalog.acme)}
    assert sources == {"a": [("agent", "Hi!"), ("user", "Hello?")], "f": [("user", "Hello?")]}


async def test_a_table_without_a_column_that_is_needed_says_which_columns_there_are(catalog: Catalog) -> None:
    summary = await import_table(catalog.acme, b"id,who,words\n1,user,Hello?\n")
    misspelt = await import_table(catalog.acme, b"id,role,text\n1,user,Hello?\n", conversation="idd")

    assert (summary.imported, summary.refused) == (0, 1)
    assert [problem.description for problem in (*summary.problems, *misspelt.problems)] == [
        "No column has a usual name of the conversation, author and text; add --column conversation=NAME "
        "--column author=NAME --column text=NAME. There are 'id', 'who', 'words'.",
        "The table has no column 'idd'; it has 'id', 'role', 'text'.",
    ]


FILES = {
    "greenroom": json.dumps({"external_id": "g", "events": [{"user_message": {"text": "Hello?"}}]}),
    "abcd": json.dumps({"id": "a", "flow": "f", "subflow": "s", "turns": [{"role": "customer", "text": "Hello?"}]}),
    "star": json.dumps({"id": "s", "tasks": ["t"], "turns": [{"role": "user", "action": "utter", "text": "Hello?"}]}),
    "tau2": json.dumps({"id": "t", "domain": "shop", "task_id": "7", "messages": [ASK]}),
    "openai": "{\n\n" + chat(ASK),
    "openai in a list": json.dumps([json.loads(chat(ANSWER))], indent=2),
    "sharegpt": shared(("human", "Hello?")),
    "table": "Chat ID\tRole\tText\n1\tuser\tHello?",
    "table of JSON": json.dumps({"chat_id": 2, "role": "user", "text": "Hello?"}),
    "table of a list": json.dumps([{"chat_id": 4, "role": "user", "text": "Hello?"}]),
    "table after sep": "sep=;\r\nChat ID;Role;Text\r\n3;user;Hello?",
}


@pytest.mark.parametrize("name", FILES)
async def test_a_format_that_is_not_given_is_detected_and_said(name: str, catalog: Catalog) -> None:
    summary = await catalog.acme.import_sources(lines([FILES[name]]), file="unknown")

    assert (summary.format, summary.imported) == (name.split()[0], 1)


@pytest.mark.parametrize("data", [b"Dear Jane,\nwhere is my lamp?\n", b"[\n{}\n]\n", b'{"a": 1}\n', bytes(range(256))])
async def test_a_file_in_no_known_format_is_refused_with_those_that_there_are(data: bytes, catalog: Catalog) -> None:
    refused = await failure(catalog.acme.import_sources(data, file="letter.txt"))

    assert refused.reason == "FORMAT_NOT_DETECTED"
    assert "greenroom, abcd, star, tau2, openai, sharegpt or table" in refused.sentence
    assert "add --column conversation=NAME" in refused.sentence


async def test_a_dry_run_shows_two_sources_and_imports_nothing(catalog: Catalog) -> None:
    long = [ASK, ANSWER] * 15
    data = lines([chat(SYSTEM, *long, id="one"), chat(ASK, id="two"), chat(ASK, id="three"), "{"])
    requests = messages(source_pb2.ImportSourcesRequest, data, {"dry_run": True, "request_id": "r"})

    response = await catalog.acme.sources.ImportSources(requests)

    assert (response.summary.imported, reasons(response.summary)) == (3, [(4, "BAD_JSON")])
    first, second = response.samples
    assert (first.external_id, first.finished, first.instructions) == ("one", True, SYSTEM["content"])
    assert [event.WhichOneof("kind") for event in first.events] == ["user_message", "agent_message"] * 10
    assert (first.event_count, second.external_id) == (30, "two")
    assert await exported(catalog.acme) == []
    assert not (await catalog.acme.procedures.ListProcedures(procedure_pb2.ListProceduresRequest())).procedures
    assert (await catalog.acme.import_sources(data, request_id="r")).imported == 3


async def test_a_conversation_without_an_end_is_finished_when_its_newest_message_is_old_enough(
    catalog: Catalog,
) -> None:
    minutes_ago = [datetime.now(UTC) - timedelta(minutes=minutes) for minutes in (50, 29, 31)]
    old, recent, middle = (at.isoformat() for at in minutes_ago)
    rows = [f"{at},{chat},user,Hello?" for chat, at in (("a", old), ("a", recent), ("b", old), ("b", middle))]
    table = lines(["time,chat,role,text", *rows])
    chats = lines(
        [chat({**ASK, "created_at": recent}, id="c"), chat({**ASK, "timestamp": recent}, id="d", finished=True)]
    )

    await import_table(catalog.acme, table)
    await catalog.acme.import_sources(chats, format="openai")

    ended = {source["external_id"]: source.get("finished", False) for source in await exported(catalog.acme)}
    assert ended == {"a": False, "b": True, "c": False, "d": True}
    later = await catalog.acme.import_sources(table, format="table", finished_after=Duration(seconds=60))
    assert [source["finished"] for source in await exported(catalog.acme)][:2] == [True, True]
    assert (later.unchanged, later.finished) == (2, 1)


def test_the_folder_of_a_table_whose_import_was_killed_is_removed_a_day_later(tmp_path: Path) -> None:
    killed, under_way, other = (tmp_path / name for name in ("import-a", "import-b", "dataset"))
    for folder in (killed, under_way, other):
        (folder / "dealt").mkdir(parents=True)
    for folder in (killed, other):
        os.utime(folder, (0, 0))

    remove_leftovers(tmp_path, under_way.stat().st_mtime)

    assert sorted(tmp_path.iterdir()) == [other, under_way]
