"""The three ways in which a column of a row group is encoded, page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.testdata.traces.formats.parquet.encodings_numpy import Bytes, Places
from services.testdata.traces.formats.parquet.kernels import Kernel
from services.testdata.traces.formats.parquet.layout import Encoding
from services.testdata.traces.formats.parquet.shapes import room
from services.testdata.traces.generation.arrays import Whole
from services.testdata.traces.generation.calls import Calls

PAGE = 1 << 16
"""Calls in a page."""
MOST = 1 << 17
"""When a dictionary has more numbers than these the next page is written plain, and all after it. So many are looked up
within the processor's cache."""
_SLOTS = 1 << 18
"""For MOST numbers and those of another page, with a quarter to spare."""

Take = Callable[[Calls], NDArray[Any]]
"""Which numbers of calls a column is made of."""
Parts = Sequence[Calls]
"""The calls of a page, PAGE at most, in the parts in which they came."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """Memory for the encoding of a page, which each uses again."""

    out: Bytes = field(default_factory=lambda: np.empty(room(PAGE), np.uint8))
    places: Places = field(default_factory=lambda: np.empty(PAGE, np.uint32))


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """Values of a dictionary in plain encoding: their bytes, and how many there are."""

    data: bytes
    count: int


class Encoder(Protocol):
    """Encodes a column of one row group."""

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest value so far, of columns by which readers choose row groups."""
        ...

    def page(self, parts: Parts, scratch: Scratch) -> tuple[Encoding, Bytes]:
        """How calls are encoded, and their bytes, which may be in the scratch."""
        ...

    def dictionary(self) -> Plain | None:
        """The dictionary of all pages so far; None where there is none."""
        ...

    def better(self) -> "Encoder | None":
        """What would have taken fewer bytes for the pages so far, if there is such an encoder."""
        ...


class Deltas:
    """Whole numbers that differ little from one call to the next."""

    def __init__(self, kernel: Kernel, take: Take) -> None:
        self._kernel, self._take = kernel, take
        self.bounds: tuple[int, int] | None = None

    def page(self, parts: Parts, scratch: Scratch) -> tuple[Encoding, Bytes]:
        values: Whole = _taken(self._take, parts)
        seen = (int(values.min()), int(values.max()), *(self.bounds or ()))
        self.bounds = min(seen), max(seen)
        return Encoding.DELTA_BINARY_PACKED, scratch.out[: self._kernel.delta(values, scratch.out)]

    def dictionary(self) -> Plain | None:
        return None

    def better(self) -> Encoder | None:
        return None


class Texts:
    """Texts that are all known beforehand.

    table: uint32, for each code of a call the text's place in the dictionary.
    """

    bounds = None

    def __init__(self, kernel: Kernel, take: Take, table: Places, dictionary: Plain) -> None:
        self._kernel, self._take, self._table, self._dictionary = kernel, take, table, dictionary

    def page(self, parts: Parts, scratch: Scratch) -> tuple[Encoding, Bytes]:
        codes = _taken(self._take, parts)
        places = scratch.places[: len(codes)]
        self._kernel.look_up(self._table, codes, places)
        return _places(self._kernel, places, self._dictionary.count, scratch)

    def dictionary(self) -> Plain | None:
        return self._dictionary

    def better(self) -> Encoder | None:
        return None


class Plainly:
    """Numbers as they are.

    plain: the type of a number in the file. Those with a fraction are taken as whole ones of the same bits.
    """

    bounds = None

    def __init__(self, take: Take, plain: str) -> None:
        self._take, self._plain = take, plain

    def values(self, parts: Parts) -> NDArray[Any]:
        """The numbers of a page."""
        return _taken(self._take, parts).astype(self._plain, copy=False)

    def page(self, parts: Parts, scratch: Scratch) -> tuple[Encoding, Bytes]:  # noqa: ARG002 - they are bytes already
        return Encoding.PLAIN, self.values(parts).view(np.uint8)

    def dictionary(self) -> Plain | None:
        return None

    def better(self) -> Encoder | None:
        return None


class Numbers:
    """Numbers of which there are few, in a dictionary as they come; otherwise as `plainly` has them."""

    bounds = None

    def __init__(self, kernel: Kernel, plainly: Plainly, plain: str) -> None:
        self._kernel, self._plainly = kernel, plainly
        self._slots = np.full(_SLOTS, -1, np.int32)
        self._found = np.empty(MOST + PAGE, plain)
        self._size = self._saved = 0

    def page(self, parts: Parts, scratch: Scratch) -> tuple[Encoding, Bytes]:
        if self._size > MOST:
            return self._plainly.page(parts, scratch)
        values = self._plainly.values(parts)
        places = scratch.places[: len(values)]
        self._size = self._kernel.number(values, self._found, self._size, self._slots, places)
        encoding, encoded = _places(self._kernel, places, self._size, scratch)
        self._saved += values.nbytes - len(encoded)
        return encoding, encoded

    def dictionary(self) -> Plain | None:
        return Plain(self._found[: self._size].tobytes(), self._size)

    def better(self) -> Encoder | None:
        return self._plainly if self._saved < self._size * self._found.itemsize else None


def plain_texts(texts: Sequence[str]) -> Plain:
    """Texts in plain encoding, each after its length."""
    encoded = [text.encode() for text in texts]
    return Plain(b"".join(part for text in encoded for part in (len(text).to_bytes(4, "little"), text)), len(texts))


def _taken(take: Take, parts: Parts) -> NDArray[Any]:
    taken = [take(calls) for calls in parts]
    return taken[0] if len(taken) == 1 else np.concatenate(taken)


def _places(kernel: Kernel, places: Places, size: int, scratch: Scratch) -> tuple[Encoding, Bytes]:
    """Places in a dictionary of a size: how many bits each has, and they themselves."""
    # The only place of a dictionary needs no bit, but readers are seldom asked for none.
    scratch.out[0] = width = max(1, (size - 1).bit_length())
    return Encoding.RLE_DICTIONARY, scratch.out[: 1 + kernel.hybrid(places, width, scratch.out[1:])]
