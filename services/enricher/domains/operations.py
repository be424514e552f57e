"""What callers do with domains: the built-in ones, which are read-only, and a company's own."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from hashlib import sha256

from services.enricher.domains.errors import DomainBuiltIn, DomainNotFound, DomainRevisionNotFound
from services.enricher.domains.model import PREFIX, Domain, Header, Imported, Match, NewRevision, Revision, Whole
from services.enricher.domains.search import Index, index, search
from services.enricher.domains.store import DomainStore
from shared.auth import Caller
from shared.clock import Clock
from shared.compute import Compute
from shared.lists import Listed, Part, built_in_first
from shared.lru import LruCache
from shared.model.packs.errors import PackTooLarge
from shared.model.packs.model import MAX_PACK, Pack
from shared.requests import RequestKey
from shared.yaml import near

CHUNK_BYTES = 1 << 20
_FOUND = 20
"""How many matches a search gives unless told otherwise."""
_INDEXED = 100_000
"""The most entries of indexes that are kept."""
_KEPT_FIELDS = 50_000
"""The most fields of packs that are kept."""

Read = Callable[[bytes, str], tuple[Pack, bytes, str]]
"""(YAML, name of its file) → the pack, its document and its digest; runs in another process."""


class Domains:
    """The operations on domains.

    built_in: by name, in the order of lists. read, write, indexed: run in another process.
    """

    def __init__(
        self,
        store: DomainStore,
        built_in: Mapping[str, Whole],
        compute: Compute,
        *,
        read: Read,
        write: Callable[[Pack], bytes],
        indexed: Callable[[bytes], Index],
        clock: Clock,
    ) -> None:
        self._store = store
        self._built_in = built_in
        self._compute = compute
        self._read = read
        self._write = write
        self._indexed = indexed
        self._clock = clock
        self._indexes = LruCache[str, Index](_INDEXED)
        self._packs = LruCache[str, Pack](_KEPT_FIELDS)

    async def read(self, caller: Caller, header: Header, chunks: AsyncIterator[bytes]) -> Imported:
        """Import a pack.

        Raises DomainBuiltIn, PackTooLarge, BadYaml, PackInvalid, DomainNotFound, DomainRevisionNotFound,
        DomainRevisionReady, RequestIdReused, ResultDeleted.
        """
        self.check_own(header.name)
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            if len(data) > MAX_PACK:
                raise PackTooLarge(file=header.file, bound=f"{MAX_PACK >> 20} MiB")
        pack, document, digest = await self._compute.run(self._read, bytes(data), header.file, reads=len(data))
        return await self.add(caller, header, pack, document, digest)

    async def add(self, caller: Caller, header: Header, pack: Pack, document: bytes, digest: str) -> Imported:
        """Store a pack that was read.

        Raises DomainBuiltIn, DomainNotFound, DomainRevisionNotFound, DomainRevisionReady, RequestIdReused,
        ResultDeleted.
        """
        self.check_own(header.name)
        new = NewRevision(
            domain=header.name,
            creator=caller.subject,
            pack=pack,
            document=document,
            digest=digest,
            ready=header.ready,
            revision=header.revision,
            time=self._clock(),
        )
        return await self._store.add(caller.company, new, _key(header, digest))

    def check_own(self, name: str) -> None:
        """Refuse a domain that is built in. Raises DomainBuiltIn."""
        if name in self._built_in:
            raise DomainBuiltIn(name=name)

    async def mark_ready(self, company: str, name: str, number: int) -> Domain:
        """Make a revision READY, if it is not. Raises DomainNotFound, DomainRevisionNotFound."""
        if name in self._built_in:
            return (await self.get(company, name, number))[0]
        return await self._store.mark_ready(company, name, number, self._clock())

    async def get(self, company: str, name: str, revision: int = 0) -> Whole:
        """A domain and one of its revisions, 0 for the newest. Raises DomainNotFound, DomainRevisionNotFound."""
        if name in self._built_in:
            domain, only = self._built_in[name]
            if revision not in (0, only.number):
                raise DomainRevisionNotFound(name=name, revision=revision, latest=only.number)
            return domain, only
        try:
            return await self._store.get(company, name, revision)
        except DomainNotFound:
            names = [*self._built_in, *await self._store.names(company)]
            raise DomainNotFound(name=name, near=near(name, names)) from None

    async def pack(self, company: str, name: str, revision: int) -> tuple[int, str, Pack]:
        """The number, digest and pack of a revision, 0 for the newest READY one or else the newest; kept in memory.

        Raises DomainNotFound, DomainRevisionNotFound.
        """
        if revision or name in self._built_in:
            _, found = await self.get(company, name, revision)
            return found.number, found.digest, found.pack
        number, digest = (await self._store.searched(company, name)).get(name, (0, ""))
        pack = self._packs.get(digest)
        if pack is None:
            _, found = await self.get(company, name, number)  # raises if there is no such domain
            number, digest, pack = found.number, found.digest, found.pack
            self._packs.put(digest, pack, sum(len(entity.fields) for entity in pack.entities))
        return number, digest, pack

    async def page(self, company: str, part: Part) -> Listed[Domain]:
        """A part of the list of the built-in domains and then the company's own, newest first."""
        by_id = {name.removeprefix(PREFIX): domain for name, (domain, _) in self._built_in.items()}
        return await built_in_first(by_id, part, partial(self._store.page, company))

    async def export(self, company: str, name: str, revision: int) -> AsyncIterator[bytes]:
        """The YAML of a revision, 0 for the newest, in chunks. Raises DomainNotFound, DomainRevisionNotFound."""
        _, found = await self.get(company, name, revision)
        data = await self._compute.run(self._write, found.pack)
        for start in range(0, len(data), CHUNK_BYTES):
            yield data[start : start + CHUNK_BYTES]

    async def search(self, company: str, query: str, name: str, limit: int) -> list[Match]:
        """The parts whose words match, best first. name: only of this domain; "" for all. limit: 0 for the default.

        Raises DomainNotFound.
        """
        searched = await self._searched(company, name)
        matches = [
            Match(*searched[number][:2], entry.kind, entry.part, entry.text, score)
            for number, entry, score in search([within for _, _, within in searched], query)
        ]
        matches.sort(key=lambda match: (-match.score, match.domain, match.kind, match.part))
        return matches[: limit or _FOUND]

    async def delete_revision(self, company: str, name: str, number: int) -> None:
        """Delete a revision.

        Raises DomainBuiltIn, DomainNotFound, DomainRevisionNotFound, OnlyDomainRevision, DomainInUse.
        """
        self.check_own(name)
        await self._store.delete_revision(company, name, number)

    async def delete(self, company: str, name: str) -> None:
        """Delete one of the company's domains. Raises DomainBuiltIn, DomainNotFound, DomainInUse."""
        self.check_own(name)
        await self._store.delete(company, name)

    async def _searched(self, company: str, name: str) -> list[tuple[str, int, Index]]:
        """(domain, revision, its index) of the domains to search. Raises DomainNotFound."""
        found: list[tuple[str, int, Index]] = []
        for domain, revision in self._built_in.values():
            if name in ("", domain.name):
                found.append((domain.name, revision.number, self._index_of(revision)))
        if name in self._built_in:
            return found
        own = await self._store.searched(company, name)
        if name and not own:
            await self.get(company, name)  # raises
        for one, (number, digest) in own.items():
            within = self._indexes.get(digest)
            if within is None:
                document = await self._store.document(company, one, number)
                if not document:
                    continue  # deleted meanwhile
                within = await self._compute.run(self._indexed, document, reads=len(document))
                self._indexes.put(digest, within, len(within.entries))
            found.append((one, number, within))
        return found

    def _index_of(self, revision: Revision) -> Index:
        within = self._indexes.get(revision.digest)
        if within is None:
            within = index(revision.pack)
            self._indexes.put(revision.digest, within, len(within.entries))
        return within


def _key(header: Header, digest: str) -> RequestKey | None:
    if not header.request_id:
        return None
    content = repr((header.id, header.ready, header.revision, digest))
    return RequestKey("ImportDomain", header.request_id, sha256(content.encode()).hexdigest())
