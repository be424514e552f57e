"""A real S3 service: MinIO on a free port, with buckets in a temporary folder."""

import os
import socket
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from obstore.store import S3Store
from pydantic import SecretStr

from tests.programs import program

_KEY, _SECRET = "greenroom", "a-secret-of-the-tests"


@dataclass(frozen=True, slots=True)
class Minio:
    """A running MinIO. endpoint: its address. drive: the folder with its data."""

    endpoint: str
    drive: Path

    def settings(self, *buckets: str) -> dict[str, Any]:
        """The settings with which a test data service writes these buckets."""
        return {
            "buckets": buckets,
            "s3_endpoint": self.endpoint,
            "s3_access_key_id": SecretStr(_KEY),
            "s3_secret_access_key": SecretStr(_SECRET),
        }

    def create_bucket(self, name: str) -> None:
        """Make a bucket: a folder of the drive."""
        (self.drive / name).mkdir(parents=True)

    def bucket(self, name: str) -> S3Store:
        """A bucket's store, to read its objects."""
        return S3Store(
            name,
            config={"endpoint": self.endpoint, "access_key_id": _KEY, "secret_access_key": _SECRET},
            client_options={"allow_http": True},
        )


@asynccontextmanager
async def minio(folder: Path, *buckets: str) -> AsyncIterator[Minio]:
    """A MinIO with its data in a folder and these buckets, until the block ends. Skips the test if it is missing."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    running = Minio(f"http://{address}", folder)
    for bucket in buckets:
        running.create_bucket(bucket)
    process = await create_subprocess_exec(
        *(program("minio"), "server", str(folder), "--address", address, "--console-address", "127.0.0.1:0"),
        env={**os.environ, "MINIO_ROOT_USER": _KEY, "MINIO_ROOT_PASSWORD": _SECRET, "HOME": str(folder.parent)},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            if line.startswith(b"API:"):
                break
        yield running
    finally:
        process.terminate()
        await process.communicate()
