"""The results that reports are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.evaluator.evaluations.model import unpack_page
from services.evaluator.scores.model import Score


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A completed evaluation. evaluation: its name. batch: the batch's; "" if none. results: by index."""

    evaluation: str
    batch: str
    results: Sequence[Score]


@dataclass(frozen=True, slots=True)
class StoredResults:
    """The same with the results as they are stored. pages: of `pack_page`."""

    evaluation: str
    batch: str
    pages: Sequence[bytes]

    def read(self) -> Evaluated:
        """The results."""
        return Evaluated(
            self.evaluation, self.batch, [result.score for page in self.pages for result in unpack_page(page)]
        )
