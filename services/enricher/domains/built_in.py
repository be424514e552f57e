"""The domains that come with Greenroom: one pack each, read-only."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from services.enricher.domains.model import PREFIX, Domain, Revision, RevisionState, Whole
from shared.model.packs.reading import read_pack
from shared.model.packs.writing import digest

ORDER = ("ecommerce", "customer_support")
"""The order of lists."""


@cache
def built_in() -> Mapping[str, Whole]:
    """The built-in domains by name, such as `domains/ecommerce`, in their order."""
    return MappingProxyType({PREFIX + key: _read(key) for key in ORDER})


def _read(key: str) -> Whole:
    file = f"{key}.yaml"
    pack = read_pack(files("services.enricher.domains").joinpath("packs", file).read_bytes(), file)
    domain = Domain(PREFIX + key, pack.display_name, pack.description, built_in=True)
    return domain, Revision(domain.name, 1, RevisionState.READY, pack, digest(pack))
