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
    models = Models(PROVIDERS, lambda model, _: model, AllowedHosts(loopback=True))
    stack.push_async_callback(models.close)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in vendor_settings(protocol, address, key=key, more=more).items():
            patch.setenv(name, value)
        return await models.open(f"{PROVIDER[protocol]}:any")


def vendor_settings(
    protocol: str, address: str | None, *, key: str, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment variables with which a provider speaks the protocol with a server; see `connect`."""
    provider = PROVIDER[protocol]
    settings = {"API_KEY": key}
    if address is not None:
        settings["BASE_URL"] = f"http://{address}{'/v1' if provider == 'openai' else ''}"
    if provider == "openai":
        settings["API"] = protocol
    return {f"GREENROOM_{provider.upper()}_{name}": value for name, value in (settings | dict(more or {})).items()}
