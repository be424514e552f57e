"""Datasets in folders below the output root."""

import asyncio
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.testdata.adapters.part_files import remove_unfinished, whole_file
from services.testdata.adapters.parts import make_part
from services.testdata.traces.datasets.errors import (
    DestinationFull,
    DestinationNotEmpty,
    DestinationUnwritable,
)
from services.testdata.traces.datasets.model import Dataset, Part
from services.testdata.traces.datasets.parts import MANIFEST
from shared.compute import Compute

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Folder:
    """The place of one dataset.

    path: its folder. root: what it must lie in; checked each time, since links may be made and settings changed.
    """

    def __init__(self, path: Path, root: Path, compute: Compute) -> None:
        self._path = path
        self._root = root
        self._compute = compute

    async def claim(self) -> None:
        """Make the folder. Raises DestinationNotEmpty, DestinationFailed."""
        await asyncio.to_thread(self._claim)

    async def clean(self) -> None:
        """Remove what an interrupted writing has left half done. Raises DestinationFailed."""
        with failures(self._path):
            self._check()
            await asyncio.to_thread(remove_unfinished, self._path)

    async def write_part(self, dataset: Dataset, index: int) -> Part:
        """Write a part whole or not at all. Raises DestinationFailed, WorkerCrashed."""
        with failures(self._path, still_needed(dataset)):
            self._check()
            return await make_part(self._compute, dataset, index, self._path)

    async def write_manifest(self, manifest: bytes) -> None:
        """Write the manifest whole or not at all. Raises DestinationFailed."""
        with failures(self._path, len(manifest)):
            self._check()
            await asyncio.to_thread(self._write_manifest, manifest)

    def _claim(self) -> None:
        with failures(self._path):
            self._check()
            self._path.mkdir(parents=True, exist_ok=True)
        check_empty(self._path)

    def _write_manifest(self, manifest: bytes) -> None:
        with whole_file(self._path / MANIFEST) as file:
            file.write(manifest)

    def _check(self) -> None:
        if not self._path.resolve().is_relative_to(self._root.resolve()):
            raise DestinationUnwritable(location=self._path, problem="it is not below the output root")


def check_empty(folder: Path) -> None:
    """Refuse a folder in which there is anything; one that is missing is empty. Raises DestinationFailed."""
    with failures(folder):
        try:
            with os.scandir(folder) as entries:
                if any(entries):
                    raise DestinationNotEmpty(location=folder)
        except FileNotFoundError:
            pass


def still_needed(dataset: Dataset) -> int:
    """About how many bytes the missing parts take, by those that are written; 0 before the first."""
    missing = dataset.spec.count - dataset.sessions_done
    return dataset.byte_count * missing // dataset.sessions_done if dataset.sessions_done else 0


@contextmanager
def failures(path: Path, needed: int = 0) -> Iterator[None]:
    """Raise a DestinationFailed for an OSError. needed: about how many bytes were still to be written, if known."""
    try:
        yield
    except OSError as error:
        problem = os.strerror(error.errno) if error.errno else "the system refuses it"
        if error.errno in _NO_ROOM:
            more = f"about {_size(needed)} more are needed" if needed else "it is not known yet how many are needed"
            raise DestinationFull(location=path, problem=problem, free=_free(path), more=more) from error
        raise DestinationUnwritable(location=path, problem=problem) from error


def _free(path: Path) -> str:
    try:
        return _size(shutil.disk_usage(path).free)
    except OSError:
        return "an unknown number of bytes"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
