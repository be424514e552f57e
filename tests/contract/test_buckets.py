"""Datasets in buckets of a real S3 service."""

from collections.abc import AsyncIterator
from hashlib import sha256
from json import loads
from pathlib import Path

import jwt
import obstore
import pytest
from pydantic import SecretStr

from greenroom.client import GreenroomError, connect
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from services.testdata.adapters import s3
from tests.datasets import State, dataset_spec, files, over
from tests.minio import Minio, minio
from tests.suite import testdata_suite as serving

BUCKET = "traces"


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Minio]:
    """A MinIO with one bucket."""
    async with minio(tmp_path_factory.mktemp("minio") / "drive", BUCKET) as running:
        yield running


async def objects(service: Minio, prefix: str) -> dict[str, bytes]:
    """What lies below a prefix of the bucket, by its name there."""
    bucket = service.bucket(BUCKET)
    found = [one["path"] for one in await obstore.list(bucket, prefix).collect_async()]
    read = [await (await obstore.get_async(bucket, path)).bytes_async() for path in found]
    return {path.removeprefix(f"{prefix}/"): bytes(data) for path, data in zip(found, read, strict=True)}


async def test_a_dataset_in_a_bucket_is_the_same_as_one_in_a_folder(service: Minio, tmp_path: Path) -> None:
    async with serving("sqlite", tmp_path, **service.settings(BUCKET)) as greenroom:
        datasets = greenroom.client.traces.datasets
        # Large enough to go in several pieces.
        for form in (pb.DatasetSpec.FORMAT_JSONL, pb.DatasetSpec.FORMAT_PARQUET):
            prefix = f"may/{form}"
            there = await datasets.start(dataset_spec(users=5_000, format=form, destination=f"s3://{BUCKET}/{prefix}"))
            here = await datasets.start(dataset_spec(users=5_000, format=form))

            assert (await over(greenroom.client, there.name)).state == State.STATE_COMPLETED
            assert (await over(greenroom.client, here.name)).state == State.STATE_COMPLETED
            assert there.location == f"s3://{BUCKET}/{prefix}"
            assert await objects(service, prefix) == files(here)
        assert not list((tmp_path / "staging").iterdir()), "a part was left behind"


async def test_a_manifest_in_a_bucket_has_the_checksums_of_what_lies_beside_it(service: Minio, tmp_path: Path) -> None:
    async with serving("sqlite", tmp_path, **service.settings(BUCKET)) as greenroom:
        started = await greenroom.client.traces.datasets.start(dataset_spec(destination=f"s3://{BUCKET}/checked"))
        await over(greenroom.client, started.name)

    found = await objects(service, "checked")

    listed = loads(found["manifest.json"])["files"]
    assert {one["file"]: one["sha256"] for one in listed} == {
        name: sha256(data).hexdigest() for name, data in found.items() if name != "manifest.json"
    }


async def test_a_prefix_that_holds_objects_is_refused(service: Minio, tmp_path: Path) -> None:
    await obstore.put_async(service.bucket(BUCKET), "occupied/by/something", b"else")
    async with serving("sqlite", tmp_path, **service.settings(BUCKET)) as greenroom:
        started = await greenroom.client.traces.datasets.start(dataset_spec(destination=f"s3://{BUCKET}/occupied"))

        failed = await over(greenroom.client, started.name)

        assert (failed.state, failed.reason) == (State.STATE_FAILED, "DESTINATION_NOT_EMPTY")
        assert failed.detail == (
            f"s3://{BUCKET}/occupied holds files already; choose another destination, or move them away and retry."
        )
        assert list(await objects(service, "occupied")) == ["by/something"]


async def test_a_dataset_fails_for_a_missing_bucket_and_goes_on_when_it_is_there(
    service: Minio, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with serving("sqlite", tmp_path, **service.settings("later")) as greenroom:
        datasets = greenroom.client.traces.datasets
        started = await datasets.start(dataset_spec(destination="s3://later/set"))
        failed = await over(greenroom.client, started.name)
        assert (failed.state, failed.reason) == (State.STATE_FAILED, "BUCKET_MISSING")
        assert failed.detail == "There is no bucket for s3://later/set; create it, then retry."

    drive = tmp_path_factory.mktemp("second") / "drive"
    async with (
        minio(drive, "later") as second,
        serving("sqlite", tmp_path, **second.settings("later")) as greenroom,
    ):
        await greenroom.client.traces.datasets.retry(started.name)
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


async def test_a_bucket_that_the_server_does_not_allow_is_refused(service: Minio, tmp_path: Path) -> None:
    async with serving("sqlite", tmp_path, **service.settings("another")) as greenroom:
        for bucket in (BUCKET, "", "Another", "another "):
            with pytest.raises(GreenroomError) as refused:
                await greenroom.client.traces.datasets.start(dataset_spec(destination=f"s3://{bucket}/x"))
            assert refused.value.reason == "DESTINATION_INVALID"
            assert [(one.field, one.description) for one in refused.value.violations] == [
                ("spec.destination", "The server allows no bucket of that name; it allows `another`.")
            ]


async def test_a_companys_datasets_lie_below_a_prefix_of_its_own(service: Minio, tmp_path: Path) -> None:
    secret = "the secret of this very test only"
    settings = {**service.settings(BUCKET), "jwt_secret": SecretStr(secret)}
    async with serving("sqlite", tmp_path, **settings) as greenroom:
        for company, prefix in (("acme", "acme"), ("../acme", "%2E%2E%2Facme")):
            claims = {"company": company, "sub": "somebody", "permissions": ["traces.*"], "exp": 2**33}
            token = jwt.encode(claims, secret, "HS256")
            async with connect(greenroom.address, token=token) as client:
                started = await client.traces.datasets.start(dataset_spec(destination=f"s3://{BUCKET}/same"))
                assert (await over(client, started.name)).state == State.STATE_COMPLETED
                assert started.location == f"s3://{BUCKET}/{prefix}/same"
            assert set(await objects(service, f"{prefix}/same")) == {"manifest.json", "part-00000.parquet"}
