"""Logs on the server: datasets, and files and folders below the input roots. See `learnings/inputs.py`."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from services.testdata.adapters.folders import place_below
from services.testdata.adapters.s3 import S3Access
from services.testdata.datasets.destination import S3
from services.testdata.datasets.errors import DestinationUnwritable
from services.testdata.datasets.model import Dataset
from services.testdata.datasets.parts import MANIFEST
from services.testdata.datasets.store import DatasetStore
from services.testdata.learnings.errors import (
    DatasetNotLearnable,
    FormatMissing,
    InputNotAllowed,
    InputNotFound,
    InputUnreadable,
)
from services.testdata.learnings.inputs import Log
from services.testdata.learnings.model import LearningSpec
from services.testdata.traces.formats import Format
from services.testdata.traces.logs.formats import LogFormat, LogKind
from shared.errors import Violation
from shared.no_links import resolved
from shared.words import any_of
from shared.work.model import State, Work

_KINDS = {Format.PARQUET: LogKind.PARQUET, Format.JSONL: LogKind.JSONL, Format.CSV: LogKind.CSV}
"""The dataset formats that can be learned from."""


class ServerInputs:
    """Logs that the server may read.

    roots: folders below which any company may read logs. output_root: where datasets lie. buckets: buckets from which
    datasets may be read.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        output_root: Path,
        datasets: DatasetStore,
        buckets: Collection[str],
        s3: S3Access,
    ) -> None:
        self._roots = [resolved(root) for root in roots]
        self._output_root = output_root.absolute()
        self._datasets = datasets
        self._buckets = buckets
        self._s3 = s3

    async def check(self, company: str, spec: LearningSpec, field: str) -> None:
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
        if not spec.dataset:
            if spec.log_format is None:
                raise FormatMissing
            files, unread = await asyncio.to_thread(self._files, spec.path, "spec.path")
            named, size = tuple((path.name, path) for path, _ in files), sum(size for _, size in files)
            yield Log(named, spec.log_format, size, tuple(unread))
            return
        dataset = await self._dataset(company, spec.dataset)
        names = [part.file for part in await self._datasets.parts(dataset)]
        if dataset.body.location.startswith(S3):
            place = folder
            await self._fetch(dataset, names, place)
        else:
            place = Path(dataset.body.location)
        try:
            if place != folder:
                place = place_below(self._output_root, place).path
            size = await asyncio.to_thread(lambda: sum((place / name).stat().st_size for name in names))
        except (OSError, DestinationUnwritable) as error:
            why = f"its files are not at {dataset.body.location}, where they were written"
            raise DatasetNotLearnable(name=dataset.name, why=why) from error
        yield Log(tuple((name, place / name) for name in names), LogFormat(_KINDS[dataset.body.spec.format]), size)
        if place == folder:
            for name in names:
                await asyncio.to_thread((place / name).unlink)

    async def _dataset(self, company: str, name: str) -> Work[Dataset]:
        dataset = await self._datasets.get(company, name)
        if dataset.state is not State.COMPLETED:
            raise DatasetNotLearnable(name=name, why=f"it is {dataset.state} and not COMPLETED")
        if dataset.body.spec.format not in _KINDS:
            why = f"its files are {dataset.body.spec.format}; write one as {any_of(_KINDS)}"
            raise DatasetNotLearnable(name=name, why=why)
        return dataset

    async def _fetch(self, dataset: Work[Dataset], names: Sequence[str], folder: Path) -> None:
        """Download a dataset's files."""
        bucket, _, prefix = dataset.body.location.removeprefix(S3).partition("/")
        if bucket not in self._buckets:
            raise DatasetNotLearnable(
                name=dataset.name, why=f"the server does not allow the bucket of {dataset.body.location}"
            )
        store = self._s3.open(bucket)
        # Import it here, because obstore is optional.
        import obstore
        from obstore.exceptions import BaseError

        try:
            for name in names:
                found = await obstore.get_async(store, f"{prefix}/{name}")
                with (folder / name).open("wb") as file:
                    async for chunk in found.stream():
                        await asyncio.to_thread(file.write, bytes(chunk))
        except BaseError as error:
            why = f"its files could not be read from {dataset.body.location}; see that the bucket answers and has them"
            raise DatasetNotLearnable(name=dataset.name, why=why) from error

    def _files(self, path: str, field: str) -> tuple[list[tuple[Path, int]], list[str]]:
        """The file at a caller's path, or all files of the folder there, sorted by name; each with its size.

        Then the names of the entries that are left out: subfolders, and links that lead out of the roots. Manifests and
        hidden files are not counted.
        """
        try:
            found = self._find(path, field)
            if not found.is_dir():
                return [_file(found, path)], []
            names = sorted(one for one in found.iterdir() if one.name != MANIFEST and one.name[0] != ".")
            places = {one.name: self._readable(one) for one in names}
            files = [_file(place, path) for place in places.values() if place is not None]
        except PermissionError as error:
            raise InputUnreadable(path=repr(path)) from error
        except (OSError, ValueError) as error:
            raise InputNotFound(path=repr(path)) from error
        if not files:
            raise InputNotFound(path=repr(path))
        return files, [name for name, place in places.items() if place is None]

    def _readable(self, entry: Path) -> Path | None:
        """The file of a folder's entry, None if it is none or lies outside of the roots."""
        place = _without_links(entry)
        return place if place is not None and self._allowed(place) and place.is_file() else None

    def _find(self, path: str, field: str) -> Path:
        found = [_without_links(root / path) for root in self._roots]
        places = [place for place in found if place is not None and self._allowed(place)]
        if not places:
            sentence = "Must lead below one of the server's input roots, which GREENROOM_INPUT_ROOTS sets."
            if not self._roots:
                sentence = "The server has no input roots; its operator can set GREENROOM_INPUT_ROOTS."
            if None in found:
                sentence = "A symbolic link leads in a circle."
            raise InputNotAllowed(violations=[Violation(field, sentence)])
        for place in places:
            if place.exists():
                return place
        raise InputNotFound(path=repr(path))

    def _allowed(self, place: Path) -> bool:
        return any(place.is_relative_to(root) for root in self._roots)


def _without_links(path: Path) -> Path | None:
    """The path without links; None if they lead in a circle."""
    try:
        return resolved(path)
    except OSError:
        return None


def _file(place: Path, path: str) -> tuple[Path, int]:
    """A file with its size. path: as the caller wrote it. Raises InputUnreadable."""
    if not place.is_file() or not os.access(place, os.R_OK):
        raise InputUnreadable(path=repr(path))
    return place, place.stat().st_size
