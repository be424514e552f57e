"""The offline model as a provider of models."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from services.synthesizer.offline import OfflineModel
from services.synthesizer.settings import SynthesizerSettings
from shared.compute.offload import Offload
from shared.llm.base import ChatModel, ChatReply, ChatRequest, StepTooMuchWork, StepUnusable
from shared.llm.providers import Provider
from shared.model.templates import BadTemplate
from shared.model.work_budget import TooMuchWork


class AsyncOfflineModel:
    """The offline model as a ChatModel. Procedures with long steps are played in a thread, which has its own model."""

    def __init__(self, makes_up: bool = False) -> None:
        self._model, self._model_in_thread = OfflineModel(makes_up), OfflineModel(makes_up)
        self._offload = Offload()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request. Raises StepTooMuchWork, StepUnusable."""
        try:
            return await self._offload(
                partial(self._model.reply, request), partial(self._model_in_thread.reply, request)
            )
        except TooMuchWork:
            raise StepTooMuchWork from None
        except BadTemplate as bad:
            raise StepUnusable(why=str(bad)) from None

    async def close(self) -> None:
        """Let the thread end."""
        await self._offload.close()


@asynccontextmanager
async def _open(settings: SynthesizerSettings) -> AsyncIterator[ChatModel]:
    model = AsyncOfflineModel(settings.offline_makes_up_values)
    try:
        yield model
    finally:
        await model.close()


OFFLINE = Provider(settings=SynthesizerSettings, open=_open, has_models=False, calls_out=False)
