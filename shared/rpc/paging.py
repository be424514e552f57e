"""`page_size`, `page_token` and `next_page_token` of every List method (AIP-158)."""

from dataclasses import dataclass
from hashlib import blake2b

from google.protobuf.message import Message

from shared.auth import caller
from shared.errors import InvalidArgument, Violation
from shared.rpc.cursors import Position, decode_token, encode_token

DEFAULT_SIZE = 50
LARGEST_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """The requested part of a list. size: rows, 1 to 1000. after: the position after which it starts; None at first."""

    size: int
    after: Position
    _kind: str
    _scope: str

    def token(self, position: Position) -> str:
        """The `next_page_token` of a page that ends at `position`."""
        return encode_token(self._kind, self._scope, position)


def read_page(request: Message) -> Page:
    """The page that a List request asks for. Its token is bound to the rest of the request and the caller's company.

    Raises InvalidArgument for a negative page_size, and what decode_token raises.
    """
    size, token = request.page_size, request.page_token  # type: ignore[attr-defined]
    if size < 0:
        raise InvalidArgument(violations=[Violation("page_size", "Must be 0, for the default, or more.")])
    kind, scope = request.DESCRIPTOR.full_name, _scope(request)
    after = decode_token(kind, scope, token, field="page_token") if token else None
    return Page(min(size or DEFAULT_SIZE, LARGEST_SIZE), after, kind, scope)


def _scope(request: Message) -> str:
    rest = type(request)()
    rest.CopyFrom(request)
    rest.ClearField("page_size")
    rest.ClearField("page_token")
    digest = blake2b(rest.SerializeToString(deterministic=True), digest_size=16).hexdigest()
    return f"{caller().company}\n{digest}"
