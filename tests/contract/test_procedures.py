"""ProcedureService over a real connection, on both databases."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from greenroom.synthesizer.v1 import procedure_pb2 as pb
from tests.contract.catalog import Catalog, abcd, lines, serving
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


@pytest.fixture
async def catalog(database_url: str) -> AsyncIterator[Catalog]:
    async with serving(database_url) as catalog:
        yield catalog


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


async def test_marking_ready_is_lasting_and_may_be_repeated(catalog: Catalog) -> None:
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


async def test_procedures_are_listed_oldest_first_page_by_page(catalog: Catalog) -> None:
    made = [(await create(catalog)).procedure.name for _ in range(5)]
    listed, token = [], ""
    while True:
        request = pb.ListProceduresRequest(page_size=2, page_token=token)
        page = await catalog.acme.procedures.ListProcedures(request)
        listed += [procedure.name for procedure in page.procedures]
        token = page.next_page_token
        if not token:
            break

    assert listed == made
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
async def test_each_part_of_a_revision_that_is_not_as_it_should_be_is_named(
    catalog: Catalog, changes: dict[str, Any], field: str
) -> None:
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


async def test_a_revision_that_no_message_could_carry_is_refused(catalog: Catalog) -> None:
    schema = {"type": "object", "description": "x" * 60_000}
    tools = [{"name": f"refund_{n}", "arguments_schema": schema} for n in range(20)]
    large = revision(tools=tools, steps=[])
    request = pb.CreateProcedureRequest(procedure=pb.Procedure(display_name="x"), revision=large)

    assert (await failure(catalog.acme.procedures.CreateProcedure(request))).reason == "REVISION_TOO_LARGE"

    line = {"external_id": "a", "display_name": "A", "instructions": "Refund it.", "tools": tools}
    summary = await catalog.acme.import_procedures(lines([json.dumps(line)]), format="greenroom", file="mine.jsonl")
    assert [problem.reason for problem in summary.problems] == ["REVISION_TOO_LARGE"]


async def test_the_character_nul_is_refused_where_no_database_keeps_it(catalog: Catalog) -> None:
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
