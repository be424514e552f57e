"""Reads and writes packs in a process of their own, because a large one takes seconds."""

from services.enricher.domains.search import Index, index
from shared.db.packs import dump_pack, load_pack
from shared.model.packs.errors import PackTooLarge
from shared.model.packs.model import MAX_PACK, Pack
from shared.model.packs.reading import read_pack
from shared.model.packs.writing import digest
from shared.rpc.packs import pack_message

_MAX_MESSAGE = MAX_PACK - (256 << 10)
"""The most bytes of a pack as a message, which leaves room for the rest of an answer."""


def read(data: bytes, file: str) -> tuple[Pack, bytes, str]:
    """The pack in a YAML file, its document and its digest. Raises BadYaml, PackInvalid, PackTooLarge."""
    return packed(read_pack(data, file), file)


def packed(pack: Pack, file: str) -> tuple[Pack, bytes, str]:
    """A pack that was checked, its document and its digest. file: for the error. Raises PackTooLarge."""
    if pack_message(pack).ByteSize() > _MAX_MESSAGE:
        raise PackTooLarge(file=file, bound="fits into one message of 4 MiB")
    return pack, dump_pack(pack), digest(pack)


def indexed(stored: bytes) -> Index:
    """The index of a document. Raises RecordDamaged."""
    return index(load_pack(stored))
