"""`greenroom rehearse`, and the commands about rehearsals, evaluations and reports, against a real `greenroom up`."""

import json
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from greenroom.client import connect
from tests.contract.houses import House, Outcome, command, finished, serving
from tests.contract.screens import on_terminal
from tests.processes import PATIENCE
from tests.suite import EXAMPLES

BATCH = """
  size: 4
  source_filter: {external_id_prefix: returns-}
  linked_revisions: true
  conversation: {seed: 1, tool_config: {default_answer: {error: {code: NONE}}}}
"""
SINGS = "{id: sings, text: The agent sings., told: {value: la la la}}"
HOSTILE = "</script><script>alert(1)</script> \x1b[31m @team [red]"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as running:
        for noun in ("procedures", "sources"):
            await running.ok(noun, "import", str(EXAMPLES / f"{noun}.jsonl"))
        yield running


def written(folder: Path, *lines: str, batch: str = BATCH) -> str:
    """The path of a rehearsal's spec with these lines, and with the batch."""
    path = folder / "rehearsal.yaml"
    path.write_text("\n".join([*lines, f"batch: {batch}"]))
    return str(path)


async def names(house: House, noun: str) -> list[str]:
    return [one["name"] for one in (await house.ok(noun, "list", "--all", "--json")).lines]


async def everything(house: House) -> list[str]:
    """The names of all that a rehearsal starts."""
    return [name for noun in ("rehearsals", "batches", "evaluations", "reports") for name in await names(house, noun)]


async def test_rehearse_says_the_verdict_in_five_lines_writes_it_to_files_and_exits_with_it(
    house: House, tmp_path: Path
) -> None:
    spec = written(tmp_path, f"expectations: [{SINGS}]")
    html, markdown, junit = (tmp_path / name for name in ("r.html", "r.md", "r.xml"))
    files = ("--html", str(html), "--markdown", str(markdown), "--junit", str(junit))

    worse = await house.run("rehearse", spec, "--threshold", "1", *files)

    assert (worse.status, worse.err) == (1, "")
    said, *progress = worse.out.splitlines()[:-5]
    assert said.startswith("Rehearsing as rehearsals/")
    assert [line.split()[:3] for line in progress] == [[str(number), "of", "4"] for number in range(1, 5)]
    verdict, endings, worst, invalid, report = worse.out.splitlines()[-5:]
    assert verdict.startswith("BELOW THRESHOLD  new: 0 of 4 passed, 0% (0% to ")
    assert endings.startswith("endings: ")
    assert worst.startswith("sings: met by 0 of 4; conversations/")
    assert invalid == "invalid: 0 of 4 conversations"
    assert report.endswith(f"{html}, {markdown} and {junit}")
    assert html.read_text().startswith("<!doctype html>")
    assert markdown.read_text().startswith("## 🔴 Below the threshold\n")
    assert ElementTree.parse(junit).getroot().get("failures") == "2"

    fine = written(tmp_path)
    assert (await house.run("rehearse", fine)).out.splitlines()[-5].startswith("PASSED  new: 4 of 4 passed")
    undecided = await house.run("rehearse", fine, "--threshold", "0.9", "--json")
    assert (undecided.status, undecided.json["result"]["verdict"]) == (2, "VERDICT_UNDECIDED")


async def test_a_terminal_shows_progress_in_place_and_then_the_verdict(house: House, tmp_path: Path) -> None:
    spec = written(tmp_path)
    async with on_terminal("rehearse", spec, GREENROOM_ADDRESS=house.address) as (process, screen):
        await screen.shows("4 of 4")
        await screen.shows("PASSED  new: 4 of 4 passed")
        assert await process.wait() == 0


async def test_two_sides_are_named_by_what_differs_and_only_what_did_not_pass_is_played_again(
    house: House, tmp_path: Path
) -> None:
    spec = written(tmp_path, f"expectations: [{SINGS}]")
    compared = await house.run("rehearse", spec, "--compare", "label=before,seed=7", "--size", "2", "--json")
    assert [side["label"] for side in compared.json["sides"]] == ["new", "before"]
    assert compared.json["result"]["comparison"]["pairs"] == 2

    again = await house.run("rehearse", written(tmp_path), "--failed", compared.json["name"])

    assert again.out.splitlines()[-6].startswith("2 of 2  new  ")
    nothing = await house.run("rehearse", spec, "--failed", (await names(house, "rehearsals"))[0])
    assert (nothing.status, "Every conversation of" in nothing.err) == (3, True)


async def test_pairs_that_are_played_until_it_is_sure_say_how_they_ended_and_exit_with_it(
    house: House, tmp_path: Path
) -> None:
    spec = written(tmp_path, f"expectations: [{SINGS}]")
    options = ("--compare", "label=before,seed=7", "--until-sure", "--smallest-difference", "1", "--size", "8")

    ended = await house.run("rehearse", spec, *options)

    verdict, _, how, *_ = ended.out.splitlines()[-6:]
    assert (ended.status, verdict.split()[0]) == (2, "UNDECIDED")
    assert how == "until sure: the rest would hardly show a difference, after 3 of 8 pairs, E = 1 with 20 needed"
    shown = await house.run("rehearsals", "show", (await names(house, "rehearsals"))[0])
    assert "3 of up to 8 pairs started" in shown.out


RUBRIC = """
display_name: Brevity
criteria:
  brief:
    question: Does the agent do without questions about the e-mail address?
    scale: {brief: It does., asks: It asks.}
    passes: [brief]
    phrases: {asks: [e-mail address]}
"""


async def test_a_judge_has_a_line_a_criterion_and_fails_the_run_once_people_have_calibrated_it(
    house: House, tmp_path: Path
) -> None:
    rubric, sources, labels = (tmp_path / name for name in ("brief.yaml", "labelled.jsonl", "labels.jsonl"))
    rubric.write_text(RUBRIC)
    await house.ok("rubrics", "create", str(rubric), "--external-id", "brief")
    judge = ("--rubric", "brief", "--judge", "offline", "--judge-threshold", "0.9")

    shown = await house.run("rehearse", written(tmp_path), *judge)

    said = "judge, brief: 0 of 4 pass; uncalibrated, so it cannot fail the run: Nobody compared this judge with people"
    assert (shown.status, shown.out.splitlines()[-3].startswith(said)) == (0, True), shown.out

    texts = ["Your e-mail address, please." if number < 30 else "Done." for number in range(100)]
    events = [[{"user_message": {"text": "Hello."}}, {"agent_message": {"text": text}}] for text in texts]
    lines = [{"external_id": f"l-{place}", "finished": True, "events": one} for place, one in enumerate(events)]
    sources.write_text("\n".join(map(json.dumps, lines)))
    await house.ok("sources", "import", str(sources), "--label", "labelled")
    judgement = (await house.ok("judge", "run", "brief", "--sources", "--json")).json["name"]
    listed = (await house.ok("judge", "results", judgement, "--json")).lines
    verdicts = [(one["conversation"], one["criteria"][0]["verdict"]) for one in listed]
    people = [{"conversation": one, "criterion": "brief", "verdict": verdict} for one, verdict in verdicts]
    labels.write_text("\n".join(map(json.dumps, people)))
    await house.ok("judge", "calibrate", judgement, str(labels), "--held-back", "1")
    markdown, junit = tmp_path / "r.md", tmp_path / "r.xml"
    failed = await house.run("rehearse", written(tmp_path), *judge, "--markdown", str(markdown), "--junit", str(junit))

    assert failed.status == 1
    assert failed.out.splitlines()[-6].startswith("BELOW THRESHOLD  new: 4 of 4 passed")
    said = r"judge, brief: 0 of 4 pass, corrected 0% \(0% to \d+%\); calibrated, fails the run"
    assert re.fullmatch(said, failed.out.splitlines()[-3])
    assert "### The judge" in markdown.read_text()
    assert ElementTree.parse(junit).getroot().get("failures") == "2"
    unnamed = await house.run("rehearse", written(tmp_path), "--judge", "offline")
    assert (unnamed.status, "A judge needs a rubric: name one with --rubric NAME" in unnamed.err) == (3, True)


WRONG: list[tuple[list[str], list[str], str]] = [
    (["expectation: []"], [], "there is no `expectation` (did you mean `expectations`?)"),
    (["treshold: 0.5"], [], "there is no `treshold` (did you mean `threshold`?)"),
    (["threshold: 1.5"], [], "spec.threshold"),
    ([], ["--threshold", "1.5"], "Input should be less than or equal to 1"),
    (["alpha: 0.9"], [], "spec.alpha"),
    (["expectations: [{called: {tool: creat_return}}]"], [], "did you mean `create_return`?"),
    (["expectations: [{called: {tool: find_order, arguments: {emial: x}}}]"], [], "did you mean `email`?"),
    (["expectations: [{condition: turn < 3}]"], [], "spec.expectations[0].condition"),
    ([], ["--html", "/no/such/folder/r.html"], "/no/such/folder/r.html has no folder; name a file"),
    ([], ["--compare", "revison=2"], "a side has no `revison` (did you mean `revision`?)"),
    ([], ["--compare", "no-such-file.yaml"], "no-such-file.yaml"),
    (["compare: {procedure: nobody}"], [], "nobody"),
    (["compare: {label: new}"], [], "spec.compare.label: Call the two sides by different names."),
    ([], ["--until-sure"], "spec.until_sure: Playing until it is sure needs two sides; name the one to compare with."),
    (["threshold: 0.5"], ["--until-sure", "--compare", "seed=7"], "spec.threshold: Pairs are played until two sides"),
    ([], ["--alpha", "0", "--compare", "seed=7"], "spec.until_sure.alpha"),
    ([], ["--smallest-difference", "0", "--compare", "seed=7"], "spec.until_sure.smallest_difference"),
    ([], ["--round-size", "0", "--compare", "seed=7"], "Input should be greater than or equal to 1"),
]
"""Lines of a spec and options that are wrong, and what is said about them."""


async def test_a_spec_that_is_wrong_gets_a_sentence_and_the_status_3_and_starts_nothing(
    house: House, tmp_path: Path
) -> None:
    before = await everything(house)
    for lines, options, said in WRONG:
        outcome = await house.run("rehearse", written(tmp_path, *lines), *options)
        assert (outcome.status, outcome.out, said in outcome.err) == (3, "", True), (lines, options, outcome)
    nobodys = written(tmp_path, batch=BATCH.replace("returns-", "nobodys-"))
    empty = await house.run("rehearse", nobodys)
    assert (empty.status, empty.err.count("\n")) == (3, 1), empty.err
    assert await everything(house) == before


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
async def test_interrupting_rehearse_leaves_it_running_and_shows_how_to_go_on(
    house: House, tmp_path: Path, options: tuple[str, ...]
) -> None:
    spec = written(tmp_path, batch=BATCH.replace("size: 4", "size: 30\n  max_in_flight: 1"))
    async with connect(house.address, timeout=PATIENCE) as client:
        before = {one.name async for one in client.rehearsals.list()}
        process = await command("rehearse", spec, *options, GREENROOM_ADDRESS=house.address)
        while not (started := {one.name async for one in client.rehearsals.list()} - before):
            pass
        [name] = started
        async with client.rehearsals.watch(name) as watch:
            async for item in watch:
                if item.HasField("result"):
                    break
    process.send_signal(signal.SIGINT)

    outcome = await finished(process)

    assert outcome.status == 130
    assert outcome.err.splitlines() == [
        f"{name} keeps running.",
        f"  greenroom rehearsals watch {name}",
        f"  greenroom rehearsals cancel {name}",
    ]
    watched = await house.run("rehearsals", "watch", name)
    assert (watched.status, watched.out.splitlines()[-5][:6]) == (0, "PASSED")


async def test_evaluations_are_started_watched_listed_and_deleted(house: House, tmp_path: Path) -> None:
    batch = (await house.ok("batches", "start", written_batch(tmp_path), "--no-watch", "--json")).json["name"]
    spec = tmp_path / "evaluation.yaml"
    spec.write_text(f"batch: {batch[-8:]}\nexpectations: [{SINGS}]\n")

    started = await house.ok("evaluations", "start", str(spec))
    name = (await names(house, "evaluations"))[0]
    assert facts(started)["state"] == "completed"
    assert facts(started)["passed"] == "0 of 4"
    again = await house.ok("evaluations", "start", str(spec), "--json")
    assert again.json["counts"] == {"failed": 4, "reused": 4}
    plain = await house.ok("evaluations", "start", "--batch", batch, "--no-watch", "--json")
    watched = (await house.ok("evaluations", "watch", plain.json["name"], "--json")).lines
    assert sorted(one.get("index", 0) for one in watched) == [0, 1, 2, 3]

    results = (await house.ok("evaluations", "results", name, "--outcome", "failed")).out.splitlines()
    assert len(results) == 5
    assert results[0].split()[:4] == ["CONVERSATION", "#", "OUTCOME", "QUALITY"]
    assert all(0 < int(row.split()[3]) <= 100 for row in results[1:])
    assert all("sings: The agent never says “la la la”." in row for row in results[1:])
    assert (await house.ok("evaluations", "results", name, "--outcome", "passed", "--json")).lines == []
    listed = (await house.ok("evaluations", "list", "--state", "completed")).out
    assert listed.splitlines()[0].split()[:6] == ["EVALUATION", "STATE", "OF", "PASSED", "FAILED", "INVALID"]
    assert listed.splitlines()[0].split()[6] == "QUALITY"
    assert facts(started)["quality"].endswith(" of 100")
    assert (await house.run("evaluations", "cancel", name)).status == 1
    assert facts(await house.ok("evaluations", "retry", name))["state"] == "completed"
    await house.ok("evaluations", "delete", name, "--yes")
    assert (await house.run("evaluations", "show", name)).status == 3
    nothing = await house.run("evaluations", "start")
    assert (nothing.status, nothing.err.startswith("greenroom: Say what to evaluate: --batch NAME")) == (2, True)


async def test_reports_are_built_shown_rendered_listed_and_deleted(house: House, tmp_path: Path) -> None:
    batch = (await house.ok("batches", "start", written_batch(tmp_path), "--no-watch", "--json")).json["name"]
    evaluation = (await house.ok("evaluations", "start", "--batch", batch, "--json")).json["name"]

    built = await house.ok(
        "reports", "build", evaluation, "--baseline", evaluation, "--label", "mine", "--margin", "0.6"
    )
    assert built.out.startswith("## 🟢 As good\n\nmine is as good: it passed 4 of 4 conversations")
    name = (await names(house, "reports"))[0]
    assert built.err == f"The whole report: greenroom reports render {name} --html FILE\n"
    shown = (await house.ok("reports", "show", name, "--json")).json
    assert (shown["verdict"], shown["spec"]["margin"]) == ("VERDICT_AS_GOOD", 0.6)

    files = {kind: tmp_path / f"report.{kind}" for kind in ("html", "markdown", "junit", "json")}
    options = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    rendered = await house.ok("reports", "render", name, *options)
    assert rendered.err.splitlines() == [f"{name} is in {path}." for path in files.values()]
    assert json.loads(files["json"].read_text())["verdict"] == "VERDICT_AS_GOOD"
    assert ElementTree.parse(files["junit"]).getroot().get("failures") == "0"
    assert (await house.ok("reports", "render", name)).out == files["markdown"].read_text()
    wrong = await house.run("reports", "render", name, "--html", str(tmp_path))
    assert wrong.err == f"greenroom: {tmp_path} is a folder; name a file that can be written.\n"

    listed = (await house.ok("reports", "list", "--evaluation", evaluation)).out.splitlines()
    assert [line.split()[0] for line in listed] == ["REPORT", name]
    assert "QUALITY" in listed[0]
    assert "quality, user-reactions, mean" in files["html"].read_text()
    refused = await house.run("evaluations", "delete", evaluation, "--yes")
    assert (refused.status, f"{name} stands on {evaluation}" in refused.err) == (1, True)
    await house.ok("reports", "delete", name, "--yes")
    assert (await house.run("reports", "show", name)).status == 3


async def test_what_an_agent_says_is_shown_as_text_on_every_page_and_on_the_terminal(
    house: House, tmp_path: Path
) -> None:
    procedure = tmp_path / "procedure.yaml"
    revision = {"steps": [{"say": {"text": HOSTILE}}], "tools": [{"name": "find"}]}
    procedure.write_text(json.dumps({"procedure": {"display_name": "Hostile"}, "revision": revision}))
    await house.ok("procedures", "create", str(procedure), "--ready")
    wanted = {"id": "polite", "text": f"The agent is polite. {HOSTILE}", "told": {"value": HOSTILE[::-1]}}
    label = f"bad {HOSTILE}"
    lines = [f"label: {json.dumps(label)}", f"expectations: [{json.dumps(wanted)}]"]
    spec = written(tmp_path, *lines, batch="{size: 2, conversation: {procedure: latest}}")
    files = {kind: tmp_path / f"report.{kind}" for kind in ("html", "markdown", "junit")}

    options = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]

    outcome = await house.run("rehearse", spec, "--threshold", "1", *options)

    assert outcome.status == 1, outcome.err
    assert "\x1b" not in outcome.out + outcome.err
    assert "[red]" in outcome.out
    written_files = {kind: path.read_text() for kind, path in files.items()}
    assert not [kind for kind, text in written_files.items() if "\x1b" in text]
    outside_code = re.sub(r"(`+).*?(?<!`)\1(?!`)", "", written_files["markdown"])
    assert not [text for text in (written_files["html"], written_files["junit"], outside_code) if "<script" in text]
    assert written_files["html"].count("alert(1)") > 3
    ElementTree.fromstring(written_files["junit"])


def written_batch(folder: Path) -> str:
    """The path of a batch's spec."""
    path = folder / "batch.yaml"
    path.write_text("\n".join(line.removeprefix("  ") for line in BATCH.splitlines()))
    return str(path)


def facts(outcome: Outcome) -> dict[str, str]:
    """What a command that shows one thing says of it, by name."""
    found = (line.split(maxsplit=1) for line in outcome.out.splitlines() if len(line.split(maxsplit=1)) == 2)
    return {name: value.strip() for name, value in found}
