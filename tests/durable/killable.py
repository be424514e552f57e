"""`python -m services.synthesizer` with an accident at a moment that a variable sets:

KILL_AT=commit:37   SIGKILL when the 37th append is on disk, before the append returns
KILL_AT=record:12   SIGKILL when the 12th recording is on disk, before the answer is used
KILL_AT=model:12    SIGKILL inside the 12th call of the model
TERM_AT=commit:37   SIGTERM when the 37th append is on disk
HANG_AT=model:12    the model does not answer its 12th call, nor any later one

CALLS_TO=path       a file that gets a line for each call of the model: the conversation's index and the event's seq
"""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from services.synthesizer.app import build
from services.synthesizer.settings import SynthesizerSettings
from shared.db.appends import Append, Appended, Write
from shared.db.writer import Writer
from shared.llm.base import ChatModel, ChatReply, ChatRequest
from shared.llm.providers import PROVIDERS
from shared.rpc.serve import run
from tests.suite import provider_of


class Countdown:
    """Signals the process at the given moment."""

    def __init__(self, moments: int, number: signal.Signals) -> None:
        self._left = moments
        self._number = number

    def tick(self) -> None:
        """Count one moment."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._number)


class AccidentalModel:
    """A model that reports each call before it is made, and may hang."""

    def __init__(self, model: ChatModel, tell: Callable[[ChatRequest], bool]) -> None:
        self._model = model
        self._tell = tell

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer if `tell` returns True; otherwise hang."""
        if not self._tell(request):
            await asyncio.Event().wait()
        return await self._model.complete(request)


def tell_of_records(tell: Callable[[], None]) -> None:
    """Call `tell` after each commit of a recording, before its answer is used."""
    committed = Writer.write

    async def told(self: Writer, write: Write) -> None:
        await committed(self, write)
        tell()

    Writer.write = told  # type: ignore[method-assign]


def tell_of_commits(tell: Callable[[], None]) -> None:
    """Call `tell` after each commit of the writer, before the append returns."""
    committed = Writer.append

    async def told(self: Writer, append: Append) -> Appended:
        answer = await committed(self, append)
        tell()
        return answer

    Writer.append = told  # type: ignore[method-assign]


def moment(accident: str) -> tuple[str, int]:
    """The kind and count of an accident; `never` if its variable is not set."""
    where, _, count = os.environ.get(accident, "never:0").partition(":")
    return where, int(count)


def main() -> int:
    """Serve until the accident."""
    told: dict[str, list[Callable[[], None]]] = {"commit": [], "record": [], "model": [], "never": []}
    for accident, number in (("KILL_AT", signal.SIGKILL), ("TERM_AT", signal.SIGTERM)):
        where, count = moment(accident)
        told[where].append(Countdown(count, number).tick)
    for tell in told["commit"]:
        tell_of_commits(tell)
    for tell in told["record"]:
        tell_of_records(tell)

    # Write unbuffered, so that every line is on disk when the process is killed.
    calls = Path(os.environ.get("CALLS_TO", os.devnull)).open("ab", buffering=0)  # noqa: SIM115
    asked = itertools.count(1)
    _, hangs_from = moment("HANG_AT")

    def ask(request: ChatRequest) -> bool:
        calls.write(f"{request.index} {request.seq}\n".encode())
        for tell in told["model"]:
            tell()
        return not 0 < hangs_from <= next(asked)

    model = AccidentalModel(AsyncOfflineModel(), ask)
    providers = {**PROVIDERS, "offline": replace(provider_of(model), calls_out=False)}
    return run("synthesizer", SynthesizerSettings, partial(build, providers=providers))


if __name__ == "__main__":
    sys.exit(main())
