"""ProcedureService over a real connection, on both databases."""

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from greenroom.synthesizer.v1 import procedure_pb2 as pb
from greenroom.synthesizer.v1 import source_pb2
from tests.contract.catalog import Catalog, Company, abcd, lines, refer
from tests.unit.rpc.echo import failure

REFUND: dict[str, Any] = {
    "instructions": "Find out which order it is, then refund it.",
    "steps": [
        {"say": {"text": "Hello."}},
        {
            "id": "which",
            "ask": {"slot": "order", "question": "Which order?", "schema": {"type": "string", "minLength": 3}},
        },
        {"call": {"tool": "refund", "arguments": {"order_id": "order"}}},
        {"branch": {"condition": "results.refund.amount > 10", "then": "done", "otherwise": "which"}},
        {"id": "done", "end": {"text": "Order {{ order }} is refunded."}},
    ],
    "tools": [
        {
            "name": "refund",
            "description": "Refunds an order.",
            "arguments_schema": {"type": "object", "properties": {"order_id": {"type": "string", "maxLength": 9}}},
            "result_schema": {"type": "object", "properties": {"amount": {"type": "number", "multipleOf": 0.5}}},
            "required": True,
        }
    ],
}


def revision(**changes: Any) -> pb.Revision:
    return ParseDict(REFUND | changes, pb.Revision())


async def create(catalog: Catalog, *, ready: bool = False, request_id: str = "", **procedure: Any) -> Any:
    request = pb.CreateProcedureRequest(
        procedure=pb.Procedure(**{"display_name": "Refund", **procedure}),
        revision=revision(),
        ready=ready,
        request_id=request_id,
    )
    return await catalog.acme.procedures.CreateProcedure(request)


async def add(catalog: Catalog, procedure: str, *, ready: bool = False, request_id: str = "") -> pb.Revision:
    request = pb.AddRevisionRequest(procedure=procedure, revision=revision(), ready=ready, request_id=request_id)
    added: pb.Revision = (await catalog.acme.procedures.AddRevision(request)).revision
    return added


async def get(catalog: Catalog, name: str, number: int = 0) -> Any:
    return await catalog.acme.procedures.GetProcedure(pb.GetProcedureRequest(name=name, revision=number))


async def test_a_procedure_comes_back_as_it_was_created_with_its_first_revision_a_draft(catalog: Catalog) -> None:
    created = await create(catalog, description="Money back", external_id="R-1")

    got = await get(catalog, created.procedure.name)

    assert (got.procedure, got.revision) == (created.procedure, created.revision)
    assert got.procedure.external_id == "R-1"
    assert (got.procedure.latest_revision, got.procedure.latest_ready_revision) == (1, 0)
    assert (got.revision.number, got.revision.state) == (1, pb.Revision.STATE_DRAFT)
    assert not got.revision.HasField("ready_time")
    content = pb.Revision(instructions=got.revision.instructions, steps=got.revision.steps, tools=got.revision.tools)
    assert content == revision()


async def test_a_revision_that_is_marked_ready_stays_ready(catalog: Catalog) -> None:
    name = (await create(catalog)).procedure.name
    request = pb.MarkReadyRequest(procedure=name, revision=1)

    ready = (await catalog.acme.procedures.MarkReady(request)).revision

    assert ready.state == pb.Revision.STATE_READY
    assert ready.HasField("ready_time")
    assert (await catalog.acme.procedures.MarkReady(request)).revision == ready
    assert (await get(catalog, name)).procedure.latest_ready_revision == 1


async def test_revisions_count_up_and_the_newest_is_shown_unless_another_is_asked_for(catalog: Catalog) -> None:
    name = (await create(catalog, ready=True)).procedure.name

    assert [(await add(catalog, name)).number for _ in range(3)] == [2, 3, 4]
    await catalog.acme.procedures.MarkReady(pb.MarkReadyRequest(procedure=name, revision=3))
    await catalog.acme.procedures.MarkReady(pb.MarkReadyRequest(procedure=name, revision=2))

    newest = await get(catalog, name)
    assert newest.revision.number == 4
    assert (newest.procedure.latest_revision, newest.procedure.latest_ready_revision) == (4, 3)
    assert (await get(catalog, name, 2)).revision.number == 2


async def test_a_repeated_request_returns_its_first_result(catalog: Catalog) -> None:
    first = await create(catalog, request_id="once")
    again = await create(catalog, request_id="once")
    assert (again.procedure, again.revision) == (first.procedure, first.revision)

    name = first.procedure.name
    second = await add(catalog, name, request_id="again")
    assert await add(catalog, name, request_id="again") == second
    assert (await get(catalog, name)).procedure.latest_revision == 2

    other = pb.AddRevisionRequest(procedure=name, revision=revision(instructions="x"), request_id="again")
    assert (await failure(catalog.acme.procedures.AddRevision(other))).reason == "REQUEST_ID_REUSED"


async def test_an_external_id_names_one_procedure_of_a_company(catalog: Catalog) -> None:
    await create(catalog, external_id="R-1")
    await create(catalog)
    await create(catalog)

    failed = await failure(create(catalog, external_id="R-1"))

    assert (failed.code, failed.reason) == ("ALREADY_EXISTS", "EXTERNAL_ID_TAKEN")
    listed = await catalog.acme.procedures.ListProcedures(pb.ListProceduresRequest(external_id="R-1"))
    assert [procedure.external_id for procedure in listed.procedures] == ["R-1"]


async def test_procedures_are_listed_newest_first_page_by_page(catalog: Catalog) -> None:
    made = [(await create(catalog)).procedure.name for _ in range(5)]
    listed, token = [], ""
    while True:
        request = pb.ListProceduresRequest(page_size=2, page_token=token)
        page = await catalog.acme.procedures.ListProcedures(request)
        listed += [procedure.name for procedure in page.procedures]
        token = page.next_page_token
        if not token:
            break

    assert listed == made[::-1]
    assert not (await catalog.globex.procedures.ListProcedures(pb.ListProceduresRequest())).procedures


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"steps": [{"branch": {"condition": "true", "then": "nowhere"}}]}, "revision.steps[0]"),
        ({"steps": [{"branch": {"condition": "1 +", "then": "x"}}, {"id": "x", "end": {}}]}, "revision.steps[0]"),
        ({"steps": [{"call": {"tool": "refnud"}}]}, "revision.steps[0]"),
        ({"tools": [{"name": "refund", "arguments_schema": {"type": "objekt"}}], "steps": []}, "revision.tools[0]"),
        ({"steps": [{"id": "empty"}]}, "revision.steps[0]"),
    ],
)
async def test_each_invalid_part_of_a_revision_is_named(catalog: Catalog, changes: dict[str, Any], field: str) -> None:
    request = pb.CreateProcedureRequest(
        procedure=pb.Procedure(display_name="x"), revision=revision(**changes), ready=True
    )

    failed = await failure(catalog.acme.procedures.CreateProcedure(request))

    assert failed.code == "INVALID_ARGUMENT"
    assert failed.violations
    assert all(violation.field.startswith(field) for violation in failed.violations)


async def test_a_number_that_json_does_not_have_is_refused(catalog: Catalog) -> None:
    schema = revision()
    schema.tools[0].arguments_schema["maximum"] = float("nan")
    request = pb.CreateProcedureRequest(procedure=pb.Procedure(display_name="x"), revision=schema)

    assert (await failure(catalog.acme.procedures.CreateProcedure(request))).reason == "NUMBER_NOT_FINITE"


async def test_a_revision_too_large_for_a_message_is_refused(catalog: Catalog) -> None:
    schema = {"type": "object", "description": "x" * 60_000}
    tools = [{"name": f"refund_{n}", "arguments_schema": schema} for n in range(20)]
    large = revision(tools=tools, steps=[])
    request = pb.CreateProcedureRequest(procedure=pb.Procedure(display_name="x"), revision=large)

    assert (await failure(catalog.acme.procedures.CreateProcedure(request))).reason == "REVISION_TOO_LARGE"

    line = {"external_id": "a", "display_name": "A", "instructions": "Refund it.", "tools": tools}
    summary = await catalog.acme.import_procedures(lines([json.dumps(line)]), format="greenroom", file="mine.jsonl")
    assert [problem.reason for problem in summary.problems] == ["REVISION_TOO_LARGE"]


async def test_the_character_nul_is_refused(catalog: Catalog) -> None:
    for field in ("display_name", "description", "external_id"):
        nul: dict[str, Any] = {field: "a\0b"}
        failed = await failure(create(catalog, **nul))
        assert [violation.field for violation in failed.violations] == [f"procedure.{field}"]
    search = pb.ListProceduresRequest(external_id="a\0b")
    assert (await failure(catalog.acme.procedures.ListProcedures(search))).code == "INVALID_ARGUMENT"


async def test_what_is_not_there_is_not_found(catalog: Catalog) -> None:
    name = (await create(catalog)).procedure.name
    theirs = catalog.globex.procedures

    for call, reason in (
        (get(catalog, "procedures/none"), "PROCEDURE_NOT_FOUND"),
        (get(catalog, name, 2), "REVISION_NOT_FOUND"),
        (
            catalog.acme.procedures.MarkReady(pb.MarkReadyRequest(procedure=name, revision=2**31 - 1)),
            "REVISION_NOT_FOUND",
        ),
        (add(catalog, "procedures/none"), "PROCEDURE_NOT_FOUND"),
        (theirs.GetProcedure(pb.GetProcedureRequest(name=name)), "PROCEDURE_NOT_FOUND"),
        (theirs.MarkReady(pb.MarkReadyRequest(procedure=name, revision=1)), "PROCEDURE_NOT_FOUND"),
        (theirs.AddRevision(pb.AddRevisionRequest(procedure=name, revision=revision())), "PROCEDURE_NOT_FOUND"),
    ):
        failed = await failure(call)
        assert (failed.code, failed.reason) == ("NOT_FOUND", reason)


async def test_all_guidelines_of_abcd_become_procedures_that_are_ready_with_steps_and_tools(catalog: Catalog) -> None:
    data = abcd("procedures")

    summary = await catalog.acme.import_procedures(data, format="abcd", file="procedures.jsonl")

    assert (summary.imported, summary.unchanged, summary.refused) == (47, 0, 0), summary.problems
    listed = (await catalog.acme.procedures.ListProcedures(pb.ListProceduresRequest(page_size=100))).procedures
    assert {procedure.latest_ready_revision for procedure in listed} == {1}
    for procedure in listed[:5]:
        first = (await get(catalog, procedure.name)).revision
        assert first.state == pb.Revision.STATE_READY
        assert first.steps
        assert first.tools
    again = await catalog.acme.import_procedures(data, format="abcd", file="procedures.jsonl")
    assert (again.imported, again.unchanged, again.refused) == (0, 47, 0)


async def test_a_bad_line_of_procedures_is_named_and_the_rest_is_imported(catalog: Catalog) -> None:
    good = {"external_id": "a", "display_name": "A", **REFUND}
    data = lines([json.dumps(good), "{", json.dumps(good | {"display_name": "Other"}), json.dumps({"steps": 1})])

    summary = await catalog.acme.import_procedures(data, format="greenroom", file="mine.jsonl")

    assert (summary.imported, summary.unchanged, summary.refused) == (1, 0, 3)
    assert [(problem.file, problem.line) for problem in summary.problems] == [("mine.jsonl", n) for n in (2, 3, 4)]
    assert [problem.reason for problem in summary.problems][:2] == ["BAD_JSON", "EXTERNAL_ID_TAKEN"]


async def update(catalog: Catalog, name: str, number: int, **changes: Any) -> pb.Revision:
    request = pb.UpdateRevisionRequest(procedure=name, number=number, revision=revision(**changes))
    updated: pb.Revision = (await catalog.acme.procedures.UpdateRevision(request)).revision
    return updated


async def delete_revision(catalog: Catalog, name: str, number: int) -> None:
    await catalog.acme.procedures.DeleteRevision(pb.DeleteRevisionRequest(procedure=name, revision=number))


async def test_a_draft_can_be_updated_until_it_is_ready(catalog: Catalog) -> None:
    name = (await create(catalog)).procedure.name

    updated = await update(catalog, name, 1, instructions="Refund it at once.")

    assert updated.instructions == "Refund it at once."
    assert (await get(catalog, name)).revision == updated
    bad = await failure(update(catalog, name, 1, steps=[{"call": {"tool": "refnud"}}]))
    assert bad.violations[0].field == "revision.steps[0].call.tool"
    await catalog.acme.procedures.MarkReady(pb.MarkReadyRequest(procedure=name, revision=1))
    ready = await failure(update(catalog, name, 1, instructions="Never mind."))
    assert (ready.code, ready.reason) == ("FAILED_PRECONDITION", "REVISION_READY")
    assert (await get(catalog, name)).revision.instructions == "Refund it at once."


async def test_the_number_of_a_deleted_revision_is_not_used_again(catalog: Catalog) -> None:
    name = (await create(catalog, ready=True)).procedure.name
    await add(catalog, name, request_id="second")

    await delete_revision(catalog, name, 2)

    found = await get(catalog, name)
    assert (found.procedure.latest_revision, found.revision.number) == (1, 1)
    assert (await failure(get(catalog, name, 2))).reason == "REVISION_NOT_FOUND"
    assert (await failure(add(catalog, name, request_id="second"))).reason == "REQUEST_RESULT_DELETED"
    assert (await add(catalog, name)).number == 3


async def test_a_ready_revision_is_deleted_only_when_nothing_refers_to_it_and_another_is_left(catalog: Catalog) -> None:
    name = (await create(catalog, ready=True)).procedure.name
    only = await failure(delete_revision(catalog, name, 1))
    assert (only.code, only.reason) == ("FAILED_PRECONDITION", "ONLY_REVISION")
    await add(catalog, name, ready=True)
    await refer(catalog.db, catalog.acme.name, count=2, procedure=name.removeprefix("procedures/"), revision=2)

    referred = await failure(delete_revision(catalog, name, 2))
    await delete_revision(catalog, name, 1)

    assert (referred.code, referred.reason) == ("FAILED_PRECONDITION", "STILL_REFERRED_TO")
    both = ", ".join(f"conversations/of-{catalog.acme.name}-{n}" for n in range(2))
    assert f"2 conversations refer to it: {both}" in referred.sentence
    assert (await get(catalog, name)).procedure.latest_ready_revision == 2


async def test_a_procedure_is_deleted_with_its_revisions_when_nothing_refers_to_it(catalog: Catalog) -> None:
    name = (await create(catalog, external_id="R-1", ready=True, request_id="once")).procedure.name
    events = [{"user_message": {"text": "Hello"}}]
    line = json.dumps({"external_id": "s-1", "finished": True, "procedure": "R-1", "events": events})
    await catalog.acme.import_sources(lines([line]), format="greenroom", file="s.jsonl")
    request = pb.DeleteProcedureRequest(name=name)

    linked = await failure(catalog.acme.procedures.DeleteProcedure(request))
    [source] = (await catalog.acme.sources.ListSources(source_pb2.ListSourcesRequest())).sources
    await catalog.acme.sources.DeleteSource(source_pb2.DeleteSourceRequest(name=source.name))
    theirs = await failure(catalog.globex.procedures.DeleteProcedure(request))
    await catalog.acme.procedures.DeleteProcedure(request)

    assert (linked.code, linked.reason) == ("FAILED_PRECONDITION", "STILL_REFERRED_TO")
    assert f"a source is linked to it: {source.name}" in linked.sentence
    assert theirs.reason == (await failure(get(catalog, name))).reason == "PROCEDURE_NOT_FOUND"
    again = await failure(create(catalog, external_id="R-1", ready=True, request_id="once"))
    assert again.reason == "REQUEST_RESULT_DELETED"
    assert (await create(catalog, external_id="R-1")).procedure.name != name


async def exported(company: Company, cursor: str = "") -> bytes:
    request = pb.ExportProceduresRequest(cursor=cursor)
    return b"".join([response.chunk async for response in company.procedures.ExportProcedures(request)])


async def test_exported_procedures_import_again_unchanged(catalog: Catalog) -> None:
    made = await create(catalog, external_id="R-1", description="Money back", ready=True)
    await add(catalog, made.procedure.name, ready=True)
    await update(catalog, made.procedure.name, (await add(catalog, made.procedure.name)).number, instructions="Draft.")
    unnamed = await create(catalog, ready=True, display_name="Ünnamed")
    await create(catalog, display_name="never ready")
    await catalog.acme.import_procedures(abcd("procedures"), format="abcd", file="procedures.jsonl")

    data = await exported(catalog.acme)

    assert data.count(b"\n") == 49
    again = await catalog.acme.import_procedures(data, format="greenroom", file="exported.jsonl")
    assert (again.imported, again.unchanged, again.refused) == (0, 49, 0)
    moved = await catalog.globex.import_procedures(data, format="greenroom", file="exported.jsonl")
    assert (moved.imported, moved.refused) == (49, 0)
    assert await exported(catalog.globex) == data
    assert unnamed.procedure.name.encode() in data
