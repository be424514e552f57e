"""A request, and a model of a test's making."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from shared.llm.base import Caller, ChatReply, ChatRequest, ModelUnavailable
from shared.llm.briefs import PersonaBrief

REQUEST = ChatRequest("acme:small", "Be kind.", (), (), 1, 0, 1, PersonaBrief("Eddie", "", "", "SHORT", "LOW", (), ""))
HELLO = ChatReply("Hello.")


def of(company: str, batch: str = "", conversation: str = "") -> ChatRequest:
    """The request, asked for these."""
    return replace(REQUEST, caller=Caller(company, batch, conversation))


def down(**more: float | bool | object) -> ModelUnavailable:
    """The model does not answer. more: attributes of the error."""
    error = ModelUnavailable(model="acme:small", why="it was told so")
    for name, value in more.items():
        setattr(error, name, value)
    return error


class Asked:
    """A model that answers after `seconds`. times: when it was asked. reply: the answer of each call, by number."""

    def __init__(self, reply: Callable[[int], ChatReply | Exception] = lambda _: HELLO, seconds: float = 0.0) -> None:
        self._reply = reply
        self._seconds = seconds
        self.requests: list[ChatRequest] = []
        self.times: list[float] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The next answer."""
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        reply = self._reply(len(self.requests) - 1)
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self.in_flight -= 1
        if isinstance(reply, Exception):
            raise reply
        return reply
