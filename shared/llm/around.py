"""Puts the decorators around models.

From the outside in: recorder, budget, retry, pace, governor, meter, provider. A recorded answer costs nothing, a call
that waits for its next attempt holds no place in the governor, and the meter measures only what the provider takes.
"""

from typing import assert_never

from shared.llm.base import ChatModel
from shared.llm.budget import Accounts, Budgeted
from shared.llm.decorated import Model, Q, R
from shared.llm.governor import Governor, Limits
from shared.llm.meter import Meter
from shared.llm.pace import Pace
from shared.llm.prices import Prices
from shared.llm.providers import Models
from shared.llm.recorder import CallStore, Recorder, RecordingStore, Replay
from shared.llm.retry import Retry
from shared.llm.settings import ModelSettings, VendorSettings
from shared.model.recording import Recording
from shared.settings import EnvironmentSettings


def around(model: Model[Q, R], vendor: EnvironmentSettings, settings: ModelSettings, prices: Prices) -> Model[Q, R]:
    """The provider's models with what the settings put around them. vendor: the settings of the provider."""
    return repeated(limited(model, vendor, settings, prices), settings)


def limited(model: Model[Q, R], vendor: EnvironmentSettings, settings: ModelSettings, prices: Prices) -> Model[Q, R]:
    """Like `around`, but nothing is asked again after an outage: for those who cannot wait."""
    if "meter" in settings.model_around:
        model = Meter(model, prices)
    if "governor" in settings.model_around:
        model = Governor(model, _limits(vendor))
    if "pace" in settings.model_around:
        model = Pace(model)
    return model


def repeated(model: Model[Q, R], settings: ModelSettings) -> Model[Q, R]:
    """The models, asked again after an outage if the settings say so."""
    if "retry" not in settings.model_around:
        return model
    pause = settings.model_longest_pause_seconds
    return Retry(model, settings.model_attempts, settings.model_throttled_seconds, pause)


def _limits(vendor: EnvironmentSettings) -> Limits:
    if not isinstance(vendor, VendorSettings):
        return Limits()
    return Limits(vendor.calls_in_flight, vendor.requests_per_minute, vendor.tokens_per_minute)


class RecordedModels:
    """Opens models whose calls are all recorded and count for a budget, if they call out."""

    def __init__(self, models: Models[ChatModel], calls: CallStore, accounts: Accounts) -> None:
        self._models = models
        self._calls = calls
        self._accounts = accounts

    async def open(self, name: str) -> ChatModel:
        """The model of that name. Raises what `Models.problem` returns."""
        model = await self._models.open(name)
        return Recorder(Budgeted(model, self._accounts), self._calls) if self._models.calls_out(name) else model


class ConversationModels:
    """Opens models for conversations, with the recorder and the budget around those that call out."""

    def __init__(self, models: Models[ChatModel], recordings: RecordingStore, accounts: Accounts) -> None:
        self._models = models
        self._recordings = recordings
        self._accounts = accounts

    async def open(self, name: str, recording: Recording) -> ChatModel:
        """The model of that name. A replay opens no provider and needs no key. Raises what `Models.problem` returns."""
        if not self._models.calls_out(name):
            return await self._models.open(name)
        match recording:
            case Recording.RECORD:
                return Recorder(await self._budgeted(name), self._recordings)
            case Recording.REPLAY:
                return Replay(self._recordings)
            case Recording.LIVE:
                return await self._budgeted(name)
            case _:
                assert_never(recording)

    async def _budgeted(self, name: str) -> ChatModel:
        return Budgeted(await self._models.open(name), self._accounts)
