"""Open files and folders without following symbolic links, so that none leads out of the folder that was checked.

A check of a path says nothing about the time after it. So resolve a path, check it, and open it here: if a folder of it
has become a link meanwhile, opening fails.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASSED = _FOLDER | getattr(os, "O_PATH", os.O_RDONLY)
"""For folders on the way, which need not be readable."""


def resolved(path: Path) -> Path:
    """The absolute path without links; what does not exist stays as it is. Raises OSError for links in a circle."""
    try:
        return Path(os.path.realpath(path, strict=True))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise
        return Path(os.path.realpath(path))


def open_file(path: Path) -> BinaryIO:
    """A regular file at an absolute path, to be read. Raises OSError if a part of the path is a link."""
    with open_folder(Path(path.anchor), path.parts[1:-1], passed=True) as folder:
        # A pipe would wait for its writer.
        number = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    file = os.fdopen(number, "rb")
    if not stat.S_ISREG(os.fstat(number).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file")
    return file


@contextmanager
def open_folder(root: Path, folders: Sequence[str], *, make: bool = False, passed: bool = False) -> Iterator[int]:
    """The descriptor of a folder below a root. Raises OSError if a part of the path below the root is a link.

    root: absolute; links on the way to it are followed. make: make folders that do not exist. passed: the folder is not
    listed, only gone through.
    """
    if make:
        root.mkdir(parents=True, exist_ok=True)
    last = _PASSED if passed else _FOLDER
    here = os.open(root, (last if not folders else _PASSED) & ~os.O_NOFOLLOW)
    try:
        for depth, name in enumerate(folders, 1):
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=here)
            below = os.open(name, last if depth == len(folders) else _PASSED, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder below a root that it must not leave."""

    root: Path
    folders: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Its path."""
        return self.root.joinpath(*self.folders)

    def open(self, *, make: bool = False) -> AbstractContextManager[int]:
        """Its descriptor, as `open_folder` says."""
        return open_folder(self.root, self.folders, make=make)
