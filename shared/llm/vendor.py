"""What the providers of all vendors share: why one cannot be called, and the way from a request to a reply."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.errors import FailedPrecondition, GreenroomError
from shared.hosts import AllowedHosts
from shared.llm.base import ChatReply, ChatRequest
from shared.llm.dialogue import Dialogue, dialogue
from shared.llm.embedding import Embedded, EmbeddingReply, EmbeddingRequest, unit_vectors
from shared.llm.reading import Reading, reply
from shared.llm.settings import VendorSettings
from shared.llm.streaming import Stream
from shared.llm.wire import Wire

_VISIBLE = re.compile(r"[!-~]+")


class ModelKeyMissing(FailedPrecondition):
    """{host} needs a key; set {variable} to one, of visible characters without spaces, where the server starts."""

    reason = "MODEL_KEY_MISSING"


class ModelHostNotAllowed(FailedPrecondition):
    """{variable} leads to {host}, but must lead to {allowed}."""

    reason = "MODEL_HOST_NOT_ALLOWED"


def problem(settings: VendorSettings, allowed: AllowedHosts) -> GreenroomError | None:
    """Why a vendor cannot be called with these settings, or None."""
    if settings.host != settings.own_host and not allowed.allow(settings.host):
        where = allowed.named_by("GREENROOM_MODEL_HOSTS")
        if settings.own_host:
            where = f"{settings.own_host}, {where}"
        return ModelHostNotAllowed(variable=settings.variable("base_url"), host=settings.host, allowed=where)
    needed = settings.host == settings.own_host and "authorization" not in map(str.lower, settings.headers)
    if not _VISIBLE.fullmatch(settings.key) and (settings.key or needed):
        return ModelKeyMissing(host=settings.host, variable=settings.variable("api_key"))
    return None


class ModelMissing(FailedPrecondition):
    """The server at {host} does not have the model {model}; it says: {why}"""

    reason = "MODEL_MISSING"


@contextmanager
def without_variables(prefix: str) -> Iterator[None]:
    """Hide the environment variables whose names begin with `prefix` until the end of the block.

    A vendor's SDK reads keys, headers and addresses from them when its client is made, and would send them to any
    server. Make the client in such a block, from our settings alone. Read the settings before: a key may be in these
    variables.
    """
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefix)}
    try:
        yield
    finally:
        os.environ.update(hidden)


S = TypeVar("S", bound=VendorSettings)


@dataclass(frozen=True, slots=True)
class Vendor(Generic[S]):
    """A vendor's server and how it is reached."""

    wire: Wire
    settings: S

    async def missing(self, name: str) -> ModelMissing | None:
        """The error if the vendor's server says that it does not have the model. name: without the provider."""
        why = await self.wire.missing(name)
        return ModelMissing(host=self.settings.host, model=name, why=why) if why else None


@dataclass(frozen=True, slots=True)
class VendorModel(Vendor[S]):
    """A vendor's models as a ChatModel.

    body: the request in the vendor's form. read: the vendor's answer in ours; may raise any error for an answer of an
    unknown form. stream: how the vendor streams.
    """

    body: Callable[[ChatRequest, Dialogue, S], Mapping[str, Any]]
    read: Callable[[Any], Reading]
    stream: Stream

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask the vendor. Raises ModelUnavailable if another attempt may help, ModelFailed if none will."""
        told = dialogue(request)
        body = self.body(request, told, self.settings)
        if self.settings.stream:
            answer = await self.wire.ask(request.model, {**body, **self.stream.fields}, self.read, self.stream)
        else:
            answer = await self.wire.ask(request.model, body, self.read)
        return reply(request, told, answer)


@dataclass(frozen=True, slots=True)
class VendorEmbeddings(Vendor[S]):
    """A vendor's embedding models as an EmbeddingModel.

    read: the vendor's answer in ours; may raise any error for an answer of an unknown form.
    """

    read: Callable[[Any], Embedded]

    async def complete(self, request: EmbeddingRequest) -> EmbeddingReply:
        """Ask the vendor. Raises ModelUnavailable if another attempt may help, ModelFailed if none will."""
        # The vendors' requests have the same form.
        body = {"model": request.model.partition(":")[2], "input": list(request.texts)}
        answer = await self.wire.ask(request.model, body, self.read)
        vectors = unit_vectors(request, answer.reading.vectors)
        return EmbeddingReply(vectors, answer.reading.usage, limits=answer.limits)


def temperature(request: ChatRequest, settings: VendorSettings) -> dict[str, float]:
    """The field `temperature` of a request; none leaves it to the vendor."""
    chosen = settings.temperature if request.temperature is None else request.temperature
    return {} if chosen is None else {"temperature": chosen}
