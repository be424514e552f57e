"""Discovers packs in a process of its own."""

from collections.abc import Sequence

from services.enricher.adapters.packs import packed
from services.enricher.discovery import Source, discover
from services.enricher.domains.discoveries import Discovered
from shared.model.packs.errors import PackTooLarge
from shared.model.packs.writing import write_pack
from shared.rpc.packs import pack_message

_LISTED = 1000
_MAX_MESSAGE = 3 << 20
"""The most bytes of a pack both as a message and as YAML, which leaves room for what was not read."""


def discovered(sources: Sequence[Source], display_name: str) -> Discovered:
    """What files say. Raises PackTooLarge and the errors of services/enricher/discovery/errors.py."""
    found = discover(sources, display_name)
    yaml = write_pack(found.pack)
    if len(yaml) + pack_message(found.pack).ByteSize() > _MAX_MESSAGE:
        raise PackTooLarge(file=sources[0].file, bound="fits into one answer of 4 MiB")
    pack, document, digest = packed(found.pack, sources[0].file)
    not_read = found.not_read[:_LISTED]
    return Discovered(pack, document, digest, yaml, not_read, len(found.not_read), found.kinds)
