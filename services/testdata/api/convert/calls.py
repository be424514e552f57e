"""Calls."""

from greenroom.testdata.v1 import trace_call_pb2 as pb
from services.testdata.traces.sessions import Call
from shared.rpc.values import enum_number


def call_message(call: Call) -> pb.Call:
    """The call as a message."""
    return pb.Call(
        timestamp_ms=call.timestamp,
        user=call.user,
        user_type=call.user_type,
        session=call.session,
        endpoint=call.endpoint,
        method=call.method,
        status=call.status,
        latency_ms=call.latency_ms,
        params=call.params,
        fault_id=call.fault_id,
        fault_kind=enum_number(pb.Call.FaultKind, "FAULT_KIND", call.fault_kind.upper()),
    )
