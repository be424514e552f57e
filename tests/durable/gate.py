"""A model with a gate: a batch stops in front of it, for a test to do something meanwhile."""

import asyncio

from shared.llm.base import ChatModel, ChatReply, ChatRequest
from shared.llm.registry import open_model


class Gate:
    """Lets some calls of the model through and holds all later ones until it is opened.

    asked: how many calls there were.
    reached: set when a call is held. interrupted: set when a held call is cancelled; then it goes when let_go is set,
    which it is unless the calls are to cling.
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

    def models(self, name: str) -> ChatModel:
        """The model of that name, behind the gate."""
        return _GatedModel(open_model(name), self)

    async def passed(self) -> None:
        """Wait for the gate if this call is to be held."""
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
