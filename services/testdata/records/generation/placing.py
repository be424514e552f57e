"""Puts other values into some rows of a column."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.generation.cell import spelled
from services.testdata.records.tables import Column, Mask, Numbers, Rows, Serials, Strings, Texts, Uuids


class Placing:
    """Puts values into columns. It keeps the texts that it joined, so that encoders recognise them."""

    def __init__(self) -> None:
        self._joined: dict[tuple[Strings, Strings], tuple[Strings, NDArray[np.int32]]] = {}

    def placed(self, column: Column, rows: Rows, values: Column, which: Rows) -> Column:
        """The column with other values in these rows.

        which: for each of the rows the number of its value. How the column is stored depends only on `values`, so that
        it is the same in every cell.
        """
        if isinstance(column, Uuids | Serials) and (values.known is None or values.known.any()):
            own = Strings.of(spelled(column))
            codes = np.arange(len(own), dtype=np.int32)
            column = Texts(type=column.type, strings=own, codes=codes, distinct=True, known=column.known)
        known = _known(column, rows, values, which)
        if isinstance(column, Numbers) and isinstance(values, Numbers):
            scale = None if column.scale is None else max(column.scale, values.scale or 0)
            numbers = column.values.copy()
            numbers[rows] = values.values[which]
            return replace(column, values=numbers, scale=scale, known=known)
        if isinstance(column, Texts) and isinstance(values, Texts):
            strings, places = self._both(column.strings, values.strings, keep=not (column.distinct or values.distinct))
            codes = column.codes.copy()
            codes[rows] = places[values.codes[which]]
            return replace(column, strings=strings, codes=codes, distinct=False, known=known)
        return replace(column, known=known)

    def _both(self, one: Strings, other: Strings, *, keep: bool) -> tuple[Strings, NDArray[np.int32]]:
        """The texts of both, each once because rules compare their numbers, and the numbers of the other's."""
        if (one, other) in self._joined:
            return self._joined[one, other]
        numbers = {text: number for number, text in enumerate(one.texts)}
        new = [text for text in dict.fromkeys(other.texts) if text not in numbers]
        numbers |= {text: number for number, text in enumerate(new, len(one))}
        places = np.array([numbers[text] for text in other.texts], np.int32)
        added = Strings.of(new)
        both = Strings(
            np.concatenate([one.blob, added.blob]), np.concatenate([one.starts, added.starts[1:] + one.starts[-1]])
        )
        if keep:
            self._joined[one, other] = both, places
        return both, places


def _known(column: Column, rows: Rows, values: Column, which: Rows) -> Mask | None:
    if column.known is None and values.known is None:
        return None
    known = np.ones(len(column), np.bool_) if column.known is None else column.known.copy()
    known[rows] = True if values.known is None else values.known[which]
    return known
