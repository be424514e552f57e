"""The providers of language models. A model is named `provider:model`, such as `ollama:llama3`.

A provider is one file in this folder and one line in PROVIDERS. It imports its vendor's SDK inside `open`, so that a
server loads only the SDKs that it uses.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from shared.errors import GreenroomError, InvalidArgument
from shared.hosts import AllowedHosts
from shared.llm.base import ChatModel
from shared.llm.embedding import EmbeddingModel
from shared.llm.providers.anthropic import AnthropicSettings, open_anthropic
from shared.llm.providers.ollama import OllamaSettings, open_ollama, open_ollama_embeddings
from shared.llm.providers.openai import OpenaiSettings, open_openai, open_openai_embeddings
from shared.llm.vendor import Vendor, problem
from shared.settings import BadSetting, EnvironmentSettings
from shared.words import any_of

S = TypeVar("S", bound=EnvironmentSettings)
M = TypeVar("M")


class UnknownModel(InvalidArgument):
    """There is no model {model}; name one as {known}."""

    reason = "UNKNOWN_MODEL"


def _no_problem(_settings: EnvironmentSettings, _allowed: AllowedHosts) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Provider(Generic[S, M]):
    """A vendor's models as one ChatModel or EmbeddingModel, which reads the model's full name from each request.

    settings: the class of its settings.
    open: connects with these settings; leaving the context closes the connections.
    problem: the error if its models cannot be called with these settings, such as a missing key; None if they can.
    has_models: False if the provider is named alone, without `:model`.
    calls_out: False if its models run in this process. Then nothing is put around them.
    sdk: the module that `open` imports. It takes a second, so it is imported in a thread first.
    """

    settings: type[S]
    open: Callable[[S], AbstractAsyncContextManager[M]]
    problem: Callable[[S, AllowedHosts], GreenroomError | None] = _no_problem
    has_models: bool = True
    calls_out: bool = True
    sdk: str | None = None


Providers = Mapping[str, Provider[Any, ChatModel]]

PROVIDERS: Providers = {
    "anthropic": Provider(AnthropicSettings, open_anthropic, problem, sdk="anthropic"),
    "openai": Provider(OpenaiSettings, open_openai, problem, sdk="openai"),
    "ollama": Provider(OllamaSettings, open_ollama, problem, sdk="ollama"),
}
"""The vendors' providers by name. A service may add its own."""

EMBEDDING_PROVIDERS: Mapping[str, Provider[Any, EmbeddingModel]] = {
    "openai": Provider(OpenaiSettings, open_openai_embeddings, problem, sdk="openai"),
    "ollama": Provider(OllamaSettings, open_ollama_embeddings, problem, sdk="ollama"),
}
"""The providers of embedding models by name."""


class Models(Generic[M]):
    """Opens each provider when one of its models is first asked for, and closes them all.

    around: puts the decorators around the models of a provider that calls out, by the provider's settings.
    allowed: the hosts that models may be called at, in addition to their vendors' own.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider[Any, M]],
        around: Callable[[M, EnvironmentSettings], M],
        allowed: AllowedHosts,
    ) -> None:
        self._providers = providers
        self._around = around
        self._allowed = allowed
        self._settings: dict[str, EnvironmentSettings] = {}
        self._open: dict[str, M] = {}
        self._vendors: dict[str, Vendor[Any]] = {}
        self._believed: set[str] = set()
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    def calls_out(self, name: str) -> bool:
        """True if the provider of that model exists and calls out."""
        found = self._providers.get(name.partition(":")[0])
        return found is not None and found.calls_out

    def problem(self, name: str, replayed: bool = False) -> GreenroomError | None:
        """Why no model of that name can be called; None if nothing is known against it.

        replayed: True if it is not called, so that its provider's settings do not matter.
        """
        provider, _, model = name.partition(":")
        found = self._providers.get(provider)
        if found is None or not (bool(model) if found.has_models else name == provider):
            known = [f"{one}:MODEL" if found.has_models else one for one, found in self._providers.items()]
            return UnknownModel(model=name, known=any_of(known))
        if replayed:
            return None
        try:
            return found.problem(self._settings_of(provider), self._allowed)
        except BadSetting as bad:
            return bad

    def faults(self) -> Sequence[GreenroomError]:
        """Why providers that somebody has set up cannot be called, as far as this is known without a call."""
        return [fault for provider in self._providers if (fault := self._fault(provider)) is not None]

    def _fault(self, provider: str) -> GreenroomError | None:
        try:
            settings = self._settings_of(provider)
        except BadSetting as bad:
            return bad
        is_set_up = bool(settings.model_fields_set) or bool(getattr(settings, "key", ""))
        return self._providers[provider].problem(settings, self._allowed) if is_set_up else None

    async def check(self, name: str, replayed: bool = False) -> GreenroomError | None:
        """Like `problem`, but asks a vendor's server whether it has the model; once, unless it says no."""
        if (error := self.problem(name, replayed)) is not None or replayed or name in self._believed:
            return error
        await self.open(name)
        provider, _, model = name.partition(":")
        if (vendor := self._vendors.get(provider)) is not None:
            error = await vendor.missing(model)
        if error is None:
            self._believed.add(name)
        return error

    async def open(self, name: str) -> M:
        """The model of that name. Raises what `problem` returns."""
        if (error := self.problem(name)) is not None:
            raise error
        provider = name.partition(":")[0]
        async with self._opening:
            if provider not in self._open:
                chosen = self._providers[provider]
                settings = self._settings_of(provider)
                if chosen.sdk is not None:
                    await asyncio.to_thread(import_module, chosen.sdk)
                model = await self._stack.enter_async_context(chosen.open(settings))
                if isinstance(model, Vendor):
                    self._vendors[provider] = model
                self._open[provider] = self._around(model, settings) if chosen.calls_out else model
        return self._open[provider]

    async def close(self) -> None:
        """Close every provider that was opened."""
        self._open.clear()
        await self._stack.aclose()

    def _settings_of(self, provider: str) -> EnvironmentSettings:
        if provider not in self._settings:
            self._settings[provider] = self._providers[provider].settings.read()
        return self._settings[provider]
