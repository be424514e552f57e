"""Calls of peers that only read or compute, so that they may be repeated while a peer is away for a moment."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

import grpc

from services.gateway.generations.deadline import Deadline
from shared.auth import Caller
from shared.errors import GreenroomError, Unavailable
from shared.rpc.peers import Peer, Peers, PeerTimeout, PeerUnavailable, said_by

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds before the first repetition, and before any later one; each pause is twice the one before."""

_CAUSES = (
    ("refused", "nothing listens at its address"),
    ("DNS", "its address has no known host"),
    ("resolve", "its address has no known host"),
    ("handshake", "it does not speak TLS as this server does"),
    ("SSL", "it does not speak TLS as this server does"),
    ("unreachable", "no network leads to its address"),
)


class PeerNeverThere(Unavailable):
    """The service {peer} has not answered since this server was started, because {why}; start it, or correct {setting}."""  # noqa: E501

    reason = "PEER_NEVER_THERE"


class Attempts:
    """Repeats calls with growing pauses until their deadline, at services that have answered before.

    A service that never answered fails a call at once, because it is not there or has another address.
    """

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._answered = set[str]()

    async def unary(
        self, service: str, who: Caller, method: Callable[[grpc.aio.Channel], Any], request: Any, deadline: Deadline
    ) -> Any:
        """The answer of a service. method: of a stub for a channel.

        Raises what the service says, PeerNeverThere, PeerUnavailable, PeerTimeout.
        """

        async def answered(peer: Peer) -> Any:
            return await method(peer.channel)(request, metadata=peer.metadata, timeout=deadline.left)

        return await self._repeated(service, who, answered, deadline)

    async def stream(
        self,
        service: str,
        who: Caller,
        method: Callable[[grpc.aio.Channel], Any],
        request_after: Callable[[Any], Any],
        deadline: Deadline,
    ) -> AsyncGenerator[Any, None]:
        """The messages of a stream. Each message has the time until the deadline anew.

        request_after: the request that continues after a message; the first request for None. Raises as `unary` does.
        """
        last: Any = None
        opened: list[Any] = []

        async def following(peer: Peer) -> Any:
            if not opened:
                opened.append(method(peer.channel)(request_after(last), metadata=peer.metadata))
            try:
                return await asyncio.wait_for(opened[0].read(), deadline.asked)
            except TimeoutError:
                raise PeerTimeout(peer=service, seconds=f"{deadline.asked:g}") from None
            except (grpc.aio.AioRpcError, asyncio.CancelledError):
                opened.pop().cancel()
                raise

        try:
            while True:
                patience = Deadline.within(deadline.asked)
                message = await self._repeated(service, who, following, patience)
                if message is grpc.aio.EOF:
                    return
                last = message
                yield message
        finally:
            for call in opened:
                call.cancel()

    async def _repeated(self, service: str, who: Caller, call: Callable[[Peer], Awaitable[T]], deadline: Deadline) -> T:
        pause = _FIRST_PAUSE
        while True:
            try:
                answer = await self._caught(call(self._peers.of(service, who)), service)
            except grpc.aio.AioRpcError as error:
                told = self._told(service, error, deadline)
            except PeerUnavailable as error:
                told = error
            else:
                self._answered.add(service)
                return answer
            if not isinstance(told, PeerUnavailable) or deadline.left <= pause:
                raise told from None
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _caught(self, answer: Awaitable[T], service: str) -> T:
        try:
            return await answer
        except asyncio.CancelledError:
            # grpc.aio raises it both when the service ends the call with CANCELLED and when this task is cancelled.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise PeerUnavailable(peer=service) from None

    def _told(self, service: str, error: grpc.aio.AioRpcError, deadline: Deadline) -> GreenroomError:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return PeerTimeout(peer=service, seconds=f"{deadline.asked:g}")
        told = said_by(service, error)
        if not isinstance(told, PeerUnavailable) or error.trailing_metadata():
            # The service itself has answered.
            self._answered.add(service)
        elif service not in self._answered:
            setting = f"GREENROOM_{service.upper()}_ADDRESS"
            return PeerNeverThere(peer=service, why=_cause(error.details() or ""), setting=setting)
        return told


def _cause(details: str) -> str:
    return next((why for sign, why in _CAUSES if sign in details), "it does not answer at its address")
