"""What a batch or a conversation waits for, told by a watch that gets no events."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from math import ceil

from cli.kit.live import meanwhile
from greenroom.client import GreenroomError
from greenroom.synthesizer.v1.batch_pb2 import Batch
from greenroom.synthesizer.v1.conversation_pb2 import Conversation, WaitingCalls
from shared.words import counted

_QUIET_SECONDS = 2.0
"""After how long without an event the server is asked, and how often then."""


class WaitNotice:
    """Asks what a resource waits for while no event comes. get: gets it.

    sentence: what it waits for; empty while events come, and if it waits for nothing. say: called with the sentence
    when other calls wait, or for another reason.
    """

    def __init__(
        self, get: Callable[[], Awaitable[Batch | Conversation]], say: Callable[[str], None] | None = None
    ) -> None:
        self.sentence = ""
        self._get = get
        self._say = say
        self._heard = time.monotonic()
        self._said: set[tuple[str, str]] = set()

    def heard(self) -> None:
        """An event came."""
        self._heard, self.sentence = time.monotonic(), ""

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Ask until the block ends."""
        async with meanwhile(self._ask()):
            yield

    async def _ask(self) -> None:
        while True:
            await asyncio.sleep(_QUIET_SECONDS)
            if time.monotonic() - self._heard < _QUIET_SECONDS:
                continue
            # The watch tells of a lost connection.
            with suppress(GreenroomError):
                self._tell(await self._get())

    def _tell(self, resource: Batch | Conversation) -> None:
        self.sentence = waiting_for(resource)
        reasons = {(one.whom, one.why) for one in resource.waiting}
        if self._say is not None and reasons - self._said:
            self._say(self.sentence)
        self._said |= reasons


def waiting_for(resource: Batch | Conversation) -> str:
    """What its calls wait for; empty if they wait for nothing."""
    told = "; ".join(map(_told, resource.waiting))
    return f"Waiting for {told}." if told else ""


def _told(one: WaitingCalls) -> str:
    calls = f"{counted(one.calls, 'call')} for {one.waited.ToSeconds()} s"
    again = f", next try in {ceil(one.next_try_in.ToMilliseconds() / 1000)} s" if one.HasField("next_try_in") else ""
    return f"{one.whom}: {one.why}{again} ({calls})"
