"""All commands of `greenroom` against a real `greenroom up` in a separate process."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared import yaml
from shared.roster import SERVICES
from tests.contract.agents import Agent, say, served
from tests.contract.houses import House, finished, serving, spawn
from tests.contract.http_agents import bot, chat, raw, whole

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


async def test_status_shows_every_service(house: House) -> None:
    outcome = await house.ok("status")
    assert outcome.out.count(" serving") == 1 + sum(len(peer.rpc_services) for peer in SERVICES)


async def test_a_second_up_on_the_folder_is_refused_with_a_sentence(house: House) -> None:
    outcome = await finished(await spawn("up", "--port", "0", "--data-dir", str(house.folder)))
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == (
        f"greenroom: Another Greenroom uses the folder {house.folder}; use that one, or choose another with --data-dir."
    )


async def test_a_taken_port_is_reported_before_a_database_is_created(house: House, tmp_path: Path) -> None:
    taken = house.address.rpartition(":")[2]
    outcome = await finished(await spawn("up", "--port", taken, "--data-dir", str(tmp_path)))
    assert outcome.status == 1
    assert outcome.err == (
        f"greenroom: Cannot listen on {house.address}: it is in use, or not an address of this machine; "
        "set another with --port or GREENROOM_PORT.\n"
    )
    assert not (tmp_path / "synthesizer.db").exists()


async def test_up_refuses_one_postgresql_database_for_two_services_before_it_creates_anything(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/greenroom"
    process = await spawn("up", "--port", "0", "--data-dir", str(tmp_path / "new"), GREENROOM_DATABASE_URL=url)

    outcome = await finished(process)

    assert outcome.status == 1
    assert "set GREENROOM_ENRICHER_DATABASE_URL" in outcome.err
    assert not (tmp_path / "new").exists()


async def test_an_import_counts_lines_and_reports_bad_ones(imported: House, tmp_path: Path) -> None:
    lines = (EXAMPLE / "sources.jsonl").read_text().splitlines()
    path = tmp_path / "sources.jsonl"
    path.write_text("\n".join([lines[0], "not JSON", *lines[1:]]) + "\n")
    outcome = await imported.run("sources", "import", str(path))
    assert outcome.status == 1
    assert outcome.out == f"greenroom: 0 imported, {len(lines)} unchanged, 1 refused\n"
    assert outcome.err.startswith("sources.jsonl:2: ")


async def test_problems_that_differ_only_in_their_line_are_printed_once(house: House, tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text("ticket_id,author,message\n" + "7,Kunde,Hallo\n" * 3)

    outcome = await house.run("sources", "import", str(path))

    assert (outcome.status, outcome.err.endswith("greenroom: Nothing of the file was imported.\n")) == (1, True)
    assert outcome.err.startswith(
        "tickets.csv:2: author 'Kunde' is unknown; map it with --author VALUE=ROLE, to user, agent, system or ignore. "
        "The row was left out. (UNKNOWN_AUTHOR), and so on 2 more lines\n"
    )


async def test_strict_fails_an_import_that_left_a_link_out(house: House, tmp_path: Path) -> None:
    source = json.loads((EXAMPLE / "sources.jsonl").read_text().splitlines()[0])
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(source | {"external_id": "unlinked", "procedure": "none"}) + "\n")

    strict = await house.run("sources", "import", str(path), "--strict")

    assert (strict.status, strict.out) == (1, "greenroom: 1 imported, 0 unchanged, 0 refused\n")
    assert "(PROCEDURE_NOT_FOUND)" in strict.err
    assert (await house.run("sources", "import", str(path))).status == 0
    await house.ok("sources", "delete", "unlinked", "--yes")


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
    refused = await house.run("procedures", "update-revision", name, "2", str(path))
    assert "revision 2 of " in refused.err.lower()
    await house.ok("procedures", "revise", name, str(path))
    await house.ok("procedures", "update-revision", name, "3", str(path))
    await house.ok("procedures", "delete-revision", name, "3", "--yes")
    await house.ok("procedures", "delete", name, "--yes")
    assert (await house.run("procedures", "show", name)).status == 3


async def test_a_dry_run_shows_two_conversations_as_they_would_be_read_and_imports_nothing(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "messages.csv"
    path.write_text("ticket;from;date;message\n1;Ann;2026-01-05;Hello?\n1;Jane;2026-01-06;Hi!\n,Ann;;\n")
    options = ("--author", "Jane=agent", "--author", "*=user", "--column", "conversation=ticket")
    before = (await house.ok("sources", "list", "--json")).lines

    outcome = await house.run("sources", "import", str(path), "--dry-run", *options)

    assert outcome.out == (
        "1 (finished)\nuser   Hello?\nagent  Hi!\n\ntable: 1 would be imported, 1 refused; nothing was imported\n"
    )
    assert outcome.err.startswith("messages.csv:4: ")
    assert outcome.status == 1
    assert (await house.ok("sources", "list", "--json")).lines == before
    wrong = await house.run("sources", "import", str(path), "--author", "Jane")
    assert (wrong.status, wrong.err) == (
        2,
        "greenroom: `Jane` should be an author, `=` and user, agent, system or ignore.\n",
    )


async def test_an_import_with_redaction_shows_pseudonyms_and_counts_what_was_redacted(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "chats.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "I am ann@x.org, C-48213."}]}\n')
    options = ("--redact", "on", "--redact-pattern", r"customer=C-(\d{5})", "--dry-run")

    outcome = await house.ok("sources", "import", str(path), *options)

    assert "user   I am user1@example.com, C-00001.\n" in outcome.out
    assert outcome.out.endswith("nothing was imported\nredacted: 1 customer, 1 email\n")
    wrong = await house.run("sources", "import", str(path), "--redact", "yes")
    assert (wrong.status, wrong.err) == (2, "greenroom: --redact is `yes`; it should be on or off.\n")


async def test_sources_are_listed_shown_and_read(imported: House) -> None:
    sources = (await imported.ok("sources", "list", "--finished", "--json")).lines
    assert sources
    name = sources[0]["name"]
    assert sources[0]["external_id"] in (await imported.ok("sources", "show", name)).out
    assert "\nagent  " in (await imported.ok("sources", "transcript", name)).out


async def test_a_list_shows_the_newest_first_and_says_how_many_there_are(imported: House) -> None:
    every = [one["external_id"] for one in (await imported.ok("sources", "list", "--json")).lines]
    some = await imported.ok("sources", "list", "--limit", "2")

    assert every[0] == "returns-014"
    assert [line.split()[4] for line in some.out.splitlines()[1:]] == every[:2]
    assert some.err == f"2 of {len(every)}; --all shows them\n"
    everything = await imported.ok("sources", "list", "--all")
    assert (len(everything.out.splitlines()), everything.err) == (len(every) + 1, "")


async def test_a_name_is_typed_as_latest_by_its_end_or_as_an_external_id(imported: House) -> None:
    newest = (await imported.ok("sources", "list", "--json")).lines[0]

    for typed in ("latest", newest["name"][-8:], newest["name"].removeprefix("sources/"), newest["external_id"]):
        assert (await imported.ok("sources", "show", typed, "--json")).json == newest
    assert (await imported.ok("procedures", "show", "returns", "--json")).json["procedure"]["external_id"] == "returns"
    assert (await imported.ok("personas", "show", "carl", "--json")).json["name"] == "personas/cold-carl"
    linked = (await imported.ok("sources", "list", "--procedure", "returns", "--json")).lines
    assert newest in linked


async def test_a_name_that_several_have_or_none_has_is_refused_with_what_would_be_right(imported: House) -> None:
    several = await imported.run("sources", "show", "0")
    assert several.status == 2
    assert several.err.startswith('greenroom: "0" can mean several sources: sources/0')
    assert several.err.endswith(", …. Write one of these names.\n")
    none = await imported.run("procedures", "delete", "refunds", "--yes")
    assert (none.status, none.err) == (
        3,
        'greenroom: There is no procedure "refunds": no name begins or ends with it, and no external id is it.\n',
    )
    assert (await imported.run("sources", "delete", "", "--yes")).status == 2
    assert (await imported.run("traces", "datasets", "delete", "latest", "--yes")).err == (
        "greenroom: There is no dataset yet, so none is the latest.\n"
    )


@pytest.mark.parametrize("noun", ["procedures", "sources"])
async def test_what_is_exported_imports_again_unchanged(imported: House, tmp_path: Path, noun: str) -> None:
    path = tmp_path / "exported.jsonl"
    await imported.ok(noun, "export", "--output", str(path))
    count = path.read_text().count("\n")
    assert count > 0
    again = await imported.ok(noun, "import", str(path), "--format", "greenroom")
    assert again.out == f"0 imported, {count} unchanged, 0 refused\n"


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


async def test_a_conversation_with_a_tool_without_mock_goes_on_with_another_tool_config(
    imported: House, tmp_path: Path
) -> None:
    procedure = (await imported.ok("procedures", "list", "--json")).lines[0]["name"]
    source = (await imported.ok("sources", "list", "--json", "--limit", "1")).json["name"]
    spec, mended = tmp_path / "spec.yaml", tmp_path / "mended.yaml"
    no = {"error": {"code": "NOT_FOUND", "message": "There is no such order."}}
    tools = ("find_order", "check_return_policy", "create_return", "issue_voucher", "escalate")
    mocks = [{"tool": tool, "default_answer": no} for tool in tools]
    never = {"tool": "find_order", "rules": [{"match": {"order_id": "LH-0"}, "answer": no}]}
    spec.write_text(json.dumps({"tool_config": {"ignore_recorded_calls": True, "mocks": [never, *mocks[1:]]}}))
    chosen = ("--procedure", procedure, "--source", source, "--persona", "personas/eager-eddie", "--seed", "3")
    failed = await imported.run("conversations", "start", str(spec), *chosen, "--external-id", "unmocked")
    assert failed.status == 1
    assert "TOOL_NOT_MOCKED (tool mock), No mock answers this call of" in failed.out.splitlines()[-1]
    name = (await imported.ok("conversations", "list", "--external-id", "unmocked", "--json")).json["name"]

    mended.write_text(json.dumps({"tool_config": {"mocks": mocks}}))
    done = await imported.ok("conversations", "start", str(mended), "--based-on", name.split("/")[1])

    assert done.out.splitlines()[-1].startswith("completed after ")
    assert done.out.startswith(failed.out[: failed.out.index("failed after")])


async def test_a_manual_conversation_is_appended_to_and_finished(house: House) -> None:
    name = (await house.ok("conversations", "start", "--type", "manual", "--json")).json["name"]
    await house.ok("conversations", "append", name, "--user", "Hi!", "--agent", "Hello.")
    assert (await house.ok("conversations", "transcript", name)).out.splitlines()[:2] == ["user   Hi!", "agent  Hello."]
    finished = (await house.ok("conversations", "finish", name, "--json")).json
    assert finished["state"] == "STATE_COMPLETED"


async def test_two_people_on_one_machine_are_told_apart_by_name(house: House) -> None:
    manual = ("conversations", "start", "--type", "manual", "--json")
    made = [(await house.ok(*person, *manual)).json for person in (("--as", "anna"), ("--as", "bert"), ())]
    assert [one["creator"] for one in made] == ["anna", "bert", "developer"]
    names = [one["name"] for one in made]
    listed = [one["name"] for one in (await house.ok("--as", "anna", "conversations", "list", "--json")).lines]
    assert set(names) <= set(listed), "they are of one company"
    for name in names:
        await house.ok("conversations", "cancel", name)
        await house.ok("conversations", "delete", name, "--yes")


async def test_a_malformed_name_of_a_person_is_refused_with_a_sentence(house: House) -> None:
    refused = await house.run("--as", "anna bell", "personas", "list")
    assert refused.status == 2
    assert refused.err.startswith("greenroom: The metadata greenroom-as, or --as, must be a name such as anna: ")


async def test_an_agent_is_checked_in_two_turns_of_which_nothing_is_kept(house: House) -> None:
    before = (await house.ok("conversations", "list", "--json")).lines
    async with bot() as agent:
        agent.answers = [whole({"say": {"text": "One."}}), whole({"say": {"text": "Two."}}), raw("<html>No</html>")]

        right = await house.ok("agents", "check", f"http:{agent.address}/act")
        wrong = await house.run("agents", "check", f"http:{agent.address}/act")

    first, second = (body["events"][-1]["user_message"]["text"] for body in agent.bodies[:2])
    shown = [line for line in right.out.splitlines() if not line.strip().startswith("after ")]
    assert shown == [f"user   {first}", "agent  One.", f"user   {second}", "agent  Two.", "Nothing is wrong."]
    assert right.out.count(" ms\n") == 2
    assert wrong.status == 1
    assert "is no ActResponse" in " ".join(wrong.out.split())
    assert (await house.ok("conversations", "list", "--json")).lines == before


@pytest.mark.parametrize("kind", ["openai", "grpc"])
async def test_the_other_kinds_of_agents_are_checked_in_two_turns_too(kind: str, house: House) -> None:
    async with AsyncExitStack() as stack:
        if kind == "openai":
            web = await stack.enter_async_context(bot())
            web.answers = [whole(chat("One.")), whole(chat("Two."))]
            spec = f"openai:{web.address}/v1#lamps"
        else:
            agent = Agent([say("One."), say("Two.")])
            await stack.enter_async_context(served(agent))
            spec = f"grpc:{agent.address}"

        checked = await house.ok("agents", "check", spec)

    assert [line for line in checked.out.splitlines() if line.startswith("agent")] == ["agent  One.", "agent  Two."]
    assert checked.out.count(" ms\n") == 2
    assert checked.out.splitlines()[-1] == "Nothing is wrong."


async def test_a_check_reads_the_agent_of_a_batch_and_says_what_is_missing(house: House, tmp_path: Path) -> None:
    async with bot() as agent:
        agent.answers = [whole({"say": {"text": "One."}}), whole({"say": {"text": "Two."}})]
        target = {"url": f"{agent.address}/act", "headers": {"x-team": "red"}}
        batch = tmp_path / "batch.yaml"
        batch.write_text(json.dumps({"size": 5, "conversation": {"agent": {"http": target}}}))

        await house.ok("agents", "check", str(batch))

    assert [headers["x-team"] for _, headers, _ in agent.asked] == ["red", "red"]
    for missing, sentence in (
        (("nofile.yaml",), "nofile.yaml: No such file or directory."),
        (("127.0.0.1:9900", "--as-persona"), "The built-in agent follows a procedure; name one with --procedure."),
    ):
        refused = await house.run("agents", "check", *missing)
        assert (refused.status, refused.err) == (2, f"greenroom: {sentence}\n")


async def test_a_customer_is_checked_against_the_built_in_agent(imported: House) -> None:
    procedure = (await imported.ok("procedures", "list", "--json")).lines[0]["name"]
    async with bot() as customer:
        thoughts = {"reasoning": "Why not?", "sentiment": "SENTIMENT_POSITIVE", "likely_to_convert": 60}
        customer.answers = [whole({"say": {"text": "Hello."}, "thoughts": thoughts}), whole({"call_tool": {}})]

        wrong = await imported.run(
            *("agents", "check", f"http:{customer.address}/act", "--as-persona", "--procedure", procedure)
        )

    assert wrong.status == 1
    assert "user   Hello." in wrong.out
    assert "Why not?" in wrong.out
    assert "The persona target called a tool; a customer has none." in wrong.out


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


async def test_an_estimate_says_what_a_batch_costs_and_starts_nothing(imported: House) -> None:
    spec = str(EXAMPLE / "batch.yaml")
    before = (await imported.ok("batches", "list", "--json")).lines

    shown = await imported.ok("batches", "start", spec, "--estimate")

    assert shown.out.splitlines()[0] == "model calls  0 (0 to 0)"
    assert shown.out.splitlines()[-1].endswith(" USD")
    assert (await imported.ok("batches", "list", "--json")).lines == before
    refused = await imported.run("batches", "start", spec, "--budget-money", "nan")
    assert (refused.status, refused.err) == (2, "greenroom: --budget-money is an amount of money above 0.\n")


async def test_a_refused_request_prints_one_sentence(house: House) -> None:
    outcome = await house.run("conversations", "start", "--persona", "personas/busy-bob", "--procedure", "procedures/x")
    assert outcome.status == 3
    assert outcome.err.count("\n") == 1
    missing = await house.run("sources", "import", "nowhere.jsonl")
    assert (missing.status, missing.err) == (2, "greenroom: nowhere.jsonl: No such file or directory.\n")
    bounds = await house.run("personas", "show", "personas/Not a Name")
    assert bounds.status == 2
    assert bounds.err.startswith("greenroom: `personas/Not a Name` is not a name in personas; ")


async def test_each_wrong_field_is_printed_on_its_own_line(house: House) -> None:
    outcome = await house.run("conversations", "start")
    assert outcome.status == 2
    assert outcome.err == (
        "greenroom: spec.persona: A synthetic conversation needs a persona, such as personas/eager-eddie.\n"
        "  spec.procedure: The built-in agent needs a procedure; an external agent does not.\n"
    )


async def test_tables_show_names_as_commands_take_them(imported: House) -> None:
    for noun in ("personas", "procedures", "sources"):
        name = (await imported.ok(noun, "list")).out.splitlines()[1].split()[0]
        assert name.startswith(f"{noun}/")
        assert name in (await imported.ok(noun, "show", name, "--json")).out


async def test_the_demo_rehearses_fifty_conversations_and_ends_with_a_verdict(tmp_path: Path) -> None:
    report = tmp_path / "demo" / "report.html"
    outcome = await finished(await spawn("demo", "--data-dir", str(tmp_path / "demo")))
    assert outcome.status == 0, outcome.out
    lines = outcome.out.splitlines()
    assert "50 completed, 0 failed" in lines
    found = lines.index("10 of 50 customers left without a return or a voucher:")
    counts = [line for line in lines[found:] if line[:1].isdigit()]
    assert [line.split()[0] for line in counts[1:]] == ["4", "3", "3"]
    assert counts[2].endswith(
        "create_return failed: Pick-ups cannot be booked at the moment; a colleague will book it later today."
    )
    assert any(line.endswith(f"or open {tmp_path / 'demo' / 'transcripts.jsonl'}.") for line in lines)
    verdict = lines[-5:]
    assert verdict[0].startswith("WORSE  damaged: ")
    assert verdict[2].startswith("asks-before: met by 0 of ")
    assert verdict[4].startswith("report: reports/")
    assert verdict[4].endswith(str(report))
    assert "asks-before" in report.read_text()
    assert len((tmp_path / "demo" / "transcripts.jsonl").read_text().splitlines()) == 50


async def test_personas_are_generated_from_sources_and_say_what_they_come_from(imported: House) -> None:
    source = (await imported.ok("sources", "list", "--limit", "1", "--json")).lines[0]["name"]

    made = await imported.ok("personas", "generate", "--source", "latest", "--count", "1")

    assert made.out.splitlines()[-1] == "1 stored, 0 rejected, 1 model call"
    name = made.out.split()[0]
    assert f"by offline from {source}" in (await imported.ok("personas", "show", name)).out
    again = await imported.run("personas", "generate", "--source", source, "--count", "1")
    assert (again.status, again.out.splitlines()[-1]) == (1, "0 stored, 1 rejected, 0 model calls")
    assert "rejected  an answer: NOTHING_NEW" in again.out
    await imported.ok("personas", "delete", name, "--yes")
