"""Logs on the server: datasets, and files and folders below the input roots."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from services.testdata.adapters.s3 import S3Access
from services.testdata.traces.datasets.destination import S3
from services.testdata.traces.datasets.model import Dataset, DatasetState
from services.testdata.traces.datasets.parts import MANIFEST
from services.testdata.traces.datasets.ports import DatasetStore
from services.testdata.traces.formats import Format
from services.testdata.traces.learning.errors import (
    DatasetNotLearnable,
    FormatMissing,
    InputNotAllowed,
    InputNotFound,
    InputUnreadable,
)
from services.testdata.traces.learning.formats import LogFormat, LogKind
from services.testdata.traces.learning.kept import LearningSpec
from services.testdata.traces.learning.ports import Log
from shared.errors import Violation

_KINDS = {Format.PARQUET: LogKind.PARQUET, Format.JSONL: LogKind.JSONL, Format.CSV: LogKind.CSV}
"""The formats of datasets that can be read again."""


class ServerInputs:
    """What the server may learn from.

    roots: the folders below which every company may have logs read. buckets: those that datasets may be read from.
    """

    def __init__(self, roots: Sequence[Path], datasets: DatasetStore, buckets: Collection[str], s3: S3Access) -> None:
        self._roots = [root.resolve() for root in roots]
        self._datasets = datasets
        self._buckets = buckets
        self._s3 = s3

    async def check(self, company: str, spec: LearningSpec, field: str) -> None:
        """Refuse at once what can be known at once; field: the spec's path in the request.

        Raises InputNotAllowed, InputNotFound, InputUnreadable, FormatMissing, DatasetNotFound, DatasetNotLearnable.
        """
        if spec.dataset:
            if spec.log_format is not None:
                sentence = "Must be unset: the dataset's format is known."
                raise FormatMissing(violations=[Violation(f"{field}.format", sentence)])
            await self._dataset(company, spec.dataset)
            return
        if spec.log_format is None:
            raise FormatMissing(violations=[Violation(f"{field}.format", "Must say what the log is.")])
        await asyncio.to_thread(self._files, spec.path, f"{field}.path")

    @asynccontextmanager
    async def open(self, company: str, spec: LearningSpec, folder: Path) -> AsyncIterator[Log]:
        """The log, for as long as it is needed; what must be fetched for it lies in the folder meanwhile.

        Raises as `check`.
        """
        if not spec.dataset:
            if spec.log_format is None:
                raise FormatMissing
            files = await asyncio.to_thread(self._files, spec.path, "spec.path")
            yield Log(tuple((path.name, path) for path, _ in files), spec.log_format, sum(size for _, size in files))
            return
        dataset = await self._dataset(company, spec.dataset)
        names = [part.file for part in await self._datasets.parts(dataset)]
        if dataset.location.startswith(S3):
            place = folder
            await self._fetch(dataset, names, place)
        else:
            place = Path(dataset.location)
        try:
            size = await asyncio.to_thread(lambda: sum((place / name).stat().st_size for name in names))
        except OSError as error:
            why = f"its files are not at {dataset.location}, where they were written"
            raise DatasetNotLearnable(name=dataset.name, why=why) from error
        yield Log(tuple((name, place / name) for name in names), LogFormat(_KINDS[dataset.spec.format]), size)
        if place == folder:
            for name in names:
                await asyncio.to_thread((place / name).unlink)

    async def _dataset(self, company: str, name: str) -> Dataset:
        dataset = await self._datasets.get(company, name)
        if dataset.state is not DatasetState.COMPLETED:
            raise DatasetNotLearnable(name=name, why=f"it is {dataset.state} and not COMPLETED")
        if dataset.spec.format not in _KINDS:
            why = f"its files are {dataset.spec.format}; write one as {', '.join(_KINDS)}"
            raise DatasetNotLearnable(name=name, why=why)
        return dataset

    async def _fetch(self, dataset: Dataset, names: Sequence[str], folder: Path) -> None:
        """Copy a dataset's files out of its bucket."""
        bucket, _, prefix = dataset.location.removeprefix(S3).partition("/")
        if bucket not in self._buckets:
            raise DatasetNotLearnable(
                name=dataset.name, why=f"the server does not allow the bucket of {dataset.location}"
            )
        store = self._s3.open(bucket)
        # Optional, as buckets are.
        import obstore
        from obstore.exceptions import BaseError

        try:
            for name in names:
                found = await obstore.get_async(store, f"{prefix}/{name}")
                with (folder / name).open("wb") as file:
                    async for chunk in found.stream():
                        await asyncio.to_thread(file.write, bytes(chunk))
        except BaseError as error:
            why = f"its files could not be read from {dataset.location}; see that the bucket answers and has them"
            raise DatasetNotLearnable(name=dataset.name, why=why) from error

    def _files(self, path: str, field: str) -> list[tuple[Path, int]]:
        """The files that a caller's path means, with their sizes: one, or all of a folder's by their names.

        A dataset's manifest, hidden files and folders in it are left out. Links that lead out of the roots are refused.
        """
        try:
            found = self._find(path, field)
            if not found.is_dir():
                return [_file(found, path)]
            inside = (one.resolve() for one in sorted(found.iterdir()) if one.name != MANIFEST and one.name[0] != ".")
            files = [_file(one, path) for one in inside if one.is_file() and self._allowed(one)]
        except PermissionError as error:
            raise InputUnreadable(path=repr(path)) from error
        except (OSError, ValueError) as error:
            raise InputNotFound(path=repr(path)) from error
        if not files:
            raise InputNotFound(path=repr(path))
        return files

    def _find(self, path: str, field: str) -> Path:
        places = [found for root in self._roots if self._allowed(found := (root / path).resolve())]
        if not places:
            sentence = (
                "Must lead below one of the server's input roots, which its operator sets: GREENROOM_INPUT_ROOTS."
            )
            if not self._roots:
                sentence = "The server has no input roots; its operator sets them: GREENROOM_INPUT_ROOTS."
            raise InputNotAllowed(violations=[Violation(field, sentence)])
        for place in places:
            if place.exists():
                return place
        raise InputNotFound(path=repr(path))

    def _allowed(self, place: Path) -> bool:
        return any(place.is_relative_to(root) for root in self._roots)


def _file(place: Path, path: str) -> tuple[Path, int]:
    """A file with its size; path: what the caller said. Raises InputUnreadable."""
    if not place.is_file() or not os.access(place, os.R_OK):
        raise InputUnreadable(path=repr(path))
    return place, place.stat().st_size
