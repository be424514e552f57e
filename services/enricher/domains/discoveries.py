"""Discovers domains from files that describe a business."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from services.enricher.discovery.model import Kind, NotRead, Source
from services.enricher.domains.errors import DiscoveryTooLarge
from services.enricher.domains.model import PREFIX, Domain, Header
from services.enricher.domains.operations import Domains
from shared.auth import Caller
from shared.compute import Compute
from shared.limits import MAX_DISCOVERED, MIB
from shared.model.packs.model import Pack

_MAX_FILES = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the first header asks for. domain_id: where to store the pack; empty: nowhere."""

    domain_id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """What was found. document, digest: of the pack, as it is stored. not_read_count: of all that was not read."""

    pack: Pack
    document: bytes
    digest: str
    yaml: bytes
    not_read: tuple[NotRead, ...]
    not_read_count: int
    kinds: tuple[Kind, ...]


Discover = Callable[[Sequence[Source], str], Discovered]
"""(files, name of the domain) → what they say; runs in another process."""
Part = tuple[tuple[Source, Wanted] | None, bytes]
"""A file that begins, or further bytes of it."""


class Discoveries:
    """Discovers domains, and stores them if that is wanted."""

    def __init__(self, domains: Domains, compute: Compute, discover: Discover) -> None:
        self._domains = domains
        self._compute = compute
        self._discover = discover

    async def discover(self, caller: Caller, parts: AsyncIterator[Part]) -> tuple[Discovered, Domain | None]:
        """Make a pack from files.

        Raises DiscoveryTooLarge, DomainBuiltIn, PackTooLarge, and the errors of services/enricher/discovery/errors.py.
        """
        files: list[tuple[Source, bytearray]] = []
        wanted, size = Wanted("", ""), 0
        async for begun, chunk in parts:
            if begun is not None:
                wanted = wanted if files else begun[1]
                self._domains.check_own(PREFIX + wanted.domain_id)
                files.append((begun[0], bytearray()))
            else:
                files[-1][1].extend(chunk)
            size += len(chunk)
            if size > MAX_DISCOVERED:
                raise DiscoveryTooLarge(bound=f"{MAX_DISCOVERED // MIB} MiB")
            if len(files) > _MAX_FILES:
                raise DiscoveryTooLarge(bound=f"{_MAX_FILES} files")
        sources = [replace(source, data=bytes(data)) for source, data in files]
        found = await self._compute.run(self._discover, sources, wanted.display_name, reads=size)
        if not wanted.domain_id:
            return found, None
        header = Header(id=wanted.domain_id, ready=False, revision=0, file=sources[0].file, request_id="")
        stored = await self._domains.add(caller, header, found.pack, found.document, found.digest)
        return found, stored.domain
