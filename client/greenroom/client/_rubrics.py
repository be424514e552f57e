"""Rubrics: what judges are asked, in revisions."""

from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._listing import Listing
from greenroom.evaluator.v1 import rubric_pb2 as pb
from greenroom.evaluator.v1.rubric_pb2_grpc import RubricServiceStub


class Rubrics:
    """The calls of RubricService. Names are `rubrics/{rubric}`; files YAML or JSON."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = RubricServiceStub(calls.channel)

    async def create(
        self, path: str | Path, *, external_id: str = "", ready: bool = False, request_id: str | None = None
    ) -> pb.CreateRubricResponse:
        """Store the rubric in a file with its first revision, a draft unless ready."""
        request = pb.CreateRubricRequest(
            file=_file(path), external_id=external_id, ready=ready, request_id=request_id or new_request_id()
        )
        return await self._calls.unary(self._stub.CreateRubric, request)

    async def add_revision(
        self, rubric: str, path: str | Path, *, ready: bool = False, request_id: str | None = None
    ) -> pb.RubricRevision:
        """Add the rubric in a file as the next revision, a draft unless ready."""
        request = pb.AddRubricRevisionRequest(
            rubric=rubric, file=_file(path), ready=ready, request_id=request_id or new_request_id()
        )
        return (await self._calls.unary(self._stub.AddRubricRevision, request)).revision

    async def update_revision(self, rubric: str, number: int, path: str | Path) -> pb.RubricRevision:
        """Replace the content of a draft by the rubric in a file."""
        request = pb.UpdateRubricRevisionRequest(rubric=rubric, number=number, file=_file(path))
        return (await self._calls.unary(self._stub.UpdateRubricRevision, request)).revision

    async def mark_ready(self, rubric: str, revision: int) -> pb.RubricRevision:
        """Make a revision ready, if it is not; it cannot change after that."""
        request = pb.MarkRubricReadyRequest(rubric=rubric, revision=revision)
        return (await self._calls.unary(self._stub.MarkRubricReady, request)).revision

    async def get(self, name: str, *, revision: int = 0) -> pb.GetRubricResponse:
        """A rubric and one of its revisions, 0 for the newest."""
        return await self._calls.unary(self._stub.GetRubric, pb.GetRubricRequest(name=name, revision=revision))

    def list(self, *, external_id: str = "", short_id: str = "") -> Listing[pb.Rubric]:
        """The rubrics, newest first. short_id: only those whose id begins or ends with it."""
        request = pb.ListRubricsRequest(external_id=external_id, short_id=short_id)
        return self._calls.listing(self._stub.ListRubrics, request, lambda page: page.rubrics)

    async def delete_revision(self, rubric: str, revision: int) -> None:
        """Delete a revision for good."""
        request = pb.DeleteRubricRevisionRequest(rubric=rubric, revision=revision)
        await self._calls.unary(self._stub.DeleteRubricRevision, request, again=False)

    async def delete(self, name: str) -> None:
        """Delete a rubric with its revisions, for good."""
        await self._calls.unary(self._stub.DeleteRubric, pb.DeleteRubricRequest(name=name), again=False)


def _file(path: str | Path) -> pb.RubricFile:
    path = Path(path)
    return pb.RubricFile(content=path.read_bytes(), file=path.name)
