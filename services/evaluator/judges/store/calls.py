"""Stores the calls of judges' models, so that none is paid for twice."""

import asyncio
import json
import zlib
from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, func, select

from services.evaluator.store import metadata
from shared.db.appends import Write, upsert
from shared.db.engine import Database
from shared.errors import Unavailable
from shared.llm.base import Caller
from shared.llm.recorder import Key, Recorded
from shared.model.events import Json

judge_calls = Table(
    "judge_calls",
    metadata,
    Column("judgement", String, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),  # of the conversation
    Column("repeat", Integer, primary_key=True, autoincrement=False),
    Column("company", String, nullable=False),
    Column("document", LargeBinary, nullable=False),  # request and answer
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("nanos", BigInteger, nullable=False),
)
_COLUMNS = judge_calls.c
SPENT = select(
    func.count(),
    *(func.sum(_COLUMNS[name]) for name in ("input_tokens", "output_tokens", "cached_tokens", "nanos")),
).select_from(judge_calls)
"""The first members of the usage of all calls."""


class JudgeCallStore:
    """The recorded calls of all companies; a shared.llm.recorder.CallStore.

    retry_seconds: the pause between attempts to store a call while the store is unavailable.
    """

    def __init__(self, db: Database, retry_seconds: float) -> None:
        self._db = db
        self._retry_seconds = retry_seconds
        self._insert = upsert(judge_calls, db.dialect).on_conflict_do_nothing()

    async def own(self, caller: Caller, key: Key) -> Mapping[str, Json] | None:
        query = select(_COLUMNS.document).where(
            _COLUMNS.judgement == _id(caller),
            _COLUMNS.digest == key.digest,
            _COLUMNS.place == key.index,
            _COLUMNS.repeat == key.repeat,
        )
        found = await self._db.fetch(query)
        answer: Mapping[str, Json] | None = json.loads(zlib.decompress(found[0].document))["answer"] if found else None
        return answer

    async def put(self, recorded: Recorded) -> None:
        caller, key = recorded.caller, recorded.key
        reply = recorded.answer.get("reply") or {"usage": [0] * 5}
        _, read, written, cached, nanos = reply["usage"]
        document = json.dumps({"request": recorded.request, "answer": recorded.answer}, separators=(",", ":"))
        row = {
            "judgement": _id(caller),
            "digest": key.digest,
            "place": key.index,
            "repeat": key.repeat,
            "company": caller.company,
            "document": zlib.compress(document.encode(), 1),
            "input_tokens": read,
            "output_tokens": written,
            "cached_tokens": cached,
            "nanos": nanos,
        }
        while True:
            try:
                return await self._db.writer.write(Write(self._insert, row))
            except Unavailable:
                # The answer was paid for, so it is not given up.
                await asyncio.sleep(self._retry_seconds)


def _id(caller: Caller) -> str:
    return caller.conversation.removeprefix("judgements/")
