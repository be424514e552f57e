"""The requests and replies of embedding models, which write the meaning of texts as vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.llm.base import Caller, ModelUnusable, RateLimits
from shared.llm.reading import usage
from shared.model.events import NO_USAGE, Usage

Vectors = NDArray[np.float32]
"""One vector a row."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts to embed, one or more. model: its full name."""

    model: str
    texts: Sequence[str]
    caller: Caller


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingReply:
    """The vectors of the texts, in their order, each of length 1.

    milliseconds: how long the answer took. limits: the provider's rate limits after this call, None if it said none.
    """

    vectors: Vectors
    usage: Usage = NO_USAGE
    milliseconds: int = 0
    limits: RateLimits | None = None

    @property
    def first_token(self) -> None:
        """Vectors have no first token."""


class EmbeddingModel(Protocol):
    """A provider's embedding models, or a decorator around them."""

    async def complete(self, request: EmbeddingRequest) -> EmbeddingReply:
        """Embed the texts. Raises ModelUnavailable if another attempt may help, ModelFailed if none will."""
        ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a vendor answered."""

    vectors: Sequence[NDArray[np.float64]]
    usage: Usage = NO_USAGE


def embedded(vectors: Sequence[Any], given: Any, tokens: str) -> Embedded:
    """A vendor's answer. given: its object with counts; tokens: the name of the one of input tokens.

    Raises ValueError or TypeError if the vectors are no lists of numbers.
    """
    try:
        read = [np.asarray(vector, np.float64) for vector in vectors]
    except OverflowError as error:
        raise ValueError from error
    if any(vector.ndim != 1 for vector in read):
        raise ValueError
    return Embedded(read, usage(given, input_tokens=tokens, output_tokens=""))


def unit_vectors(request: EmbeddingRequest, given: Sequence[NDArray[np.float64]]) -> Vectors:
    """What a model answered as vectors of length 1. Raises ModelUnusable."""
    if len(given) != len(request.texts):
        raise ModelUnusable(model=request.model, why=f"it has {len(given)} vectors for {len(request.texts)} texts")
    if len(lengths := {len(vector) for vector in given}) > 1:
        said = " and ".join(map(str, sorted(lengths)))
        raise ModelUnusable(model=request.model, why=f"its vectors have different lengths: {said} numbers")
    vectors = np.stack(given)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or not norms.all():
        raise ModelUnusable(model=request.model, why="one of its vectors has no direction: zeros, or no finite numbers")
    units: Vectors = (vectors / norms).astype(np.float32)
    return units
