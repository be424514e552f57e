"""A model with a gate that stops a batch in the middle, so that a test can act."""

import asyncio

from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from shared.llm.base import ChatModel, ChatReply, ChatRequest


class Gate:
    """Lets the first `calls` calls of the model through, and holds later ones until it is opened.

    cling: a held call that is cancelled ends only when `let_go` is set.
    asked: the number of calls.
    reached: set when a call is held. interrupted: set when a held call is cancelled.
    """

    def __init__(self, calls: int, *, cling: bool = False) -> None:
        self._calls = calls
        self.asked = 0
        self._opened = asyncio.Event()
        self.reached = asyncio.Event()
        self.interrupted = asyncio.Event()
        self.let_go = asyncio.Event()
        if not cling:
            self.let_go.set()

    def open(self) -> None:
        """Let every call through from now on."""
        self._opened.set()

    @property
    def model(self) -> ChatModel:
        """The offline model behind the gate."""
        return _GatedModel(AsyncOfflineModel(), self)

    async def passed(self) -> None:
        """Count a call, and hold it if the gate is closed for it."""
        self.asked += 1
        if self.asked <= self._calls:
            return
        self.reached.set()
        try:
            await self._opened.wait()
        except asyncio.CancelledError:
            self.interrupted.set()
            await self.let_go.wait()
            raise


class _GatedModel:
    def __init__(self, model: ChatModel, gate: Gate) -> None:
        self._model = model
        self._gate = gate

    async def complete(self, request: ChatRequest) -> ChatReply:
        await self._gate.passed()
        return await self._model.complete(request)
