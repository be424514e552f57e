"""Imports: reads the bytes of a file, stores the good lines in slices, and reports the others by line number."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import TypeVar

from services.synthesizer.imports.errors import UnknownFormat
from services.synthesizer.imports.lines import Lines, slices
from services.synthesizer.imports.model import (
    FINISHED_AFTER,
    Header,
    NewRecord,
    Outcome,
    Problem,
    Stored,
    Summary,
    TableMapping,
)
from services.synthesizer.imports.store import RequestResults
from services.synthesizer.redaction.redactor import Redaction
from shared.compute import Compute
from shared.errors import InvalidArgument, Violation
from shared.patterns import BadPattern, compile_pattern
from shared.requests import RequestKey
from shared.words import any_of

LISTED_PROBLEMS = 1000

N = TypeVar("N", bound=NewRecord)
Parse = Callable[[str, Lines], list[N | Problem]]
"""(name of the format, lines) → records and problems, in the order of the lines; runs in another process."""
Chunks = AsyncIterator[bytes]
Read = Callable[[Chunks], AsyncIterator[list[N | Problem]]]
"""(the bytes of a file) → its records and problems, in slices."""


class Imports:
    """Reads files.

    formats: the names of the known formats.
    redact: whether to redact the files whose header does not say.
    """

    def __init__(
        self, results: RequestResults, compute: Compute, formats: Collection[str], *, redact: bool = False
    ) -> None:
        self._results = results
        self._compute = compute
        self._formats = formats
        self._redact = redact

    def redaction(self, header: Header) -> Redaction | None:
        """What to redact; None for nothing. Raises InvalidArgument."""
        for number, (_, pattern) in enumerate(header.patterns):
            try:
                compile_pattern(pattern)
            except BadPattern as bad:
                field = f"header.redaction.patterns[{number}].pattern"
                raise InvalidArgument(violations=[Violation(field, str(bad))]) from None
        redact = header.redact if header.redact is not None else self._redact or bool(header.patterns)
        return Redaction(header.patterns) if redact else None

    async def run(
        self,
        company: str,
        method: str,
        header: Header,
        chunks: Chunks,
        read: Read[N],
        store: Callable[[list[N]], Awaitable[list[Stored]]],
        *,
        redacted: bool = False,
    ) -> Summary:
        """Import a file.

        store: stores some records; returns the outcome of each.
        redacted: True if `read` redacts. Then the digest of the request is that of the redacted records: with a digest
            of the file, somebody could test guesses of the redacted values.
        Raises UnknownFormat, RequestIdReused.
        """
        if header.format not in self._formats:
            raise UnknownFormat(format=repr(header.format), known=any_of(self._formats))
        digest = sha256(_header_bytes(header, redacted=redacted))

        async def hashed() -> Chunks:
            async for chunk in chunks:
                digest.update(chunk)
                yield chunk

        tally = _Tally(Summary(header.file, format=header.format))
        known = bool(header.request_id) and await self._results.known(company, method, header.request_id)
        if known and not redacted:
            # Only the digest of all bytes tells whether the file is the same, so read it without storing anything.
            async for _ in hashed():
                pass
        else:
            async for parsed in read(chunks if redacted else hashed()):
                if redacted:
                    digest.update(_read_bytes(parsed))
                if not known:
                    tally.add(*await _slice(parsed, store), _redacted(parsed) if redacted else {})
        if not header.request_id:
            return tally.summary
        key = RequestKey(method, header.request_id, digest.hexdigest())
        return _read_summary(await self._results.settle(company, key, json.dumps(asdict(tally.summary))))

    async def by_lines(self, format_name: str, parse: Parse[N], chunks: Chunks) -> AsyncIterator[list[N | Problem]]:
        """Read a file of lines in slices. Raises UnknownFormat."""
        async for lines in slices(chunks):
            yield await self._compute.run(parse, format_name, lines, reads=lines.size)


def _header_bytes(header: Header, *, redacted: bool) -> bytes:
    """The part of a request's content that is not in its file."""
    table = [] if redacted or header.table == TableMapping() else [asdict(header.table)]
    after = [] if header.finished_after == FINISHED_AFTER else [header.finished_after]
    return json.dumps([header.format, header.file, *header.labels, *table, *after]).encode()


def _read_bytes(parsed: Sequence[NewRecord | Problem]) -> bytes:
    """The records and problems as bytes, the same however the file is cut into slices."""
    lines = (asdict(one) if isinstance(one, Problem) else [one.line, one.external_id, one.digest] for one in parsed)
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def _redacted(parsed: Sequence[NewRecord | Problem]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in parsed:
        if not isinstance(one, Problem):
            counts.update(one.redacted)
    return counts


async def _slice(
    parsed: list[N | Problem], store: Callable[[list[N]], Awaitable[list[Stored]]]
) -> tuple[list[Stored], list[Problem]]:
    """Store the records of a slice; return their outcomes, and all problems in the order of the lines."""
    new = [item for item in parsed if not isinstance(item, Problem)]
    problems = [item for item in parsed if isinstance(item, Problem)]
    stored = await store(new) if new else []
    for one, result in zip(new, stored, strict=True):
        if result.outcome is Outcome.TAKEN:
            there = f"There is one with the id {one.external_id!r} and other content already"
            sentence = f"{there}; delete that one first, or change the id in the file."
            problems.append(Problem(one.line, "EXTERNAL_ID_TAKEN", sentence))
        elif result.problem is not None:
            problems.append(result.problem)
    return stored, sorted(problems, key=lambda problem: problem.line)


class _Tally:
    """Counts each line once, and lists the first problems."""

    def __init__(self, summary: Summary) -> None:
        self.summary = summary

    def add(self, stored: Sequence[Stored], problems: Sequence[Problem], redacted: Mapping[str, int]) -> None:
        before = self.summary
        outcomes = [one.outcome for one in stored]
        self.summary = Summary(
            file=before.file,
            imported=before.imported + outcomes.count(Outcome.IMPORTED),
            unchanged=before.unchanged + outcomes.count(Outcome.UNCHANGED),
            refused=before.refused + len({problem.line for problem in problems if not problem.partial}),
            problems=tuple(sorted((*before.problems, *problems), key=lambda one: one.line)[:LISTED_PROBLEMS]),
            labelled=before.labelled + sum(one.labelled for one in stored),
            format=before.format,
            linked=before.linked + sum(one.linked for one in stored),
            finished=before.finished + sum(one.finished for one in stored),
            redacted=dict(Counter(before.redacted) + Counter(redacted)),
        )


def _read_summary(text: str) -> Summary:
    record = json.loads(text)
    return Summary(**{**record, "problems": tuple(Problem(**problem) for problem in record["problems"])})
