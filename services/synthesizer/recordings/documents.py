"""A recorded call as a stored document."""

import json
import zlib
from collections.abc import Mapping

from shared.db.documents import RecordDamaged, reading_record
from shared.model.events import Json


def pack(request: Mapping[str, Json], answer: Mapping[str, Json]) -> bytes:
    """The document of a recording: compressed JSON, because each request repeats the conversation so far."""
    document = json.dumps({"v": 1, "request": request, "answer": answer}, separators=(",", ":"))
    return zlib.compress(document.encode(), 1)


def unpack(document: bytes) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """(request, answer) of a document. Raises RecordDamaged."""
    with reading_record():
        try:
            record = json.loads(zlib.decompress(document))
        except zlib.error as error:
            raise RecordDamaged from error
        return record["request"], record["answer"]
