"""Imports: a file's bytes come in, what is good is stored in slices, what is not is named with its line."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TypeVar

from services.synthesizer.catalog.errors import UnknownFormat
from services.synthesizer.catalog.lines import Line, slices
from services.synthesizer.catalog.procedures import first
from services.synthesizer.catalog.records import NewProcedure, NewSource, Outcome, Problem, Stored
from services.synthesizer.ports import Clock, ProcedureStore, ResultStore, SourceStore
from shared.compute import Compute
from shared.requests import RequestKey

LISTED_PROBLEMS = 1000

N = TypeVar("N", NewSource, NewProcedure)
Parse = Callable[[str, Sequence[Line]], list[N | Problem]]
"""From a format's name and lines to what they hold, in the order of the lines; run in a process of its own."""
Chunks = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Header:
    """What the bytes of an import are; `request_id` is "" when the caller gave none."""

    format: str
    file: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import came to: counts of lines, and the problems of `file` in the order of the lines."""

    file: str
    imported: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: tuple[Problem, ...] = ()


class Imports:
    """Reads sources and procedures from files.

    formats: the names of those that there are.
    """

    def __init__(
        self,
        *,
        sources: SourceStore,
        procedures: ProcedureStore,
        results: ResultStore,
        compute: Compute,
        parse_sources: Parse[NewSource],
        parse_procedures: Parse[NewProcedure],
        formats: Collection[str],
        clock: Clock,
    ) -> None:
        self._sources = sources
        self._procedures = procedures
        self._results = results
        self._compute = compute
        self._parse_sources = parse_sources
        self._parse_procedures = parse_procedures
        self._formats = formats
        self._clock = clock

    async def sources(self, company: str, header: Header, chunks: Chunks) -> Summary:
        """Import source conversations. Raises UnknownFormat, RequestIdReused."""

        async def store(new: list[NewSource]) -> list[Stored]:
            return await self._sources.add(company, new, self._clock())

        return await self._run(company, "ImportSources", header, chunks, self._parse_sources, store)

    async def procedures(self, company: str, header: Header, chunks: Chunks) -> Summary:
        """Import procedures, each with a first revision that is READY. Raises UnknownFormat, RequestIdReused."""

        async def store(new: list[NewProcedure]) -> list[Stored]:
            return await self._procedures.add(company, [self._named(one) for one in new])

        return await self._run(company, "ImportProcedures", header, chunks, self._parse_procedures, store)

    def _named(self, new: NewProcedure) -> NewProcedure:
        now = self._clock()
        procedure, revision = first(new.procedure, replace(new.revision, create_time=now, ready_time=now))
        return replace(new, procedure=procedure, revision=revision)

    async def _run(
        self,
        company: str,
        method: str,
        header: Header,
        chunks: Chunks,
        parse: Parse[N],
        store: Callable[[list[N]], Awaitable[list[Stored]]],
    ) -> Summary:
        if header.format not in self._formats:
            raise UnknownFormat(format=repr(header.format), known=" and ".join(self._formats))
        digest = sha256(json.dumps([header.format, header.file]).encode())

        async def hashed() -> Chunks:
            async for chunk in chunks:
                digest.update(chunk)
                yield chunk

        tally = _Tally(header.file)
        if header.request_id and await self._results.known(company, method, header.request_id):
            # Whether it is the same file shows at its end; until then nothing of it may be stored.
            async for _ in hashed():
                pass
        else:
            async for lines in slices(hashed()):
                tally.add(*await _slice(await self._compute.run(parse, header.format, lines), store))
        if not header.request_id:
            return tally.summary
        key = RequestKey(method, header.request_id, digest.hexdigest())
        return _read_summary(await self._results.settle(company, key, json.dumps(asdict(tally.summary))))


async def _slice(
    parsed: list[N | Problem], store: Callable[[list[N]], Awaitable[list[Stored]]]
) -> tuple[list[Stored], list[Problem]]:
    """Store what is good of a slice; how it fared, and all problems in the order of the lines."""
    new = [item for item in parsed if not isinstance(item, Problem)]
    problems = [item for item in parsed if isinstance(item, Problem)]
    stored = await store(new) if new else []
    for one, outcome in zip(new, stored, strict=True):
        problems += _problems(one, outcome)
    return stored, sorted(problems, key=lambda problem: problem.line)


def _problems(new: NewSource | NewProcedure, stored: Stored) -> list[Problem]:
    if stored.outcome is Outcome.TAKEN:
        external_id = new.external_id if isinstance(new, NewSource) else new.procedure.external_id
        sentence = f"There is one with the id {external_id!r} and other content already; give this one another id."
        return [Problem(new.line, "EXTERNAL_ID_TAKEN", sentence)]
    if stored.unlinked and isinstance(new, NewSource):
        sentence = (
            f"No procedure with the external id {new.procedure_external_id!r} has a READY revision, so the source is"
            " here without a link to it; import the procedure, then this file again."
        )
        return [Problem(new.line, "PROCEDURE_NOT_FOUND", sentence, partial=True)]
    return []


class _Tally:
    """Counts every line once, and keeps the first problems."""

    def __init__(self, file: str) -> None:
        self.summary = Summary(file)

    def add(self, stored: Sequence[Stored], problems: Sequence[Problem]) -> None:
        before = self.summary
        outcomes = [one.outcome for one in stored]
        self.summary = Summary(
            file=before.file,
            imported=before.imported + outcomes.count(Outcome.IMPORTED),
            unchanged=before.unchanged + outcomes.count(Outcome.UNCHANGED),
            refused=before.refused + len({problem.line for problem in problems if not problem.partial}),
            problems=(*before.problems, *problems)[:LISTED_PROBLEMS],
        )


def _read_summary(text: str) -> Summary:
    record = json.loads(text)
    return Summary(**{**record, "problems": tuple(Problem(**problem) for problem in record["problems"])})
