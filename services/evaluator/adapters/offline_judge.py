"""The offline judge as a provider of models."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.evaluator.judges.offline import judged
from services.evaluator.settings import EvaluatorSettings
from shared.llm.base import ChatModel, ChatReply, ChatRequest
from shared.llm.providers import Provider


class OfflineJudge:
    """The offline judge as a ChatModel."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request."""
        return judged(request)


@asynccontextmanager
async def _open(_: EvaluatorSettings) -> AsyncIterator[ChatModel]:
    yield OfflineJudge()


OFFLINE = Provider(settings=EvaluatorSettings, open=_open, has_models=False, calls_out=False)
