"""Every noun and verb of `greenroom` on the real thing: `greenroom up` in a process of its own."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared import yaml
from tests.contract.houses import House, finished, serving, spawn

EXAMPLE = Path(__file__).parents[2] / "examples" / "returns"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture(scope="module")
async def imported(house: House) -> House:
    for noun in ("procedures", "sources"):
        await house.ok(noun, "import", str(EXAMPLE / f"{noun}.jsonl"))
    return house


async def test_status_tells_of_each_service(house: House) -> None:
    outcome = await house.ok("status")
    assert outcome.out.count(" serving") == 7


async def test_a_second_up_on_the_folder_is_refused_with_a_sentence(house: House) -> None:
    outcome = await finished(await spawn("up", "--port", "0", "--data-dir", str(house.folder)))
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == (
        f"greenroom: Another Greenroom runs on the folder {house.folder}; use that one, "
        "or choose another with --data-dir."
    )


async def test_a_port_that_is_taken_is_named_before_there_is_a_database(house: House, tmp_path: Path) -> None:
    taken = house.address.rpartition(":")[2]
    outcome = await finished(await spawn("up", "--port", taken, "--data-dir", str(tmp_path)))
    assert outcome.status == 1
    assert outcome.err == (
        f"greenroom: Cannot listen on {house.address}: another program does, or it is no address of this machine; "
        "set another with --port or GREENROOM_PORT.\n"
    )
    assert not (tmp_path / "synthesizer.db").exists()


async def test_two_services_on_one_postgresql_database_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/greenroom"
    process = await spawn("up", "--port", "0", "--data-dir", str(tmp_path / "new"), GREENROOM_DATABASE_URL=url)

    outcome = await finished(process)

    assert outcome.status == 1
    assert "set GREENROOM_TESTDATA_DATABASE_URL" in outcome.err
    assert not (tmp_path / "new").exists()


async def test_an_import_counts_lines_and_reports_bad_ones(imported: House, tmp_path: Path) -> None:
    lines = (EXAMPLE / "sources.jsonl").read_text().splitlines()
    path = tmp_path / "sources.jsonl"
    path.write_text("\n".join([lines[0], "not JSON", *lines[1:]]) + "\n")
    outcome = await imported.run("sources", "import", str(path))
    assert outcome.status == 1
    assert outcome.out == f"0 imported, {len(lines)} unchanged, 1 refused\n"
    assert outcome.err.startswith("sources.jsonl:2: ")


async def test_a_persona_is_created_changed_shown_listed_and_deleted(house: House, tmp_path: Path) -> None:
    path = tmp_path / "persona.yaml"
    path.write_text("display_name: Nervous Ned\npersonality: {tone: nervous, decision_speed: slow}\n")
    name = (await house.ok("personas", "create", str(path), "--json")).json["name"]
    path.write_text("goal: to be reassured\n")
    changed = (await house.ok("personas", "update", name, str(path), "--json")).json
    assert (changed["display_name"], changed["goal"]) == ("Nervous Ned", "to be reassured")
    assert changed["personality"]["decision_speed"] == "DECISION_SPEED_SLOW"
    shown = (await house.ok("personas", "show", name.removeprefix("personas/"))).out
    facts = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert (facts["called"].strip(), facts["decides"].strip()) == ("Nervous Ned", "slow")
    listed = (await house.ok("personas", "list", "--json")).lines
    assert [one["name"] for one in listed][-1] == name
    assert len(listed) == 8
    await house.ok("personas", "delete", name, "--yes")
    gone = await house.run("personas", "show", name)
    assert gone.status == 3


async def test_a_procedure_is_created_revised_and_made_ready(house: House, tmp_path: Path) -> None:
    path = tmp_path / "procedure.yaml"
    path.write_text("procedure: {display_name: Say hello}\nrevision: {steps: [{say: {text: Hello!}}]}\n")
    name = (await house.ok("procedures", "create", str(path), "--json")).json["name"]
    path.write_text("steps: [{id: hello, say: {text: Good day!}}]\n")
    await house.ok("procedures", "revise", name, str(path))
    assert (await house.ok("procedures", "ready", name, "2")).out == f"{name} revision 2 is ready.\n"
    shown = (await house.ok("procedures", "show", name)).out
    assert "2 of 2, ready" in shown
    assert "[hello] say: Good day!" in shown


async def test_sources_are_listed_shown_and_read(imported: House) -> None:
    sources = (await imported.ok("sources", "list", "--finished", "--json")).lines
    assert sources
    name = sources[0]["name"]
    assert sources[0]["external_id"] in (await imported.ok("sources", "show", name)).out
    assert "\nagent  " in (await imported.ok("sources", "transcript", name)).out


async def test_a_conversation_is_watched_from_its_first_turn_to_its_end(imported: House, tmp_path: Path) -> None:
    procedure = (await imported.ok("procedures", "list", "--json")).lines[0]["name"]
    source = (await imported.ok("sources", "list", "--json", "--limit", "1")).json["name"]
    chosen = ("--procedure", procedure, "--source", source, "--persona", "personas/eager-eddie", "--seed", "3")
    spec = tmp_path / "conversation.yaml"
    spec.write_text(json.dumps(yaml.load((EXAMPLE / "batch.yaml").read_bytes(), "batch.yaml")["conversation"]))
    watched = await imported.run("conversations", "start", str(spec), *chosen)
    assert "\nagent  " in watched.out
    last = watched.out.splitlines()[-1]
    assert watched.status == (0 if last.startswith("completed after ") else 1)
    name = (await imported.ok("conversations", "list", "--source", source, "--json")).lines[-1]["name"]
    assert (await imported.ok("conversations", "transcript", name)).out == watched.out
    await imported.ok("conversations", "delete", name, "--yes")


async def test_a_manual_conversation_is_appended_to_and_finished(house: House) -> None:
    name = (await house.ok("conversations", "start", "--type", "manual", "--json")).json["name"]
    await house.ok("conversations", "append", name, "--user", "Hi!", "--agent", "Hello.")
    assert (await house.ok("conversations", "transcript", name)).out.splitlines()[:2] == ["user   Hi!", "agent  Hello."]
    finished = (await house.ok("conversations", "finish", name, "--json")).json
    assert finished["state"] == "STATE_COMPLETED"


async def test_a_batch_of_the_example_is_rehearsed_exported_and_deleted(imported: House, tmp_path: Path) -> None:
    started = await imported.ok("batches", "start", str(EXAMPLE / "batch.yaml"), "--size", "12")
    assert "12 completed, 0 failed" in started.out.splitlines()
    batch = (await imported.ok("batches", "list", "--state", "completed", "--json")).lines[-1]
    assert batch["counts"] == {"completed": 12}
    results = (await imported.ok("batches", "results", batch["name"], "--json")).lines
    path = tmp_path / "transcripts.jsonl"
    await imported.ok("batches", "export", batch["name"], "--output", str(path))
    exported = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["conversation"]["name"] for one in exported] == [one["conversation"] for one in results]
    await imported.ok("batches", "delete", batch["name"], "--yes")
    gone = await imported.run("batches", "show", batch["name"])
    assert gone.status == 3


async def test_what_is_wrong_with_a_request_is_one_sentence(house: House) -> None:
    outcome = await house.run("conversations", "start", "--persona", "personas/busy-bob", "--procedure", "procedures/x")
    assert outcome.status == 3
    assert outcome.err.count("\n") == 1
    missing = await house.run("sources", "import", "nowhere.jsonl")
    assert (missing.status, missing.err) == (2, "greenroom: nowhere.jsonl: No such file or directory.\n")
    bounds = await house.run("batches", "show", "Not a Name")
    assert bounds.status == 2
    assert bounds.err.startswith("greenroom: `Not a Name` names none of the batches; ")


async def test_fields_that_are_to_blame_stand_on_a_line_each(house: House) -> None:
    outcome = await house.run("conversations", "start")
    assert outcome.status == 2
    assert outcome.err == (
        "greenroom: spec.persona: A synthetic conversation needs a persona, such as personas/eager-eddie.\n"
        "  spec.procedure: The built-in agent needs a procedure; only an external agent can do without.\n"
    )


async def test_tables_show_names_as_commands_take_them(imported: House) -> None:
    for noun in ("personas", "procedures", "sources"):
        name = (await imported.ok(noun, "list")).out.splitlines()[1].split()[0]
        assert "/" not in name
        assert f"{noun}/{name}" in (await imported.ok(noun, "show", name, "--json")).out


async def test_the_demo_rehearses_fifty_and_says_where_the_transcripts_are(tmp_path: Path) -> None:
    outcome = await finished(await spawn("demo", "--data-dir", str(tmp_path / "demo")))
    assert outcome.status == 0, outcome.out
    lines = outcome.out.splitlines()
    assert "50 completed, 0 failed" in lines
    assert lines[-1] == f"The transcripts are in {tmp_path / 'demo' / 'transcripts.jsonl'}."
    assert len((tmp_path / "demo" / "transcripts.jsonl").read_text().splitlines()) == 50
