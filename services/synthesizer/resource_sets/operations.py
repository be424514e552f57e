"""Imports resource sets from files, whole or not at all."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from hashlib import sha256

from services.synthesizer.imports.errors import UnknownFormat
from services.synthesizer.imports.lines import Lines, slices
from services.synthesizer.imports.model import Problem
from services.synthesizer.resource_sets.errors import ResourceSetInvalid, ResourceSetTooLarge
from services.synthesizer.resource_sets.model import (
    MAX_RESOURCES,
    MAX_TYPES,
    PREFIX,
    NewResource,
    ResourceSet,
    ResourceSetHeader,
)
from services.synthesizer.resource_sets.store import ResourceSetStore
from shared.auth import Caller
from shared.clock import Clock
from shared.compute import Compute
from shared.errors import Violation
from shared.limits import MAX_RESOURCE_SET, MIB
from shared.words import any_of

_LISTED_PROBLEMS = 100

Parse = Callable[[str, Lines], list[NewResource | Problem]]
"""(name of the format, lines) → resources and problems; runs in another process."""


class ResourceSets:
    """Reads files of resources. formats: the names of the known formats."""

    def __init__(
        self, store: ResourceSetStore, compute: Compute, *, parse: Parse, formats: Collection[str], clock: Clock
    ) -> None:
        self._store = store
        self._compute = compute
        self._parse = parse
        self._formats = formats
        self._clock = clock

    async def read(self, caller: Caller, header: ResourceSetHeader, chunks: AsyncIterator[bytes]) -> ResourceSet:
        """Import a set. Raises UnknownFormat, ResourceSetInvalid, ResourceSetTooLarge, ResourceSetExists."""
        if header.format not in self._formats:
            raise UnknownFormat(format=repr(header.format), known=any_of(self._formats))
        name = PREFIX + header.id
        content = _Content(name, header.file)
        async for lines in slices(chunks):
            content.add(await self._compute.run(self._parse, header.format, lines, reads=lines.size))
        content.check()
        new = ResourceSet(
            name,
            content.digest.hexdigest(),
            content.size,
            caller.subject,
            self._clock(),
            content.types,
        )
        return await self._store.create(caller.company, new, content.resources)


class _Content:
    """What was read of a file so far."""

    def __init__(self, name: str, file: str) -> None:
        self._name = name
        self._file = file
        self.resources: list[NewResource] = []
        self.problems: list[Problem] = []
        self.size = 0
        self.digest = sha256()
        self.types = Counter[str]()
        self._lines: dict[tuple[str, str], int] = {}

    def add(self, parsed: Sequence[NewResource | Problem]) -> None:
        """Add a slice. Raises ResourceSetTooLarge, ResourceSetInvalid once enough problems are found."""
        for item in parsed:
            if isinstance(item, Problem):
                self.problems.append(item)
                continue
            first = self._lines.setdefault((item.type, item.id), item.line)
            if first != item.line:
                sentence = f"The {item.type} {item.id} is on line {first} too; a type has each id once."
                self.problems.append(Problem(item.line, "DUPLICATE_ID", sentence))
                continue
            self.size += len(item.document)
            self.digest.update(b"%s\0%s\0%s\n" % (item.type.encode(), item.id.encode(), item.document))
            self.types[item.type] += 1
            self.resources.append(item)
        if len(self.problems) >= _LISTED_PROBLEMS:
            self.check()  # what follows would not be listed
        if len(self.resources) > MAX_RESOURCES:
            raise ResourceSetTooLarge(name=self._name, bound=f"{MAX_RESOURCES:,} resources")
        if len(self.types) > MAX_TYPES:
            raise ResourceSetTooLarge(name=self._name, bound=f"{MAX_TYPES:,} types")
        if self.size > MAX_RESOURCE_SET:
            raise ResourceSetTooLarge(name=self._name, bound=f"{MAX_RESOURCE_SET // MIB} MiB of data as JSON")

    def check(self) -> None:
        """Raise ResourceSetInvalid if there are problems."""
        if self.problems:
            violations = [Violation(f"{self._file}:{one.line}", one.description) for one in self.problems]
            raise ResourceSetInvalid(name=self._name, violations=violations[:_LISTED_PROBLEMS])
