"""What requests are compared by.

The similarity of two requests is the sum of what they have in common, each with its weight: the same domain, the same
entity, the same workflow, and of scenarios, constrained fields and words the coefficient of Jaccard (1901): how many
both have of all that one of them has; 1 if neither has any. The store computes it; see `store/patterns.py`.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b, sha256

from services.enricher.knowledge.passages import queried_words
from services.enricher.patterns.model import Request

DOMAIN, ENTITY, WORKFLOW, SCENARIOS, FIELDS, WORDS = 4, 6, 2, 2, 3, 3
"""The weights, in twentieths."""
WHOLE = 20
"""The sum of the weights."""


@dataclass(frozen=True, slots=True)
class Features:
    """What a request is compared by; its scenarios, constrained fields and words as hashes of 63 bits."""

    domain: str
    entity: str
    workflow: str
    scenarios: frozenset[int]
    fields: frozenset[int]
    words: frozenset[int]


def features(request: Request) -> Features:
    """What the request is compared by. Of its words the first 64 count, without common ones."""
    return Features(
        domain=request.domain,
        entity=request.entity,
        workflow=request.workflow,
        scenarios=_hashes("scenario", request.shares),
        fields=_hashes("field", (one.field for one in request.constraints)),
        words=_hashes("word", queried_words(" ".join([*request.hints, request.context]))),
    )


def digest_of(request: Request) -> str:
    """Equal for requests that ask the same, whatever revision of the domain they name."""
    return sha256(json.dumps(asdict(replace(request, revision=0)), sort_keys=True).encode()).hexdigest()


def _hashes(kind: str, names: Iterable[str]) -> frozenset[int]:
    return frozenset(int.from_bytes(blake2b(f"{kind} {name}".encode(), digest_size=8).digest()) >> 1 for name in names)
