"""Expectations stand in revisions and personas, and the built-in agent tells which steps it came through."""

import json
from collections.abc import Mapping
from pathlib import Path

from greenroom.synthesizer.v1 import persona_pb2, procedure_pb2
from greenroom.type.v1 import expectation_pb2
from tests.scripted import Theatre, procedure_line, refused

CALLED = {"id": "finds", "called": {"tool": "find_order", "arguments": {"order": "O-7"}}}


def line(external_id: str, *expectations: Mapping[str, object]) -> str:
    """A procedure with expectations, as a line of Greenroom's own JSONL."""
    return json.dumps({**json.loads(procedure_line(external_id)), "expectations": expectations})


async def imported(stage: Theatre, tmp_path: Path, text: str) -> str:
    """Import one procedure; its name, or the description of the problem."""
    (tmp_path / "procedures.jsonl").write_text(text + "\n")
    summary = await stage.client.procedures.import_file(tmp_path / "procedures.jsonl")
    if summary.problems:
        return summary.problems[0].description
    external_id = json.loads(text)["external_id"]
    [found] = [one async for one in stage.client.procedures.list(external_id=external_id)]
    return found.name


async def test_expectations_are_imported_shown_and_exported_with_their_revision(stage: Theatre, tmp_path: Path) -> None:
    bound = {"bound": {"measure": "MEASURE_TURNS", "at_most": 9}}

    name = await imported(stage, tmp_path, line("expecting", CALLED, bound))

    revision = (await stage.client.procedures.get(name)).revision
    assert [one.WhichOneof("kind") for one in revision.expectations] == ["called", "bound"]
    assert revision.expectations[0].called.arguments["order"] == "O-7"
    exported = b"".join([one.chunk async for one in stage.client.procedures.export()]).splitlines()
    [written] = [one for each in exported if (one := json.loads(each))["external_id"] == "expecting"]
    assert written["expectations"][1]["bound"] == {"measure": "MEASURE_TURNS", "at_most": 9.0}
    assert await imported(stage, tmp_path, json.dumps(written)) == name


async def test_an_expectation_about_an_unknown_tool_is_refused_with_the_nearest_name(
    stage: Theatre, tmp_path: Path
) -> None:
    told = await imported(stage, tmp_path, line("mistaken", {"not_called": {"tool": "find_odrer"}}))
    assert "expectations[0].not_called.tool" in told
    assert "find_order" in told
    assert "no_such" in await imported(stage, tmp_path, line("unknown", {"no_such": {}}))

    revision = procedure_pb2.Revision(
        tools=[procedure_pb2.Tool(name="refund")],
        expectations=[expectation_pb2.Expectation(condition="counts.refund <= ")],
    )
    procedure = procedure_pb2.Procedure(display_name="Broken")
    async with refused("INVALID_ARGUMENT", "REVISION_INVALID") as errors:
        await stage.client.procedures.create(procedure, revision)
    assert [one.field for one in errors[0].violations] == ["revision.expectations[0].condition"]


async def test_a_persona_keeps_its_expectations_and_an_update_replaces_them(stage: Theatre) -> None:
    told = expectation_pb2.Expectation(id="date", told=expectation_pb2.ToldValue(value="5 May"))
    created = await stage.client.personas.create(persona_pb2.Persona(display_name="Otto", expectations=[told]))
    assert created.expectations == [told]

    del created.expectations[:]
    assert not (await stage.client.personas.update(created, fields=["expectations"])).expectations
    created.expectations.add(condition="turns <")
    async with refused("INVALID_ARGUMENT", "EXPECTATIONS_INVALID") as errors:
        await stage.client.personas.update(created, fields=["expectations"])
    assert [one.field for one in errors[0].violations] == ["persona.expectations[0].condition"]
