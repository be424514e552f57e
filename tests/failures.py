"""A failed call, decoded: its code, reason and violations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2, status_pb2

from shared.errors import Violation
from shared.rpc.errors import DETAILS_KEY


@dataclass(eq=False)
class RpcFailure(Exception):
    """A failed call as its caller sees it. reason: empty if the failure did not come from Greenroom."""

    code: str
    sentence: str
    reason: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()

    def __str__(self) -> str:
        return self.sentence


def from_rpc_error(error: grpc.aio.AioRpcError) -> RpcFailure:
    """The failure that the server described; without details (lost connection, deadline) the reason is empty."""
    reason, details, violations = "", dict[str, str](), list[Violation]()
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            status = status_pb2.Status.FromString(value)
    for detail in status.details:
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, details = info.reason, dict(info.metadata)
        elif detail.Unpack(request):
            violations += [Violation(one.field, one.description) for one in request.field_violations]
    return RpcFailure(error.code().name, error.details() or "", reason, details, tuple(violations))
