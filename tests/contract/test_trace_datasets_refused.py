"""Datasets that are refused: a destination outside the folder or in use, or sessions that do not exist."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from greenroom.client import GreenroomError, connect
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1.trace_call_pb2 import SessionRange, TraceParameters
from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource
from tests.contract.tokens import SECRET, token
from tests.datasets import dataset_spec, files, names_in, over, short_spec, written
from tests.processes import PATIENCE
from tests.scripted import refused
from tests.suite import TestdataSuite
from tests.suite import testdata_suite as served
from tests.traces import small

FOLDERS = "Must be a path of folders such as `traces/may`; no folder may be empty, `.` or `..`."
CHARACTERS = "Must have no control character and no backslash."


@pytest.mark.parametrize(
    ("destination", "sentence"),
    [
        ("/tmp/elsewhere", FOLDERS),
        ("../elsewhere", FOLDERS),
        ("a/../../elsewhere", FOLDERS),
        ("a/./b", FOLDERS),
        ("a//b", FOLDERS),
        ("a/", FOLDERS),
        ("gs://bucket/a", FOLDERS),
        ("a/..\\b", CHARACTERS),
        ("a\x1bb", CHARACTERS),
        ("a\nb", CHARACTERS),
        ("a\u202eb", CHARACTERS),
        ("a/" + "ü" * 128, "Must have no name of more than 255 bytes between its slashes."),
        ("s3://bucket/a", "The server allows no bucket of that name; it allows none."),
        ("s3://", "The server allows no bucket of that name; it allows none."),
    ],
)
async def test_a_destination_that_could_lead_elsewhere_is_refused(
    traces: TestdataSuite, destination: str, sentence: str
) -> None:
    with pytest.raises(GreenroomError) as error:
        await traces.client.traces.datasets.start(dataset_spec(destination=destination))

    assert (error.value.code, error.value.reason) == ("INVALID_ARGUMENT", "DESTINATION_INVALID")
    assert [(one.field, one.description) for one in error.value.violations] == [("spec.destination", sentence)]


async def test_a_destination_may_have_any_other_name(traces: TestdataSuite) -> None:
    done = await written(traces.client, dataset_spec(users=10, destination="Übung 5/%2e%2e/…/-rf *"))

    assert done.location.endswith("/output/Übung 5/%2e%2e/…/-rf *")
    assert set(files(done)) == {"manifest.json", "part-00000.parquet"}


async def test_a_link_that_leads_out_of_the_output_root_is_refused(traces: TestdataSuite, tmp_path: Path) -> None:
    root = Path((await written(traces.client, dataset_spec(users=10))).location).parent.parent
    (root / "way-out").symlink_to(tmp_path)

    async with refused("INVALID_ARGUMENT", "DESTINATION_INVALID") as errors:
        await traces.client.traces.datasets.start(dataset_spec(destination="way-out/deeper"))

    assert errors[0].violations[0].field == "spec.destination"
    assert names_in(tmp_path) == []


async def test_links_in_a_circle_below_the_output_root_are_refused(traces: TestdataSuite) -> None:
    root = Path((await written(traces.client, dataset_spec(users=10))).location).parent.parent
    (root / "circle").symlink_to("circle")
    (root / "there").symlink_to("back")
    (root / "back").symlink_to("there")

    for destination in ("circle", "circle/deeper", "there/deeper"):
        async with refused("INVALID_ARGUMENT", "DESTINATION_INVALID") as errors:
            await traces.client.traces.datasets.start(dataset_spec(destination=destination))
        assert errors[0].violations[0].description == "A symbolic link leads in a circle."


@pytest.mark.parametrize("target", ["..", "../globex", "../globex/secret", "."])
async def test_a_link_in_the_folder_of_a_company_leads_into_no_folder_of_another(tmp_path: Path, target: str) -> None:
    root = tmp_path / "output"
    (root / "acme").mkdir(parents=True)
    (root / "globex").mkdir()
    (root / "acme" / "up").symlink_to(target)
    async with (
        served("sqlite", tmp_path / "data", output_root=root, jwt_secret=SecretStr(SECRET)) as running,
        connect(running.address, timeout=PATIENCE, token=token()) as client,
    ):
        if target == ".":
            done = await written(client, dataset_spec(users=10, destination="up/own"))
            assert done.location == str(root / "acme" / "own")
            return
        for destination in ("up/globex/may", "up/may", "up"):
            async with refused("INVALID_ARGUMENT", "DESTINATION_INVALID") as errors:
                await client.traces.datasets.start(dataset_spec(destination=destination))
            assert errors[0].violations[0].field == "spec.destination"

    assert names_in(root / "globex") == []


async def test_a_link_that_is_planted_after_the_start_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "output"
    async with served("sqlite", tmp_path / "data", output_root=root) as running:
        client = running.client
        long = await client.traces.datasets.start(short_spec(600_000))
        planted = await client.traces.datasets.start(dataset_spec(users=10, destination="mine/may"))
        (root / "others").mkdir(parents=True, exist_ok=True)
        if not (root / "mine").exists():
            (root / "mine").symlink_to("others")
        await client.traces.datasets.cancel(long.name)
        done = await over(client, planted.name)

    assert (done.state, done.reason) == (pb.Dataset.STATE_FAILED, "DESTINATION_UNWRITABLE")
    assert names_in(root / "others") == []


async def test_two_names_of_one_folder_are_one_destination(traces: TestdataSuite) -> None:
    one = await written(traces.client, dataset_spec(users=10, destination="one/folder"))
    (Path(one.location).parent.parent / "two").symlink_to("one")

    async with refused("ALREADY_EXISTS", "DESTINATION_TAKEN"):
        await traces.client.traces.datasets.start(dataset_spec(destination="two/folder"))


async def test_a_folder_that_holds_files_or_is_none_is_refused(traces: TestdataSuite) -> None:
    root = Path((await written(traces.client, dataset_spec(users=10))).location).parent.parent
    (root / "full").mkdir()
    (root / "full" / ".hidden").write_text("something of somebody's")

    async with refused("FAILED_PRECONDITION", "DESTINATION_NOT_EMPTY"):
        await traces.client.traces.datasets.start(dataset_spec(destination="full"))
    async with refused("FAILED_PRECONDITION", "DESTINATION_UNWRITABLE") as errors:
        await traces.client.traces.datasets.start(dataset_spec(destination="full/.hidden/deeper"))
    assert "Not a directory" in errors[0].message


@pytest.mark.parametrize(
    ("sessions", "session"),
    [
        (SessionRange(first=10**9), "1,000,000,000"),
        (SessionRange(first=30, count=10**6), "1,000,029"),
        (SessionRange(count=2**62), f"{2**62:,}"),
    ],
)
async def test_sessions_that_there_are_not_are_refused(
    traces: TestdataSuite, sessions: SessionRange, session: str
) -> None:
    async with refused("OUT_OF_RANGE", "SESSION_OUT_OF_RANGE") as errors:
        await traces.client.traces.datasets.start(dataset_spec(sessions=sessions))

    assert errors[0].metadata["session"] == session


async def test_a_workflow_and_parameters_that_are_not_right_are_refused(traces: TestdataSuite) -> None:
    datasets = traces.client.traces.datasets
    async with refused("INVALID_ARGUMENT", "WORKFLOW_INVALID") as errors:
        await datasets.start(pb.DatasetSpec(workflow=small("faulty", error_rates="{login: 3}")))
    assert [one.field for one in errors[0].violations] == ['spec.workflow.yaml.error_rates["login"]']
    async with refused("NOT_FOUND", "WORKFLOW_NOT_FOUND"):
        await datasets.start(pb.DatasetSpec(workflow=WorkflowSource(name="workflows/none")))
    async with refused("INVALID_ARGUMENT", "PARAMETERS_INVALID") as errors:
        parameters = TraceParameters(deck_size=3)
        await datasets.start(pb.DatasetSpec(workflow=WorkflowSource(name="workflows/ecommerce"), parameters=parameters))
    assert [one.field for one in errors[0].violations] == ["spec.parameters.deck_size"]
