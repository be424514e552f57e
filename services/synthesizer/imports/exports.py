"""Exports: lines cut into chunks with cursors."""

from collections.abc import AsyncIterator, Awaitable, Callable

from shared.rpc.cursors import CursorExpired, Position, decode_token, encode_token, malformed, number

CHUNK_BYTES = 1 << 20
AT_ONCE = 25
"""Records to read and write at once."""
_WHOLE = ("", 0, 0)
"""No line is received in part."""


async def chunks(
    kind: str, scope: str, cursor: str, lines: Callable[[str], Awaitable[list[tuple[str, bytes]]]]
) -> AsyncIterator[tuple[bytes, str]]:
    """Cut lines into chunks of up to CHUNK_BYTES, each with the cursor that continues after it.

    kind, scope: of the cursors, see `encode_token`.
    A cursor holds the name of the last line received whole, and of a line received in part its name, the bytes received
    and its length. lines: returns the next names and lines after a name; none at the end.

    Raises CursorMalformed, CursorForeign, and CursorExpired if the line that the cursor cuts has changed.
    """
    after, cut, sent, length = _read(kind, scope, cursor)
    held = b""
    while page := await lines(after):
        for name, line in page:
            if sent and (name, len(line)) != (cut, length):
                raise CursorExpired
            held += line[sent:]
            sent = 0
            while len(held) >= CHUNK_BYTES:
                chunk, held = held[:CHUNK_BYTES], held[CHUNK_BYTES:]
                rest = len(held)
                position: Position = [after, name, len(line) - rest, len(line)] if rest else [name, *_WHOLE]
                yield chunk, encode_token(kind, scope, position)
            after = name
    if sent:
        raise CursorExpired
    if held:
        yield held, encode_token(kind, scope, [after, *_WHOLE])


def _read(kind: str, scope: str, cursor: str) -> tuple[str, str, int, int]:
    if not cursor:
        return "", *_WHOLE
    match decode_token(kind, scope, cursor):
        case [str(after), str(name), sent, length] if after.isprintable():
            return after, name, number(sent, field="cursor"), number(length, field="cursor")
        case _:
            raise malformed("cursor")
