"""Values of fields: realistic texts, numbers and times, as columns of any rows."""

import numpy as np

from services.testdata.records.tables import Column
from services.testdata.records.values.draws import Draws
from services.testdata.records.values.fillers import Filler, filler
from shared.model.packs.model import Field

__all__ = ["Draws", "Filler", "fill", "filler"]


def fill(field: Field, draws: Draws, start: int, stop: int, locale: str = "") -> Column:
    """The values of a field for the rows from `start` to before `stop`. Keep a `filler` to do it again and again."""
    return filler(field, draws.entity, locale).fill(draws, np.arange(start, stop, dtype=np.int64))
