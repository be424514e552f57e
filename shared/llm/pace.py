"""Hands out answers one by one, so that conversations whose answers come together do not move in step for ever."""

import asyncio
from collections import deque
from typing import Generic

from shared.llm.decorated import Model, Q, R


class Pace(Generic[Q, R]):
    """Lets the event loop take one turn between two answers.

    Without it, conversations whose answers arrive at the same moment each do a little in every turn of the loop, so
    that all of them send their next request only when the last is ready, and their next answers arrive together again.
    With it, the first goes on while the others wait, and soon their answers arrive at different moments.
    """

    def __init__(self, model: Model[Q, R]) -> None:
        self._model: Model[Q, R] = model
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._handing_out = False

    async def complete(self, request: Q) -> R:
        """Answer the request."""
        reply = await self._model.complete(request)
        loop = asyncio.get_running_loop()
        if self._handing_out:
            turn = loop.create_future()
            self._waiting.append(turn)
            await turn
        else:
            self._handing_out = True
            loop.call_soon(self._hand_out)
        return reply

    def _hand_out(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._hand_out)
                return
        self._handing_out = False
