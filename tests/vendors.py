"""Connects the providers of models to servers of tests."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

import pytest

from shared.hosts import AllowedHosts
from shared.llm.base import ChatModel
from shared.llm.providers import PROVIDERS, Models

PROVIDER = {"anthropic": "anthropic", "chat": "openai", "responses": "openai", "ollama": "ollama"}
"""The provider of each protocol."""


async def connect(
    stack: AsyncExitStack, protocol: str, address: str | None, *, key: str, more: Mapping[str, str] | None = None
) -> ChatModel:
    """The provider that speaks the protocol, connected to a server at host:port until the stack closes.

    address: None for the one in the environment, else the vendor's own. more: further settings, without their prefix.
    """
    provider = PROVIDER[protocol]
    settings = {"API_KEY": key}
    if address is not None:
        settings["BASE_URL"] = f"http://{address}{'/v1' if provider == 'openai' else ''}"
    if provider == "openai":
        settings["API"] = protocol
    models = Models(PROVIDERS, lambda model, _: model, AllowedHosts(loopback=True))
    stack.push_async_callback(models.close)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (settings | dict(more or {})).items():
            patch.setenv(f"GREENROOM_{provider.upper()}_{name}", value)
        return await models.open(f"{provider}:any")
