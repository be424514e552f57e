"""Values of fields: realistic texts, numbers and times, as columns of any rows."""

import numpy as np

from services.testdata.records.tables import Column
from services.testdata.records.values.draws import Draws
from services.testdata.records.values.fillers import Filler, filler
from shared.model.packs.model import Field, FieldType

__all__ = ["Draws", "Filler", "compile_values", "fill", "filler"]


def fill(field: Field, draws: Draws, start: int, stop: int, locale: str = "") -> Column:
    """The values of a field for the rows from `start` to before `stop`. Keep a `filler` to do it again and again."""
    return filler(field, draws.entity, locale).fill(draws, np.arange(start, stop, dtype=np.int64))


def compile_values() -> None:
    """Compile all kernels, so that no first call waits for them."""
    fields = (
        Field("id", FieldType.IDENTIFIER, format="uuid"),
        Field("code", pattern="[a-c]{40}"),
        Field("count", FieldType.INTEGER),
        Field("large", FieldType.INTEGER, minimum=0, maximum=1 << 40),
        Field("name"),
        Field("email", format="email", unique=True),
    )
    for field in fields:
        fill(field, Draws(0, "customer", field.name), 0, 1)
