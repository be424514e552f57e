"""Infers what a rehearsal needs from a file of conversations."""

from collections.abc import Callable, Sequence

from services.synthesizer.imports.model import Header, Outcome, Stored, Summary
from services.synthesizer.imports.operations import Chunks
from services.synthesizer.inference.model import Inferred
from services.synthesizer.sources.files import SourceFiles
from services.synthesizer.sources.model import NewSource
from shared.compute import Compute

_AT_ONCE, _MOST_AT_ONCE = 4 << 20, 500
"""Bytes of sources, and sources, that one call observes. Each call unpacks what was seen before, so more at once is
faster; but packing many sources delays other calls."""


class Inference:
    """Infers; observe and infer run in another process.

    What was seen is passed on as bytes, because unpacking it here would delay other calls.
    observe: (what was seen so far, sources) → what was seen with these. infer: what that shows.
    """

    def __init__(
        self,
        files: SourceFiles,
        compute: Compute,
        *,
        observe: Callable[[bytes, Sequence[NewSource]], bytes],
        infer: Callable[[bytes], Inferred],
    ) -> None:
        self._files = files
        self._compute = compute
        self._observe = observe
        self._infer = infer

    async def run(self, company: str, header: Header, data: Chunks) -> tuple[Summary, Inferred]:
        """Read the conversations of a file, and store nothing.

        Raises UnknownFormat, FormatNotDetected, TableTooLarge.
        """
        seen, waiting = b"", list[NewSource]()

        async def observe() -> None:
            nonlocal seen
            size = sum(len(one.document) for one in waiting)
            seen = await self._compute.run(self._observe, seen, waiting, reads=size)
            waiting.clear()

        async def take(new: list[NewSource]) -> list[Stored]:
            waiting.extend(new)
            if len(waiting) >= _MOST_AT_ONCE or sum(len(one.document) for one in waiting) >= _AT_ONCE:
                await observe()
            return [Stored(Outcome.IMPORTED)] * len(new)

        summary = await self._files.visit(company, header, data, take)
        await observe()
        return summary, await self._compute.run(self._infer, seen)
