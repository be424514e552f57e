"""Reads packs in worker processes."""

from shared.model.packs.model import Pack
from shared.model.packs.reading import read_pack
from shared.model.packs.writing import digest


def read_with_digest(data: bytes, file: str) -> tuple[Pack, str]:
    """A pack and its digest. data: its YAML. Raises PackInvalid, BadYaml."""
    pack = read_pack(data, file)
    return pack, digest(pack)
