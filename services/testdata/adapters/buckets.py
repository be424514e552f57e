"""Datasets in S3 buckets. A part is written to a file of the server's own first, and then put as a whole."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
from obstore import exceptions
from obstore.store import S3Store

from services.testdata.adapters.folders import failures, still_needed
from services.testdata.adapters.parts import make_part
from services.testdata.traces.datasets.errors import (
    BucketMissing,
    BucketRefused,
    BucketUnreachable,
    DestinationNotEmpty,
)
from services.testdata.traces.datasets.model import Dataset, Part
from services.testdata.traces.datasets.parts import MANIFEST
from shared.compute import Compute

_REFUSALS = {"NoSuchBucket": BucketMissing, "401 Unauthorized": BucketRefused, "403 Forbidden": BucketRefused}
"""What an error's text holds, and what is wrong then."""


class Prefix:
    """The place of one dataset: what lies below a prefix of a bucket.

    staging: the folder that its parts go through.
    """

    def __init__(self, bucket: S3Store, prefix: str, location: str, staging: Path, compute: Compute) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._location = location
        self._staging = staging
        self._compute = compute

    async def claim(self) -> None:
        """Make sure that nothing is there. Raises DestinationNotEmpty, DestinationFailed."""
        with self._failures():
            async for found in obstore.list(self._bucket, self._prefix, chunk_size=1):
                if found:
                    raise DestinationNotEmpty(location=self._location)

    async def clean(self) -> None:
        """Remove the parts that were not put."""
        await asyncio.to_thread(shutil.rmtree, self._staging, ignore_errors=True)

    async def write_part(self, dataset: Dataset, index: int) -> Part:
        """Write a part whole or not at all. Raises DestinationFailed, WorkerCrashed."""
        with failures(self._staging, still_needed(dataset)):
            self._staging.mkdir(parents=True, exist_ok=True)
            part = await make_part(self._compute, dataset, index, self._staging)
        with self._failures():
            await obstore.put_async(self._bucket, f"{self._prefix}/{part.file}", self._staging / part.file)
        await self.clean()
        return part

    async def write_manifest(self, manifest: bytes) -> None:
        """Write the manifest whole or not at all. Raises DestinationFailed."""
        with self._failures():
            await obstore.put_async(self._bucket, f"{self._prefix}/{MANIFEST}", manifest)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (exceptions.BaseError, FileNotFoundError) as error:
            # What a refused listing was refused for stands in its text alone.
            why = next((one for text, one in _REFUSALS.items() if text in str(error)), BucketUnreachable)
            raise why(location=self._location) from error
