"""Fields of text: choices from dictionaries, and different texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.tables import Rows, Serials, Strings, Texts, Uuids
from services.testdata.records.values.draws import Draws
from services.testdata.traces.formats.texts import put_number, put_text
from services.testdata.traces.generation.jit import kernel
from shared.model.packs.model import FieldType

_VARIANT, _VERSION = np.uint64(0x8000000000000000), np.uint64(0x4000)


@dataclass(frozen=True, eq=False)
class UuidFiller:
    """Random UUIDs (version 4). Equal ones are as likely as 122 bits allow: never."""

    type: FieldType
    space: None = None

    def fill(self, draws: Draws, rows: Rows) -> Uuids:
        high, low = draws.blocks(rows)
        high = (high & ~np.uint64(0xF000)) | _VERSION
        return Uuids(type=self.type, high=high, low=(low >> np.uint64(2)) | _VARIANT)


@dataclass(frozen=True, eq=False)
class SerialFiller:
    """Texts of a prefix and the row's number from 1."""

    type: FieldType
    prefix: str
    width: int
    space: int

    def fill(self, draws: Draws, rows: Rows) -> Serials:  # noqa: ARG002 - a number needs no chance
        return Serials(type=self.type, prefix=self.prefix, numbers=rows + 1, width=self.width)


@dataclass(frozen=True, eq=False)
class PoolFiller:
    """Texts of a pool: row i of the pool has the text lookup[i] of `strings`.

    group: what to draw by. Fields that draw by the same have the same row of the pool.
    """

    type: FieldType
    strings: Strings
    lookup: NDArray[np.int32]
    group: str
    space: None = None

    def fill(self, draws: Draws, rows: Rows) -> Texts:
        codes = self.lookup[draws.beside(self.group).codes(rows, len(self.lookup))]
        return Texts(type=self.type, strings=self.strings, codes=codes)


@dataclass(frozen=True, eq=False)
class NumberedFiller:
    """Different texts: a text of a pool, `between`, a number that no other row has, and `after`."""

    type: FieldType
    strings: Strings
    lookup: NDArray[np.int32]
    group: str
    between: str
    after: Sequence[str]
    space: int

    @cached_property
    def _tables(self) -> tuple[Strings, Strings]:
        return Strings.of([f"{text}{self.between}" for text in self.strings.texts]), Strings.of(self.after)

    def fill(self, draws: Draws, rows: Rows) -> Texts:
        before, after = self._tables
        codes = self.lookup[draws.beside(self.group).codes(rows, len(self.lookup))]
        ends = draws.codes(rows, len(after), 1)
        numbers = draws.permuted(rows, self.space)
        most = int(np.diff(before.starts).max() + np.diff(after.starts).max() + 19)
        blob, starts = np.empty(most * len(rows), np.uint8), np.zeros(len(rows) + 1, np.int64)
        _numbered(before.blob, before.starts, codes, numbers, after.blob, after.starts, ends, blob, starts)
        return Texts(
            type=self.type,
            strings=Strings(blob[: starts[-1]], starts),
            codes=np.arange(len(rows), dtype=np.int32),
            distinct=True,
        )


@kernel
def _numbered(before, before_starts, codes, numbers, after, after_starts, ends, blob, starts):  # type: ignore[no-untyped-def]
    at = 0
    for i in range(len(codes)):
        at = put_text(blob, at, before, before_starts, codes[i])
        at = put_number(blob, at, numbers[i])
        at = put_text(blob, at, after, after_starts, ends[i])
        starts[i + 1] = at
