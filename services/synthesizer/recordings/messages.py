"""Recordings as messages."""

import json

from greenroom.synthesizer.v1 import recording_pb2 as pb
from services.synthesizer.recordings.documents import unpack
from services.synthesizer.recordings.model import RecordingFilter, StoredCall, failure_of, usage_of
from shared.model.events import Json
from shared.rpc.events import usage_message
from shared.rpc.values import timestamp


def recording_message(stored: StoredCall, answer: Json) -> pb.Recording:
    """The recording as a message. answer: the one in its document."""
    call, usage = stored.call, usage_of(answer)
    return pb.Recording(
        name=stored.name,
        batch=call.batch,
        conversation=call.conversation,
        attempt=call.attempt,
        model=call.model,
        seed=call.seed,
        index=call.index,
        seq=call.seq,
        repeat=call.repeat,
        digest=call.digest,
        usage=None if usage is None else usage_message(usage),
        failure=failure_of(answer),
        create_time=timestamp(stored.create_time),
    )


def recording_response(stored: StoredCall) -> pb.GetRecordingResponse:
    """The recording with its request and answer. Raises RecordDamaged."""
    request, answer = unpack(stored.document)
    return pb.GetRecordingResponse(
        recording=recording_message(stored, answer),
        request_json=json.dumps(request),
        answer_json=json.dumps(answer),
    )


def recording_filter(message: pb.RecordingFilter) -> RecordingFilter:
    """The filter in a message."""
    return RecordingFilter(batch=message.batch)
