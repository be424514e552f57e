"""Datasets in S3 buckets. A part is written to a local file first, then uploaded whole."""

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
from services.testdata.datasets.errors import BucketMissing, BucketRefused, BucketUnreachable, DestinationNotEmpty
from services.testdata.datasets.model import Dataset, Part
from services.testdata.datasets.parts import MANIFEST
from shared.compute import Compute
from shared.no_links import Place

_REFUSALS = {"NoSuchBucket": BucketMissing, "401 Unauthorized": BucketRefused, "403 Forbidden": BucketRefused}
"""Text in an obstore error, and the error to raise for it."""


class Prefix:
    """The output of one dataset: a prefix in a bucket. staging: the local folder for its parts."""

    def __init__(self, bucket: S3Store, prefix: str, location: str, staging: Path, compute: Compute) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._location = location
        self._staging = staging
        self._compute = compute

    async def claim(self) -> None:
        with self._failures():
            async for found in obstore.list(self._bucket, self._prefix, chunk_size=1):
                if found:
                    raise DestinationNotEmpty(location=self._location)

    async def clean(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._staging, ignore_errors=True)

    async def write_part(self, dataset: Dataset, index: int) -> Part:
        with failures(self._staging, still_needed(dataset)):
            self._staging.mkdir(parents=True, exist_ok=True)
            part = await make_part(self._compute, dataset, index, Place(self._staging))
        with self._failures():
            await obstore.put_async(self._bucket, f"{self._prefix}/{part.file}", self._staging / part.file)
        await self.clean()
        return part

    async def write_manifest(self, manifest: bytes) -> None:
        with self._failures():
            await obstore.put_async(self._bucket, f"{self._prefix}/{MANIFEST}", manifest)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (exceptions.BaseError, FileNotFoundError) as error:
            # Only the text of the error says why a listing was refused.
            why = next((one for text, one in _REFUSALS.items() if text in str(error)), BucketUnreachable)
            raise why(location=self._location) from error
