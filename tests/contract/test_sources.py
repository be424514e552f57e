"""SourceService over a real connection, on both databases."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from greenroom.synthesizer.v1 import import_pb2
from greenroom.synthesizer.v1 import source_pb2 as pb
from shared.limits import MAX_LINE
from tests.contract.catalog import Catalog, Company, abcd, lines, messages, refer
from tests.unit.rpc.echo import failure

ABCD = {"format": "abcd", "file": "dialogues.jsonl"}
OURS: dict[str, Any] = {"format": "greenroom", "file": "mine.jsonl"}


def source(external_id: str = "s-1", text: str = "Where is my order?", **more: Any) -> str:
    events = [
        {"agent_message": {"text": "Hello."}, "virtual_time": "2026-01-05T09:00:00Z"},
        {"user_message": {"text": text}},
        {
            "tool_call": {
                "call_id": "c1",
                "tool": "find",
                "arguments": {"id": 7, "deep": {"list": [1, 2.5, None, True]}},
            }
        },
        {"tool_result": {"call_id": "c1", "tool": "find", "answer": {"value": {"total": 12_999, "rate": 0.5}}}},
    ]
    resources = [{"type": "order", "id": "o-1", "data": {"total": 12_999, "lines": [{"n": 1}]}, "appeared_after": 2}]
    return json.dumps({"external_id": external_id, "finished": True, "events": events, "resources": resources, **more})


async def all_sources(catalog: Catalog, **narrowed: Any) -> list[pb.Source]:
    found, token = [], ""
    while True:
        request = pb.ListSourcesRequest(page_size=300, page_token=token, filter=pb.SourceFilter(**narrowed))
        page = await catalog.acme.sources.ListSources(request)
        found += page.sources
        token = page.next_page_token
        if not token:
            return found


def counts(summary: import_pb2.ImportSummary) -> tuple[int, int, int]:
    return summary.imported, summary.unchanged, summary.refused


def problems(summary: import_pb2.ImportSummary) -> list[tuple[int, str]]:
    return [(problem.line, problem.reason) for problem in summary.problems]


async def test_all_dialogues_of_abcd_become_sources_linked_to_their_procedures(catalog: Catalog) -> None:
    await catalog.acme.import_procedures(abcd("procedures"), format="abcd", file="procedures.jsonl")

    summary = await catalog.acme.import_sources(abcd("dialogues"), **ABCD)

    assert (summary.imported, summary.refused) == (500, 0)
    found = await all_sources(catalog)
    assert len(found) == 500
    assert found == sorted(found, key=lambda one: one.name, reverse=True)
    assert all(one.event_count > 0 and one.format == "abcd" for one in found)
    linked = [one for one in found if one.procedure]
    unlinked = [problem for problem in summary.problems if problem.reason == "PROCEDURE_NOT_FOUND"]
    assert len(linked) + len(unlinked) == 500
    assert {one.revision for one in linked} == {1}
    assert len(linked) > 400
    one = linked[0]
    of_procedure = await all_sources(catalog, procedure=one.procedure)
    assert one in of_procedure
    assert {other.procedure for other in of_procedure} == {one.procedure}
    assert not (await catalog.globex.sources.ListSources(pb.ListSourcesRequest())).sources


async def test_labels_of_abcd_are_not_part_of_the_content(catalog: Catalog) -> None:
    rows = [json.loads(line) for line in abcd("dialogues").splitlines()[:50]]
    marked = [row | {"label_raw": "XLABELX", "expected_actions": ["XLABELX"], "reward": "XLABELX"} for row in rows]

    await catalog.acme.import_sources(lines(json.dumps(row) for row in marked), **ABCD)

    for one in await all_sources(catalog):
        request = pb.ListSourceEventsRequest(source=one.name, page_size=1000)
        assert b"XLABELX" not in (await catalog.acme.sources.ListSourceEvents(request)).SerializeToString()


async def test_a_source_comes_back_as_it_was_in_the_file(catalog: Catalog) -> None:
    assert counts(await catalog.acme.import_sources(lines([source()]), **OURS)) == (1, 0, 0)

    [listed] = await all_sources(catalog)
    got = (await catalog.acme.sources.GetSource(pb.GetSourceRequest(name=listed.name))).source
    content = await catalog.acme.sources.ListSourceEvents(pb.ListSourceEventsRequest(source=listed.name))

    assert got == listed
    assert (got.external_id, got.format, got.finished) == ("s-1", "greenroom", True)
    assert (got.event_count, got.resource_count) == (4, 1)
    assert [event.WhichOneof("kind") for event in content.events] == [
        *("agent_message", "user_message", "tool_call", "tool_result")
    ]
    assert [event.seq for event in content.events] == [1, 2, 3, 4]
    assert content.events[0].virtual_time.ToJsonString() == "2026-01-05T09:00:00Z"
    arguments = content.events[2].tool_call.arguments
    assert (arguments["id"], list(arguments["deep"]["list"])) == (7, [1, 2.5, None, True])
    assert content.events[3].tool_result.answer.value.struct_value["total"] == 12_999
    [resource] = content.resources
    assert (resource.type, resource.id, resource.appeared_after) == ("order", "o-1", 2)
    assert resource.data["lines"][0]["n"] == 1


async def test_events_come_page_by_page_and_resources_with_the_first(catalog: Catalog) -> None:
    await catalog.acme.import_sources(lines([source()]), **OURS)
    [one] = await all_sources(catalog)
    seqs, resources, token = [], [], ""
    while True:
        request = pb.ListSourceEventsRequest(source=one.name, page_size=3, page_token=token)
        page = await catalog.acme.sources.ListSourceEvents(request)
        seqs.append([event.seq for event in page.events])
        resources.append(len(page.resources))
        token = page.next_page_token
        if not token:
            break

    assert (seqs, resources) == ([[1, 2, 3], [4]], [1, 0])


async def test_a_page_of_large_events_ends_where_the_message_is_full(catalog: Catalog) -> None:
    events = [{"user_message": {"text": "ä" * 20_000}}] * 100
    large = json.dumps(json.loads(source(events=events, resources=[])), ensure_ascii=False)
    assert counts(await catalog.acme.import_sources(lines([large]), **OURS)) == (1, 0, 0)
    [one] = await all_sources(catalog)

    first = await catalog.acme.sources.ListSourceEvents(pb.ListSourceEventsRequest(source=one.name, page_size=100))
    rest = await catalog.acme.sources.ListSourceEvents(
        pb.ListSourceEventsRequest(source=one.name, page_size=100, page_token=first.next_page_token)
    )

    assert 0 < len(first.events) < 100
    assert [event.seq for event in [*first.events, *rest.events]] == list(range(1, 101))


async def test_bad_lines_are_named_with_file_and_line_and_the_rest_is_imported(catalog: Catalog) -> None:
    data = lines(
        [
            source("a"),
            bytes(range(256)).replace(b"\n", b""),
            source("b")[:60],
            source("c"),
            "",
            "x" * (MAX_LINE + 1),
            source("d", reward=1),
            source("e", events=[{"tool_call": {"call_id": "c", "tool": "t", "arguments": {"n": 10**400}}}]),
            source("f", resources=[{"type": "t", "id": "i", "data": json.loads('{"a":' * 60 + "1" + "}" * 60)}]),
            source("g", events=[{"user_message": {"text": "half \ud800"}}]),
            source("h", resources=[{"type": "t", "id": "i", "data": {"half": "\udfff"}}]),
            source("i", resources=[{"type": "t", "id": "i", "data": {"large": "x" * (1 << 20)}}]),
            source("z"),
        ]
    )

    summary = await catalog.acme.import_sources(data, **OURS)

    assert counts(summary) == (3, 0, 10)
    assert {problem.file for problem in summary.problems} == {"mine.jsonl"}
    assert problems(summary) == [
        (2, "BAD_UTF8"),
        (3, "BAD_JSON"),
        (5, "BLANK_LINE"),
        (6, "LINE_TOO_LONG"),
        (7, "UNKNOWN_FIELD"),
        (8, "VALUE_NOT_STORABLE"),
        (9, "VALUE_NOT_STORABLE"),
        (10, "BAD_TEXT"),
        (11, "VALUE_NOT_STORABLE"),
        (12, "VALUE_NOT_STORABLE"),
    ]
    assert all(problem.description.endswith(".") for problem in summary.problems)
    found = await all_sources(catalog)
    assert [one.external_id for one in found] == ["z", "c", "a"]
    for one in found:
        await catalog.acme.sources.ListSourceEvents(pb.ListSourceEventsRequest(source=one.name))


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
async def test_chunks_of_a_file_may_be_cut_anywhere(catalog: Catalog, size: int) -> None:
    data = lines([source("ä"), "{", source("ö")]).rstrip(b"\n")

    def cut() -> Iterator[pb.ImportSourcesRequest]:
        yield pb.ImportSourcesRequest(header=import_pb2.ImportHeader(**OURS))
        for start in range(0, len(data), size):
            yield pb.ImportSourcesRequest(chunk=data[start : start + size])

    summary = (await catalog.acme.sources.ImportSources(cut())).summary

    assert counts(summary) == (2, 0, 1)
    assert problems(summary) == [(2, "BAD_JSON")]


async def test_the_same_content_is_unchanged_and_a_used_id_with_other_content_is_refused(catalog: Catalog) -> None:
    await catalog.acme.import_sources(lines([source("a"), source("b")]), **OURS)
    data = lines([source("a"), source("b", "Another question?"), source("c"), source("c"), source("c", "No!")])

    summary = await catalog.acme.import_sources(data, **OURS)

    assert counts(summary) == (1, 2, 2)
    assert problems(summary) == [(2, "EXTERNAL_ID_TAKEN"), (5, "EXTERNAL_ID_TAKEN")]
    assert counts(await catalog.globex.import_sources(data, **OURS)) == (3, 1, 1)


async def test_a_file_of_many_slices_counts_every_line_once(catalog: Catalog) -> None:
    rows = [source(f"s-{n}") if n % 10 else "{" for n in range(1_500)]

    summary = await catalog.acme.import_sources(lines(rows), **OURS)

    assert counts(summary) == (1_350, 0, 150)
    assert [problem.line for problem in summary.problems] == list(range(1, 1_500, 10))


async def test_a_thousand_problems_are_listed_and_all_are_counted(catalog: Catalog) -> None:
    summary = await catalog.acme.import_sources(b"{\n" * 1_100 + source().encode(), **OURS)

    assert counts(summary) == (1, 0, 1_100)
    assert len(summary.problems) == 1_000


async def test_an_empty_file_is_a_problem(catalog: Catalog) -> None:
    summary = await catalog.acme.import_sources(b"", **OURS)

    assert counts(summary) == (0, 0, 1)
    assert problems(summary) == [(1, "EMPTY_FILE")]


async def test_a_source_without_its_procedure_is_linked_when_the_file_is_imported_again(catalog: Catalog) -> None:
    data = lines([source(procedure="refund")])

    before = await catalog.acme.import_sources(data, **OURS)
    assert counts(before) == (1, 0, 0)
    assert problems(before) == [(1, "PROCEDURE_NOT_FOUND")]
    assert (await all_sources(catalog))[0].procedure == ""

    procedure = {"external_id": "refund", "display_name": "Refund", "instructions": "Refund it."}
    await catalog.acme.import_procedures(lines([json.dumps(procedure)]), format="greenroom", file="p.jsonl")
    after = await catalog.acme.import_sources(data, **OURS)

    again = await catalog.acme.import_sources(data, **OURS)

    assert (*counts(after), after.linked) == (0, 1, 0, 1)
    assert (*counts(again), again.linked) == (0, 1, 0, 0)
    assert not after.problems
    [linked] = await all_sources(catalog)
    assert linked.procedure.startswith("procedures/")
    assert linked.revision == 1


async def test_a_repeated_import_returns_the_first_summary(catalog: Catalog) -> None:
    data = lines([source("a"), "{"])

    first = await catalog.acme.import_sources(data, **OURS, request_id="once")
    again = await catalog.acme.import_sources(data, **OURS, request_id="once")

    assert counts(first) == (1, 0, 1)
    assert again == first


async def test_a_request_id_with_another_file_is_refused_and_nothing_of_it_is_imported(catalog: Catalog) -> None:
    await catalog.acme.import_sources(lines([source("a")]), **OURS, request_id="once")

    failed = await failure(catalog.acme.import_sources(lines([source("b")]), **OURS, request_id="once"))

    assert (failed.code, failed.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert [one.external_id for one in await all_sources(catalog)] == ["a"]


async def test_an_import_starts_with_one_header_of_a_known_format(catalog: Catalog) -> None:
    header = pb.ImportSourcesRequest(header=import_pb2.ImportHeader(**OURS))
    chunk = pb.ImportSourcesRequest(chunk=source().encode())
    imports = catalog.acme.sources.ImportSources

    assert (await failure(imports(iter([])))).reason == "HEADER_EXPECTED"
    assert (await failure(imports(iter([chunk])))).reason == "HEADER_EXPECTED"
    assert (await failure(imports(iter([header, chunk, header])))).reason == "HEADER_REPEATED"
    unknown = await failure(imports(messages(pb.ImportSourcesRequest, b"", {"format": "csv", "file": "x"})))
    assert (unknown.code, unknown.reason) == ("INVALID_ARGUMENT", "UNKNOWN_FORMAT")
    assert "greenroom" in unknown.sentence
    assert "abcd" in unknown.sentence


async def test_a_list_is_narrowed_to_ids_that_begin_or_end_with_a_text_and_counted(catalog: Catalog) -> None:
    await catalog.acme.import_sources(lines([source("a"), source("b"), source("c")]), **OURS)
    *_, oldest = await all_sources(catalog)

    async def found(**wanted: Any) -> tuple[list[str], int]:
        page = await catalog.acme.sources.ListSources(pb.ListSourcesRequest(**wanted))
        return [one.external_id for one in page.sources], page.total_size

    assert await found(short_id=oldest.name[-8:]) == (["a"], 1)
    assert await found(short_id=oldest.name.removeprefix("sources/")[:8]) == (["c", "b", "a"], 3)
    assert await found(short_id=oldest.name[-20:-8]) == ([], 0)
    assert await found(page_size=1) == (["c"], 3)
    assert await found(page_size=1, filter=pb.SourceFilter(external_id_prefix="b")) == (["b"], 1)
    wrong = await failure(catalog.acme.sources.ListSources(pb.ListSourcesRequest(short_id="%")))
    assert wrong.code == "INVALID_ARGUMENT"


async def test_a_page_token_is_valid_only_with_its_filter(catalog: Catalog) -> None:
    await catalog.acme.import_sources(lines([source("a"), source("b", finished=False), source("c")]), **OURS)

    assert [one.external_id for one in await all_sources(catalog, finished=True)] == ["c", "a"]
    assert [one.external_id for one in await all_sources(catalog, external_id="b")] == ["b"]
    assert await all_sources(catalog, format="abcd") == []
    finished = pb.SourceFilter(finished=True)
    page = await catalog.acme.sources.ListSources(pb.ListSourcesRequest(page_size=1, filter=finished))
    other = pb.ListSourcesRequest(page_size=1, page_token=page.next_page_token)
    assert (await failure(catalog.acme.sources.ListSources(other))).reason == "CURSOR_FOREIGN"
    nul = pb.ListSourcesRequest(filter=pb.SourceFilter(external_id="a\0"))
    assert (await failure(catalog.acme.sources.ListSources(nul))).code == "INVALID_ARGUMENT"


async def test_a_source_is_deleted_only_after_its_conversations(catalog: Catalog) -> None:
    await catalog.acme.import_sources(lines([source("a"), source("b")]), **OURS)
    free, used = await all_sources(catalog)
    await refer(catalog.db, catalog.acme.name, source=used.name.removeprefix("sources/"))

    failed = await failure(catalog.acme.sources.DeleteSource(pb.DeleteSourceRequest(name=used.name)))
    await catalog.acme.sources.DeleteSource(pb.DeleteSourceRequest(name=free.name))

    assert (failed.code, failed.reason) == ("FAILED_PRECONDITION", "STILL_REFERRED_TO")
    assert f"a conversation refers to it: conversations/of-{catalog.acme.name}-0" in failed.sentence
    assert [one.external_id for one in await all_sources(catalog)] == ["a"]


async def test_missing_sources_and_those_of_other_companies_are_not_found(catalog: Catalog) -> None:
    await catalog.acme.import_sources(lines([source()]), **OURS)
    [mine] = await all_sources(catalog)

    for sources, name in ((catalog.acme.sources, "sources/none"), (catalog.globex.sources, mine.name)):
        for call in (
            sources.GetSource(pb.GetSourceRequest(name=name)),
            sources.ListSourceEvents(pb.ListSourceEventsRequest(source=name)),
            sources.DeleteSource(pb.DeleteSourceRequest(name=name)),
        ):
            failed = await failure(call)
            assert (failed.code, failed.reason) == ("NOT_FOUND", "SOURCE_NOT_FOUND")


async def exported(company: Company, cursor: str = "", **narrowed: Any) -> AsyncIterator[pb.ExportSourcesResponse]:
    request = pb.ExportSourcesRequest(filter=pb.SourceFilter(**narrowed), cursor=cursor)
    async for response in company.sources.ExportSources(request):
        yield response


async def test_exported_sources_import_again_unchanged(catalog: Catalog) -> None:
    await catalog.acme.import_procedures(abcd("procedures"), format="abcd", file="procedures.jsonl")
    await catalog.acme.import_sources(abcd("dialogues"), **ABCD)
    late = [{"user_message": {"text": "Hi", "leaves": True}, "virtual_time": "1969-12-31T23:59:59.123Z"}]
    late += [{"waited": {"until": "2026-01-05T09:00:00.5Z"}, "virtual_time": "2026-01-05T09:00:00.5Z"}]
    data = lines([source(), source("s-2", finished=False, events=late), source("s-3", text="Grüße 🙂")])
    await catalog.acme.import_sources(data, **OURS)

    data = b"".join([response.chunk async for response in exported(catalog.acme)])

    assert data.count(b"\n") == 503
    assert counts(await catalog.acme.import_sources(data, **OURS)) == (0, 503, 0)
    await catalog.globex.import_procedures(abcd("procedures"), format="abcd", file="procedures.jsonl")
    assert counts(await catalog.globex.import_sources(data, **OURS)) == (503, 0, 0)
    assert b"".join([response.chunk async for response in exported(catalog.globex)]) == data
    ours = b"".join([response.chunk async for response in exported(catalog.acme, format="greenroom")])
    assert ours.count(b"\n") == 3


async def test_an_export_of_sources_continues_after_a_cursor_also_within_a_line(catalog: Catalog) -> None:
    long = [{"user_message": {"text": f"{n}" + "x" * 19_000}} for n in range(120)]
    await catalog.acme.import_sources(lines([source(f"s-{n}", events=long) for n in range(3)]), **OURS)
    whole = [response async for response in exported(catalog.acme)]

    for received, response in enumerate(whole, 1):
        rest = [later.chunk async for later in exported(catalog.acme, response.cursor)]
        assert rest == [later.chunk for later in whole[received:]]
    assert len(whole) > 3
    assert all(len(response.chunk) <= 1 << 20 for response in whole)

    cut = whole[0].cursor
    first = (await all_sources(catalog))[-1]
    assert (await failure(exported(catalog.acme, cut, finished=True))).reason == "CURSOR_FOREIGN"
    await catalog.acme.sources.DeleteSource(pb.DeleteSourceRequest(name=first.name))
    await catalog.acme.import_sources(lines([source("s-9")]), **OURS)
    assert (await failure(exported(catalog.acme, cut))).reason == "CURSOR_EXPIRED"
