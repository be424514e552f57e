"""Datasets in folders below the output root."""

import asyncio
import errno
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.testdata.adapters.part_files import remove_unfinished, whole_file
from services.testdata.datasets.errors import DestinationFull, DestinationNotEmpty, DestinationUnwritable
from services.testdata.datasets.outputs import P
from services.testdata.datasets.parts import MANIFEST
from shared.no_links import Place, resolved

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Folder:
    """The output of one dataset: a folder. Every step opens it anew, because links and settings may change meanwhile.

    root: the folder that must contain it.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._root = root

    async def claim(self) -> None:
        await asyncio.to_thread(self._claim)

    async def clean(self) -> None:
        await asyncio.to_thread(self._clean)

    async def write_part(self, write: Callable[[Place], Awaitable[P]], needed: int) -> P:
        with failures(self._path, needed):
            return await write(self._place)

    async def write_manifest(self, manifest: bytes) -> None:
        with failures(self._path, len(manifest)):
            await asyncio.to_thread(self._write_manifest, manifest)

    def _claim(self) -> None:
        with failures(self._path), self._place.open(make=True) as folder:
            _check_empty(folder, self._path)

    def _clean(self) -> None:
        with failures(self._path), self._place.open() as folder:
            remove_unfinished(folder)

    def _write_manifest(self, manifest: bytes) -> None:
        with self._place.open() as folder, whole_file(folder, MANIFEST) as file:
            file.write(manifest)

    @property
    def _place(self) -> Place:
        return place_below(self._root, self._path)


def place_below(root: Path, path: Path) -> Place:
    """A stored path below a root. The root may have moved and left a link. Raises DestinationUnwritable."""
    now = resolved(root)
    for one in (now, root):
        if path.is_relative_to(one):
            return Place(now, path.relative_to(one).parts)
    raise DestinationUnwritable(location=path, problem="it is not below the output root")


def check_empty(place: Place) -> None:
    """Raise DestinationNotEmpty if the folder holds anything; a missing folder is empty. Raises DestinationFailed."""
    with failures(place.path):
        try:
            with place.open() as folder:
                _check_empty(folder, place.path)
        except FileNotFoundError:
            pass


def _check_empty(folder: int, path: Path) -> None:
    with os.scandir(folder) as entries:
        if any(entries):
            raise DestinationNotEmpty(location=path)


@contextmanager
def failures(path: Path, needed: int = 0) -> Iterator[None]:
    """Raise a DestinationFailed for an OSError. needed: estimated bytes still to be written; 0 if unknown."""
    try:
        yield
    except OSError as error:
        problem = os.strerror(error.errno) if error.errno else "the system refused it"
        if error.errno in _NO_ROOM:
            more = f"about {_size(needed)} more are needed" if needed else "how many are needed is not known yet"
            raise DestinationFull(location=path, problem=problem, free=_free(path), more=more) from error
        raise DestinationUnwritable(location=path, problem=problem) from error


def _free(path: Path) -> str:
    try:
        return _size(shutil.disk_usage(path).free)
    except OSError:
        return "an unknown number of bytes"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
