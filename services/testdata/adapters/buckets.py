"""Datasets in S3 buckets. A part is written to a local file first, then uploaded whole."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
from obstore import exceptions
from obstore.store import S3Store

from services.testdata.adapters.folders import failures
from services.testdata.datasets.errors import BucketMissing, BucketRefused, BucketUnreachable, DestinationNotEmpty
from services.testdata.datasets.outputs import P
from services.testdata.datasets.parts import MANIFEST
from shared.no_links import Place

_REFUSALS = {"NoSuchBucket": BucketMissing, "401 Unauthorized": BucketRefused, "403 Forbidden": BucketRefused}
"""Text in an obstore error, and the error to raise for it."""


class Prefix:
    """The output of one dataset: a prefix in a bucket. staging: the local folder for its parts."""

    def __init__(self, bucket: S3Store, prefix: str, location: str, staging: Path) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._location = location
        self._staging = staging

    async def claim(self) -> None:
        with self._failures():
            async for found in obstore.list(self._bucket, self._prefix, chunk_size=1):
                if found:
                    raise DestinationNotEmpty(location=self._location)

    async def clean(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._staging, ignore_errors=True)

    async def write_part(self, write: Callable[[Place], Awaitable[P]], needed: int) -> P:
        with failures(self._staging, needed):
            self._staging.mkdir(parents=True, exist_ok=True)
            part = await write(Place(self._staging))
        with self._failures():
            for name in part.file_names:
                await obstore.put_async(self._bucket, f"{self._prefix}/{name}", self._staging / name)
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
