"""How a pool and its workers speak: a length of eight bytes, then a pickle. Both ends are the same program."""

import struct

LENGTH = struct.Struct(">Q")


def frame(body: bytes) -> bytes:
    """body with its length in front."""
    return LENGTH.pack(len(body)) + body
