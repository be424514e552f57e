"""What decorators take and are: a chat model or an embedding model."""

from typing import Protocol, TypeVar

from shared.llm.base import ChatReply, ChatRequest
from shared.llm.embedding import EmbeddingReply, EmbeddingRequest

Q = TypeVar("Q", ChatRequest, EmbeddingRequest)
R = TypeVar("R", ChatReply, EmbeddingReply)
_Request = TypeVar("_Request", contravariant=True)
_Reply = TypeVar("_Reply", covariant=True)


class Model(Protocol[_Request, _Reply]):
    """A ChatModel or an EmbeddingModel."""

    async def complete(self, request: _Request) -> _Reply: ...
