"""Where the conversations of an evaluation come from."""

from typing import Protocol

from services.evaluator.evaluations.model import EvaluationSpec, Lines, Revisions
from shared.auth import Caller


class Subjects(Protocol):
    """Reads conversations and procedures in the name of who starts an evaluation.

    Methods raise PeerUnavailable, and what the service that has the conversations says, such as that they are gone.
    """

    def check(self) -> None:
        """Check that this service can act for its callers. Raises HouseKeyMissing."""

    async def revisions(self, starter: Caller, spec: EvaluationSpec) -> Revisions | None:
        """The revisions that the conversations have; None if there are too many to look at.

        Raises NothingToEvaluate, ConversationNotOver.
        """

    async def revision(self, starter: Caller, procedure: str, number: int) -> bytes:
        """A revision of a procedure as proto JSON with the field names of the proto."""

    async def read(self, starter: Caller, spec: EvaluationSpec, position: str) -> Lines:
        """The conversations that follow a position ("" at the start), those that are over by now or within seconds."""
