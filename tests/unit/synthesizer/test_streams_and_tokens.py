"""A stream ends where the token of its caller expires."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from greenroom.synthesizer.v1 import batch_pb2, persona_pb2, procedure_pb2, recording_pb2, source_pb2
from services.synthesizer.batches.servicer import BatchServicer
from services.synthesizer.personas.generation.model import Rejected
from services.synthesizer.personas.servicer import PersonaServicer
from services.synthesizer.procedures.servicer import ProcedureServicer
from services.synthesizer.recordings.servicer import RecordingServicer
from services.synthesizer.sources.servicer import SourceServicer
from shared.auth import Caller, TokenExpired, caller, set_caller
from shared.waits import Waits


@dataclass
class Operations:
    """Streams without end; the token expires after the first item."""

    item: Any

    async def export(self, *_: object) -> AsyncIterator[Any]:
        yield self.item
        set_caller(replace(caller(), expires=time.time() - 1))
        while True:
            yield self.item

    run = chunks = export

    async def get(self, *_: object) -> None:
        """Any resource."""

    def built_in(self) -> list[Any]:
        return []


CHUNKS = cast(Any, Operations((b"x", "cursor")))
DRAFTS = cast(Any, Operations(Rejected("Bo", "DRAFT_INVALID", "No.")))
ANY = cast(Any, None)
STREAMS: Mapping[str, Callable[[], AsyncIterator[Any]]] = {
    "sources": lambda: SourceServicer(CHUNKS, CHUNKS).ExportSources(source_pb2.ExportSourcesRequest(), ANY),
    "procedures": lambda: ProcedureServicer(CHUNKS, CHUNKS).ExportProcedures(
        procedure_pb2.ExportProceduresRequest(), ANY
    ),
    "recordings": lambda: RecordingServicer(CHUNKS, CHUNKS).ExportRecordings(
        recording_pb2.ExportRecordingsRequest(), ANY
    ),
    "transcripts": lambda: BatchServicer(CHUNKS, CHUNKS, CHUNKS, CHUNKS, Waits()).ExportTranscripts(
        batch_pb2.ExportTranscriptsRequest(), ANY
    ),
    "personas": lambda: PersonaServicer(DRAFTS, DRAFTS, DRAFTS).GeneratePersonas(
        persona_pb2.GeneratePersonasRequest(), ANY
    ),
}


@pytest.mark.parametrize("stream", STREAMS)
async def test_it_ends_where_the_token_expires(stream: str) -> None:
    set_caller(Caller("acme", frozenset({"*"}), expires=time.time() + 60))
    messages = STREAMS[stream]()

    await anext(messages)
    with pytest.raises(TokenExpired):
        await anext(messages)
