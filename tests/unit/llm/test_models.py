"""Models are named `provider:model`; a provider is opened once, with its settings, and closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic_settings import SettingsConfigDict

from services.synthesizer.adapters.offline_provider import OFFLINE
from shared.hosts import AllowedHosts
from shared.llm.base import ChatModel, ChatReply, ChatRequest
from shared.llm.briefs import PersonaBrief
from shared.llm.providers import Models, Provider, Providers, UnknownModel
from shared.settings import EnvironmentSettings

REQUEST = ChatRequest("acme:small", "", (), (), 1, 0, 1, PersonaBrief("Eddie", "", "", "SHORT", "LOW", (), ""))


class AcmeSettings(EnvironmentSettings):
    """The settings of a fake vendor."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_ACME_")

    api_key: str = ""


class Acme:
    """A fake vendor that lists what happens to its provider."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.provider = Provider(settings=AcmeSettings, open=self._open)

    @asynccontextmanager
    async def _open(self, settings: AcmeSettings) -> AsyncIterator[ChatModel]:
        self.seen.append(f"opened with {settings.api_key}")
        yield self
        self.seen.append("closed")

    async def complete(self, request: ChatRequest) -> ChatReply:
        return ChatReply(f"I am {request.model}.")


async def test_a_provider_is_opened_once_with_its_settings_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_ACME_API_KEY", "k-1")
    acme = Acme()
    providers: Providers = {"offline": OFFLINE, "acme": acme.provider}
    models = Models(providers, lambda model, _: model, AllowedHosts())

    await models.open("offline")
    assert acme.seen == []
    for name in ("acme:small", "acme:large"):
        assert (await (await models.open(name)).complete(REQUEST)).text == "I am acme:small."
    await models.close()

    assert acme.seen == ["opened with k-1", "closed"]


@pytest.mark.parametrize("name", ["", "ofline", "acme", "acme:", ":small", "openai:gpt", "offline:small", "offline:"])
async def test_a_name_without_a_provider_or_a_model_is_refused_with_the_names_that_exist(name: str) -> None:
    providers: Providers = {"offline": OFFLINE, "acme": Acme().provider}
    models = Models(providers, lambda model, _: model, AllowedHosts())

    with pytest.raises(UnknownModel, match="offline or acme:MODEL"):
        await models.open(name)
