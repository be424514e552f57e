"""Datasets in buckets of a real S3 service."""

from collections.abc import AsyncIterator
from hashlib import sha256
from json import loads
from pathlib import Path

import obstore
import pytest
from pydantic import SecretStr

from greenroom.client import connect
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from services.testdata.adapters import s3
from tests.contract.tokens import SECRET, token
from tests.datasets import State, dataset_spec, files, over, written
from tests.minio import Minio, minio
from tests.scripted import refused
from tests.suite import TestdataSuite
from tests.suite import testdata_suite as serving

BUCKET = "traces"


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Minio]:
    """A MinIO with one bucket."""
    async with minio(tmp_path_factory.mktemp("minio") / "drive", BUCKET) as running:
        yield running


@pytest.fixture(scope="module")
async def greenroom(service: Minio, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestdataSuite]:
    """A test data service that may write this bucket, and another one that does not exist yet."""
    async with serving("sqlite", tmp_path_factory.mktemp("data"), **service.settings(BUCKET, "later")) as running:
        yield running


async def objects(service: Minio, prefix: str) -> dict[str, bytes]:
    """The objects below a prefix of the bucket, by the rest of their names."""
    bucket = service.bucket(BUCKET)
    found = [one["path"] for one in await obstore.list(bucket, prefix).collect_async()]
    read = [await (await obstore.get_async(bucket, path)).bytes_async() for path in found]
    return {path.removeprefix(f"{prefix}/"): bytes(data) for path, data in zip(found, read, strict=True)}


async def test_a_dataset_in_a_bucket_is_the_same_as_one_in_a_folder(greenroom: TestdataSuite, service: Minio) -> None:
    # Parquet is uploaded in one piece, JSONL in several.
    for form in (pb.DatasetSpec.FORMAT_PARQUET, pb.DatasetSpec.FORMAT_JSONL):
        prefix = f"may/{form}"
        here = await written(greenroom.client, dataset_spec(users=5_000, format=form))
        spec = dataset_spec(users=5_000, format=form, destination=f"s3://{BUCKET}/{prefix}")
        there = await written(greenroom.client, spec)

        assert there.location == f"s3://{BUCKET}/{prefix}"
        assert await objects(service, prefix) == files(here)
        assert not list((Path(here.location).parents[2] / "staging").iterdir()), "a part was left behind"


async def test_a_manifest_in_a_bucket_has_the_checksums_of_what_lies_beside_it(
    greenroom: TestdataSuite, service: Minio
) -> None:
    await written(greenroom.client, dataset_spec(destination=f"s3://{BUCKET}/checked"))

    found = await objects(service, "checked")

    listed = loads(found["manifest.json"])["files"]
    assert {one["file"]: one["sha256"] for one in listed} == {
        name: sha256(data).hexdigest() for name, data in found.items() if name != "manifest.json"
    }


async def test_a_prefix_that_holds_objects_is_refused(greenroom: TestdataSuite, service: Minio) -> None:
    await obstore.put_async(service.bucket(BUCKET), "occupied/by/something", b"else")
    started = await greenroom.client.traces.datasets.start(dataset_spec(destination=f"s3://{BUCKET}/occupied"))

    failed = await over(greenroom.client, started.name)

    assert (failed.state, failed.reason) == (State.STATE_FAILED, "DESTINATION_NOT_EMPTY")
    assert failed.detail == (
        f"s3://{BUCKET}/occupied already holds files; choose another destination, or move them away and retry."
    )
    assert list(await objects(service, "occupied")) == ["by/something"]


async def test_a_dataset_fails_for_a_missing_bucket_and_goes_on_when_it_is_there(
    greenroom: TestdataSuite, service: Minio
) -> None:
    datasets = greenroom.client.traces.datasets
    started = await datasets.start(dataset_spec(destination="s3://later/set"))
    failed = await over(greenroom.client, started.name)
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "BUCKET_MISSING")
    assert failed.detail == "There is no bucket for s3://later/set; create it, then retry."

    service.create_bucket("later")
    await datasets.retry(started.name)

    assert (await over(greenroom.client, started.name)).state == State.STATE_COMPLETED


async def test_a_dataset_fails_for_wrong_credentials_without_telling_them(service: Minio, tmp_path: Path) -> None:
    wrong = {**service.settings(BUCKET), "s3_secret_access_key": SecretStr("not-the-secret")}
    async with serving("sqlite", tmp_path, **wrong) as greenroom:
        started = await greenroom.client.traces.datasets.start(dataset_spec(destination=f"s3://{BUCKET}/closed"))

        failed = await over(greenroom.client, started.name)

    assert (failed.state, failed.reason) == (State.STATE_FAILED, "BUCKET_REFUSED")
    assert failed.detail == (
        f"The server's credentials do not allow it to write s3://{BUCKET}/closed; correct them, then retry."
    )


async def test_a_dataset_fails_if_nobody_answers(
    service: Minio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_RETRIES", {"max_retries": 1})
    nobody = {**service.settings(BUCKET), "s3_endpoint": "http://127.0.0.1:9"}
    async with serving("sqlite", tmp_path, **nobody) as greenroom:
        started = await greenroom.client.traces.datasets.start(dataset_spec(destination=f"s3://{BUCKET}/far"))

        failed = await over(greenroom.client, started.name)

    assert (failed.state, failed.reason) == (State.STATE_FAILED, "BUCKET_UNREACHABLE")


async def test_half_a_key_is_noticed_at_the_start(service: Minio, tmp_path: Path) -> None:
    half = {**service.settings(BUCKET), "s3_secret_access_key": None}
    with pytest.raises(s3.IncompleteKey):
        async with serving("sqlite", tmp_path, **half):
            pass


async def test_a_bucket_that_the_server_does_not_allow_is_refused(greenroom: TestdataSuite) -> None:
    for bucket in ("another", "", "Traces", "traces "):
        async with refused("INVALID_ARGUMENT", "DESTINATION_INVALID") as errors:
            await greenroom.client.traces.datasets.start(dataset_spec(destination=f"s3://{bucket}/x"))
        assert [(one.field, one.description) for one in errors[0].violations] == [
            ("spec.destination", "The server allows no bucket of that name; it allows `later` and `traces`.")
        ]


async def test_a_companys_datasets_lie_below_a_prefix_of_its_own(service: Minio, tmp_path: Path) -> None:
    settings = {**service.settings(BUCKET), "jwt_secret": SecretStr(SECRET)}
    async with serving("sqlite", tmp_path, **settings) as greenroom:
        for company, prefix in (("acme", "acme"), ("../acme", "%2E%2E%2Facme")):
            async with connect(greenroom.address, token=token(company)) as client:
                started = await client.traces.datasets.start(dataset_spec(destination=f"s3://{BUCKET}/same"))
                assert (await over(client, started.name)).state == State.STATE_COMPLETED
                assert started.location == f"s3://{BUCKET}/{prefix}/same"
            assert set(await objects(service, f"{prefix}/same")) == {"manifest.json", "part-00000.parquet"}
