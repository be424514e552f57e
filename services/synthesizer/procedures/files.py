"""Imports and exports of procedures."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial

from services.synthesizer.imports.exports import AT_ONCE, chunks
from services.synthesizer.imports.lines import Lines
from services.synthesizer.imports.model import Header, Outcome, Problem, Stored, Summary
from services.synthesizer.imports.operations import Chunks, Imports
from services.synthesizer.procedures.model import Domain, NewProcedure, Procedure, Revision
from services.synthesizer.procedures.operations import ReadDomain, first
from services.synthesizer.procedures.store import ProcedureStore
from services.synthesizer.redaction.redactor import Redaction
from shared.auth import Caller
from shared.clock import Clock
from shared.compute import Compute
from shared.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied


class ProcedureFiles:
    """Reads procedures from files and writes them to files. parse and write run in another process."""

    def __init__(
        self,
        store: ProcedureStore,
        imports: Imports,
        compute: Compute,
        *,
        parse: Callable[[Redaction | None, str, Lines], list[NewProcedure | Problem]],
        write: Callable[[Sequence[tuple[Procedure, Revision]]], list[bytes]],
        read_domain: ReadDomain,
        clock: Clock,
    ) -> None:
        self._store = store
        self._imports = imports
        self._compute = compute
        self._parse = parse
        self._write = write
        self._read_domain = read_domain
        self._clock = clock

    async def read(self, caller: Caller, header: Header, data: Chunks) -> Summary:
        """Import procedures, each with a first revision that is READY.

        Raises UnknownFormat, RequestIdReused, InvalidArgument, PeerUnavailable.
        """
        redaction = self._imports.redaction(header)
        read = partial(self._imports.by_lines, header.format, partial(self._parse, redaction))
        store, redacted = partial(self._add_with_domains, caller), redaction is not None
        return await self._imports.run(caller.company, "ImportProcedures", header, data, read, store, redacted=redacted)

    async def _add_with_domains(self, caller: Caller, new: Sequence[NewProcedure]) -> list[Stored]:
        """As `add`; procedures whose domain cannot be read are refused. Those of an export have a copy of it."""
        domains = {one.revision.domain for one in new if one.revision.domain and not one.revision.domain.agent}
        read: dict[Domain, Domain | InvalidArgument | NotFound | FailedPrecondition | PermissionDenied] = {}
        for domain in domains:
            try:
                read[domain] = await self._read_domain(caller, domain)
            except (InvalidArgument, NotFound, FailedPrecondition, PermissionDenied) as error:
                read[domain] = error
        stored: dict[int, Stored] = {}
        whole: list[NewProcedure] = []
        for one in new:
            found = one.revision.domain and read.get(one.revision.domain)
            match found:
                case None:
                    whole.append(one)
                case Domain():
                    whole.append(replace(one, revision=replace(one.revision, domain=found)))
                case _:
                    stored[one.line] = Stored(Outcome.REFUSED, Problem(one.line, found.reason, str(found)))
        added = await self.add(caller.company, whole)
        stored |= {one.line: result for one, result in zip(whole, added, strict=True)}
        return [stored[one.line] for one in new]

    async def add(self, company: str, new: Sequence[NewProcedure]) -> list[Stored]:
        """Store imported procedures in one transaction; returns the outcome of each, in their order."""
        return await self._store.add(company, [self._named(one) for one in new])

    def _named(self, new: NewProcedure) -> NewProcedure:
        now = self._clock()
        procedure, revision = first(new.procedure, replace(new.revision, create_time=now, ready_time=now))
        return replace(new, procedure=procedure, revision=revision)

    def export(self, company: str, cursor: str) -> AsyncIterator[tuple[bytes, str]]:
        """The procedures that have a READY revision, with the newest one, as `chunks` of lines of `greenroom`."""

        async def lines(after: str) -> list[tuple[str, bytes]]:
            page = await self._store.exported(company, after, AT_ONCE)
            written = await self._compute.run(self._write, page)
            return [(procedure.name, line) for (procedure, _), line in zip(page, written, strict=True)]

        return chunks("procedures.export", "", cursor, lines)
