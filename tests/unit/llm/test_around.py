"""What the settings put around a provider's models, and in which order."""

import asyncio
from dataclasses import replace

import pytest
from pydantic_settings import SettingsConfigDict

from shared.llm.around import around
from shared.llm.base import ChatModel
from shared.llm.governor import Governor
from shared.llm.meter import Meter
from shared.llm.pace import Pace
from shared.llm.prices import Prices
from shared.llm.retry import Retry
from shared.llm.settings import ModelSettings, VendorSettings
from tests.unit.llm.asking import HELLO, REQUEST, Asked, down
from tests.virtual_time import in_virtual_time, now

PRICES = Prices.read(None)


class AcmeSettings(VendorSettings):
    """The settings of a fake vendor."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_ACME_")
    base_url: str = "https://acme.example"


@in_virtual_time
async def test_a_call_that_waits_for_its_next_attempt_holds_no_place() -> None:
    model = Asked(lambda call: HELLO if call else down(retry_after=20.0), seconds=1)
    asked = around(model, AcmeSettings(calls_in_flight=1), ModelSettings(), PRICES)

    first, second = (asyncio.create_task(asked.complete(REQUEST)) for _ in range(2))
    await second
    assert now() == 2

    await first
    assert now() == 22


@in_virtual_time
async def test_every_attempt_counts_as_a_request() -> None:
    model = Asked(lambda call: HELLO if call == 3 else down(retry_after=0.0))
    asked = around(model, AcmeSettings(requests_per_minute=2), ModelSettings(), PRICES)

    await asked.complete(REQUEST)

    assert [round(time) for time in model.times] == [0, 0, 61, 61]


def test_the_limits_of_a_provider_come_from_its_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_ACME_CALLS_IN_FLIGHT", "2")

    @in_virtual_time
    async def asked() -> None:
        model = Asked(seconds=1)
        limited = around(model, AcmeSettings.read(), ModelSettings(), PRICES)
        await asyncio.gather(*(limited.complete(replace(REQUEST, index=index)) for index in range(6)))
        assert (now(), model.most_in_flight) == (3, 2)

    asked()


@pytest.mark.parametrize(("name", "kind"), [("retry", Retry), ("pace", Pace), ("governor", Governor), ("meter", Meter)])
def test_each_can_be_the_only_one(monkeypatch: pytest.MonkeyPatch, name: str, kind: type[ChatModel]) -> None:
    monkeypatch.setenv("GREENROOM_MODEL_AROUND", name)
    model = Asked()
    alone = around(model, AcmeSettings(), ModelSettings.read(), PRICES)
    assert type(alone) is kind
    assert model in vars(alone).values()


def test_what_a_setting_leaves_out_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_MODEL_AROUND", "[]")
    model = Asked()
    assert around(model, AcmeSettings(calls_in_flight=2), ModelSettings.read(), PRICES) is model
