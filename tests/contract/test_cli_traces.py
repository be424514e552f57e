"""`greenroom traces` against a real server: workflows, streams, datasets, learning and certificates."""

import asyncio
import csv
import io
import json
import signal
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator
from pathlib import Path

import pyarrow.ipc
import pyarrow.parquet
import pytest

from tests.contract.houses import House, finished, serving, spawn

BAD = """\
name: bad
entry_points: {login: 0.5, browse: 0.4}
transitions: {login: {browse: 0.7, card: 0.3}, browse: {}}
exit_points: [browse]
avg_response_times: {login: 10, browse: -1}
"""
SMALL = """\
name: small
entry_points: {login: 1}
transitions: {login: {browse: 0.8}, browse: {browse: 0.5}}
exit_points: {login: 0.2, browse: 0.5}
avg_response_times: {login: 100, browse: 50}
"""


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    logs = tmp_path_factory.mktemp("logs")
    (logs / "small.csv").write_text("case_id,activity,timestamp\n1,a,2026-01-05\n1,b,2026-01-06\n2,a,2026-01-07\n")
    async with serving(tmp_path_factory.mktemp("house"), GREENROOM_INPUT_ROOTS=json.dumps([str(logs)])) as running:
        yield running


@pytest.fixture(scope="module")
async def learning(house: House) -> str:
    """Learn from a dataset of the built-in workflow ecommerce; returns the name."""
    made = (await house.ok("traces", "generate", "ecommerce", "--users", "800", "--seed", "5", "--json")).json
    assert made["state"] == "STATE_COMPLETED"
    name: str = (await house.ok("traces", "learn", "--dataset", "latest", "--json")).json["name"]
    return name


async def test_workflows_are_listed_shown_copied_changed_and_deleted(house: House, tmp_path: Path) -> None:
    listed = (await house.ok("traces", "workflows", "list")).out
    names = [line.split()[0] for line in listed.splitlines()]
    assert names[:3] == ["WORKFLOW", "workflows/ecommerce", "workflows/microservices"]
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    assert (await house.ok("traces", "workflows", "validate", str(path))).out == f"{path} is a workflow.\n"
    assert (await house.ok("traces", "workflows", "create", str(path))).out.startswith("workflows/small is created; ")
    shown = (await house.ok("traces", "workflows", "show", "small")).out
    path.write_text(shown.replace("50", "70"))
    changed = (await house.ok("traces", "workflows", "update", "workflows/small", str(path), "--json")).json
    assert changed["spec"]["avg_response_times"]["browse"] == 70
    copied = (await house.ok("traces", "workflows", "create", "small", "--as", "smaller", "--json")).json
    assert copied["name"] == "workflows/smaller"
    assert (await house.ok("traces", "workflows", "show", "small")).out.startswith("name: small\n")
    await house.ok("traces", "workflows", "delete", "smaller", "--yes")
    assert (await house.run("traces", "workflows", "show", "smaller")).status == 3


async def test_everything_wrong_with_a_workflow_is_a_line_each(house: House, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    outcome = await house.run("traces", "workflows", "validate", str(path))
    assert outcome.status == 2
    assert outcome.out == ""
    lines = outcome.err.splitlines()
    assert len(lines) >= 3
    assert lines[0] == f"{path}: entry_points: The entry points sum to 0.9; they must sum to 1."
    assert all(line.startswith(f"{path}: ") for line in lines)


async def test_one_session_is_a_table_or_lines_of_json(house: House) -> None:
    table = (await house.ok("traces", "session", "ecommerce", "--seed", "7", "--sessions", "12")).out.splitlines()
    assert table[0].startswith("Session 12 of user ")
    calls = (await house.ok("traces", "session", "ecommerce", "--seed", "7", "--sessions", "12", "--json")).lines
    assert [line.split()[2] for line in table[2:]] == [call["endpoint"] for call in calls]


async def test_calls_are_streamed_in_every_format(house: House, tmp_path: Path) -> None:
    wanted = ("traces", "stream", "ecommerce", "--users", "50", "--seed", "2")
    lines = (await house.ok(*wanted)).lines
    rows = list(csv.DictReader(io.StringIO((await house.ok(*wanted, "--format", "csv")).out)))
    messages = (await house.ok(*wanted, "--format", "rows")).lines
    arrow = await house.run(*wanted, "--format", "arrow", "--out", str(tmp_path / "calls.arrow"))
    assert arrow.err == f"{len(lines):,} calls are in {tmp_path / 'calls.arrow'}.\n"
    table = pyarrow.ipc.open_stream((tmp_path / "calls.arrow").read_bytes()).read_all()
    endpoints = [line["endpoint"] for line in lines]
    assert [row["endpoint"] for row in rows] == endpoints
    assert [message["endpoint"] for message in messages] == endpoints
    assert table.column("endpoint").to_pylist() == endpoints


async def test_a_stream_to_a_file_that_was_interrupted_goes_on_when_repeated(house: House, tmp_path: Path) -> None:
    arguments = ("traces", "stream", "ecommerce", "--users", "30000", "--format", "csv", "--out")
    whole, path = tmp_path / "whole.csv", tmp_path / "calls.csv"
    await house.ok(*arguments, str(whole))
    process = await spawn(*arguments, str(path), GREENROOM_ADDRESS=house.address)
    note = path.with_name("calls.csv.part.json")
    while not note.exists():  # noqa: ASYNC110 - a file tells nobody that it is there
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    interrupted = await finished(process)
    assert interrupted.status == 130
    assert not path.exists()
    other = await house.run(*arguments, str(path), "--seed", "9")
    assert "is the unfinished file of workflows/ecommerce" in other.err
    await house.ok(*arguments, str(path))
    assert path.read_bytes() == whole.read_bytes()
    assert not note.exists()


async def test_a_stream_to_standard_output_says_where_to_go_on(house: House) -> None:
    arguments = ("traces", "stream", "ecommerce", "--users", "30000", "--format", "csv")
    whole = (await house.ok(*arguments)).out
    process = await spawn(*arguments, GREENROOM_ADDRESS=house.address, PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    begun = await process.stdout.readexactly(1_000_000)
    process.send_signal(signal.SIGINT)
    rest, err = await process.communicate()
    said = err.decode().splitlines()[0]
    assert said.startswith("Continue with --cursor ")
    first = (begun + rest).decode()
    assert first + (await house.ok(*arguments, "--cursor", said.split()[-1])).out == whole


async def test_a_dataset_is_written_followed_shown_and_forgotten(house: House) -> None:
    made = (await house.ok("traces", "generate", "ecommerce", "--users", "300", "--to", "tests/march")).out
    lines = made.splitlines()
    assert lines[0].startswith("part-00000.parquet  ")
    facts = dict(line.split(maxsplit=1) for line in lines[1:])
    assert facts["state"] == "completed"
    where = Path(facts["where"])
    assert where == house.folder / "output" / "tests" / "march"
    calls = pyarrow.parquet.read_table(where / "part-00000.parquet").num_rows
    assert facts["calls"] == f"{calls:,}"
    again = await house.run("traces", "generate", "ecommerce", "--to", "tests/march")
    assert again.status == 1
    assert again.err.count("\n") == 1
    name = facts["dataset"]
    assert (await house.ok("traces", "datasets", "show", name, "--json")).json["state"] == "STATE_COMPLETED"
    assert (await house.ok("traces", "datasets", "watch", name)).out.splitlines()[0] == lines[0]
    parts = (await house.ok("traces", "datasets", "watch", name, "--json")).lines
    assert [part["file"] for part in parts] == ["part-00000.parquet"]
    await house.ok("traces", "datasets", "delete", name, "--yes")
    assert (await house.run("traces", "datasets", "show", name)).status == 3
    assert where.exists()  # noqa: ASYNC240


async def test_interrupting_the_watch_leaves_a_dataset_being_written_until_it_is_cancelled(house: House) -> None:
    process = await spawn("traces", "generate", "ecommerce", "--users", "3000000", GREENROOM_ADDRESS=house.address)
    found: list[dict[str, str]] = []
    while not found:
        found = (await house.ok("traces", "datasets", "list", "--state", "running", "--json")).lines
    process.send_signal(signal.SIGINT)
    interrupted = await finished(process)
    name = found[0]["name"]
    assert interrupted.status == 130
    assert interrupted.err.splitlines()[:3] == [
        f"{name} keeps running.",
        f"  greenroom traces datasets watch {name}",
        f"  greenroom traces datasets cancel {name}",
    ]
    shown = (await house.ok("traces", "datasets", "cancel", name, "--json")).json
    assert shown["state"] in ("STATE_RUNNING", "STATE_CANCELLED")
    watched = await house.run("traces", "datasets", "watch", name)
    assert watched.status == 1
    assert "cancelled" in watched.out


async def test_a_learning_shows_edges_with_intervals_and_writes_the_workflow(
    house: House, learning: str, tmp_path: Path
) -> None:
    path = tmp_path / "learned.yaml"
    shown = await house.ok("traces", "learnings", "show", learning, "--edges", "3", "--out", str(path))
    facts, table = shown.out.split("\n\n")
    assert "endpoints  15" in facts
    assert "order 1    is enough" in facts
    lines = table.splitlines()
    assert lines[0].split() == ["FROM", "TO", "SEEN", "PROBABILITY", "95", "%"]
    assert len(lines) == 5
    assert "(RETRY)" in shown.err
    assert (await house.ok("traces", "workflows", "validate", str(path))).status == 0


async def test_a_learning_is_compared_with_the_truth(house: House, learning: str, tmp_path: Path) -> None:
    picture = tmp_path / "certificate.svg"
    outcome = await house.ok("traces", "compare", "ecom", learning[-8:], "--picture", str(picture))
    assert outcome.out.startswith("Recovered: over 42 edges ")
    assert ElementTree.parse(picture).getroot().get("role") == "img"
    document = (await house.ok("traces", "compare", "ecommerce", learning, "--json")).json
    assert document["recovered"] is True
    assert outcome.out.splitlines()[0] == document["verdict"]


async def test_another_truth_is_refused_with_status_1(house: House, learning: str, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    truth = (await house.ok("traces", "workflows", "show", "ecommerce")).out
    path.write_text(truth.replace("checkout: 0.5\n", "checkout: 0.6\n").replace("logout: 0.2\n", "logout: 0.1\n", 1))
    outcome = await house.run("traces", "compare", str(path), learning)
    assert outcome.status == 1
    assert outcome.out.startswith("Not recovered: 1 of 16 rows speaks against it (row cart, p = ")
    assert "against the truth" in outcome.out


async def test_a_file_here_is_learned_from_with_columns_named(house: House, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("who,what,at\n7,a,2026-01-05T08:00:00Z\n7,b,never\n7,b,2026-01-05T08:00:02Z\n8,a,2026-01-06\n")
    arguments = ("--column", "session=who", "--column", "endpoint=what", "--column", "timestamp=at", "--name", "mine")
    learned = await house.ok("traces", "learn", str(path), *arguments, "--json")
    assert learned.json["learned"]["spec"]["name"] == "mine"
    assert learned.json["learned"]["call_count"] == "3"
    assert learned.err.startswith("1 row, the first ")
    assert (await house.run("traces", "learn", str(path), *arguments, "--strict")).status == 1
    name = learned.json["name"]
    assert name in [one["name"] for one in (await house.ok("traces", "learnings", "list", "--json")).lines]
    await house.ok("traces", "learnings", "delete", name, "--yes")
    assert (await house.run("traces", "learnings", "show", name)).status == 3


async def test_a_place_on_the_server_is_learned_from_and_exported(house: House, tmp_path: Path) -> None:
    learned = await house.ok("traces", "learn", "--path", "small.csv", "--format", "event-log", "--json")
    name = learned.json["name"]
    for kind, rows in (("transitions", 4), ("session-features", 2)):
        path = tmp_path / f"{kind}.parquet"
        await house.ok("traces", "learnings", "export", name, kind, "--out", str(path))
        assert pyarrow.parquet.read_table(path).num_rows == rows


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["session", "no-such"], 3, 'There is no workflow "no-such": no name begins or ends with it.'),
        (["session", "No such"], 2, "`No such` is not a name in workflows; "),
        (["stream", "ecommerce", "--sessions", "0-5"], 2, "`0-5` is not a range of sessions; "),
        (["session", "ecommerce", "--sessions", "99999"], 2, "There is no session 99999; "),
        (["generate", "ecommerce", "--sessions-mean", "0"], 2, "spec.parameters.sessions_per_user.mean: Must be "),
        (["generate", "ecommerce", "--to", "../elsewhere"], 2, "spec.destination: Must be a path of folders "),
        (["generate", "ecommerce", "--start", "soon"], 2, "`soon` is not a time; "),
        (["generate", "ecommerce", "--days", "3", "--end", "2026-02-01"], 2, "Say when it ends with --end or --days"),
        (["generate", "ecommerce", "--user-type", "vip"], 2, "`vip` is not a kind of users; "),
        (["learn"], 2, "Say what to learn from: "),
        (["learn", "README"], 2, "What README is cannot be told by its name; "),
        (["learn", "x.csv", "--column", "sesion=a"], 2, "`sesion=a` names no column; "),
        (["learn", "no-such.csv"], 2, "no-such.csv: No such file or directory."),
        (["compare", "ecommerce", "learnings/none"], 3, "There is no learning learnings/none."),
    ],
)
async def test_what_is_wrong_is_one_sentence(house: House, arguments: list[str], status: int, sentence: str) -> None:
    outcome = await house.run("traces", *arguments)
    assert outcome.err.startswith(f"greenroom: {sentence}"), outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.status == status
