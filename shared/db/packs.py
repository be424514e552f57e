"""Packs as documents of a store."""

from shared.db.documents import dump_document, load_document, reading_record
from shared.model.packs.model import Pack
from shared.model.packs.reading import read_document
from shared.model.packs.writing import document


def dump_pack(pack: Pack) -> bytes:
    """The pack as it is stored."""
    return dump_document(document(pack))


def load_pack(stored: bytes) -> Pack:
    """The pack that `dump_pack` wrote. Raises RecordDamaged."""
    record = load_document(stored)
    with reading_record():
        del record["v"]
        return read_document(record)
