"""Rehearsals: conversations, their evaluation and the report from one spec."""

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.gateway.v1 import rehearsal_pb2 as pb
from greenroom.gateway.v1.rehearsal_pb2_grpc import RehearsalServiceStub


class Rehearsals:
    """The calls of RehearsalService. Names are `rehearsals/{rehearsal}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = RehearsalServiceStub(calls.channel)

    async def start(self, spec: pb.RehearsalSpec, *, request_id: str | None = None) -> pb.Rehearsal:
        """Start a rehearsal."""
        request = pb.StartRehearsalRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartRehearsal, request)).rehearsal

    async def get(self, name: str) -> pb.Rehearsal:
        """One rehearsal with its counts, and with its report once there is one."""
        request = pb.GetRehearsalRequest(name=name)
        return (await self._calls.unary(self._stub.GetRehearsal, request)).rehearsal

    def list(
        self, *, state: pb.Rehearsal.State.ValueType = pb.Rehearsal.STATE_UNSPECIFIED, short_id: str = ""
    ) -> Listing[pb.Rehearsal]:
        """The rehearsals, newest first. short_id: only those whose id begins or ends with it."""
        request = pb.ListRehearsalsRequest(state=state, short_id=short_id)
        return self._calls.listing(self._stub.ListRehearsals, request, lambda page: page.rehearsals)

    def items(self, rehearsal: str) -> Listing[pb.RehearsalItem]:
        """One item per conversation, by side and index."""
        request = pb.ListRehearsalItemsRequest(rehearsal=rehearsal)
        return self._calls.listing(self._stub.ListRehearsalItems, request, lambda page: page.items)

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.RehearsalItem, pb.Rehearsal]:
        """The items as they get further, a turn at a time, until there is a report."""
        request = pb.WatchRehearsalRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchRehearsal, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.items, cursor, link)

    async def cancel(self, name: str) -> pb.Rehearsal:
        """Cancel a rehearsal with its batches, evaluations and judgements."""
        request = pb.CancelRehearsalRequest(name=name)
        return (await self._calls.unary(self._stub.CancelRehearsal, request)).rehearsal

    async def retry(self, name: str) -> pb.Rehearsal:
        """Continue a failed rehearsal, or resume the failed conversations of a completed one."""
        request = pb.RetryRehearsalRequest(name=name)
        return (await self._calls.unary(self._stub.RetryRehearsal, request, again=False)).rehearsal

    async def delete(self, name: str) -> None:
        """Delete a rehearsal that is over, with its report, evaluations and batches."""
        await self._calls.unary(self._stub.DeleteRehearsal, pb.DeleteRehearsalRequest(name=name), again=False)
