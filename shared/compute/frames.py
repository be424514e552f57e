"""The messages between a pool and its workers: a length of eight bytes, then a pickle. Both ends run the same code."""

import struct

LENGTH = struct.Struct(">Q")


def frame(body: bytes) -> bytes:
    """`body` with its length in front."""
    return LENGTH.pack(len(body)) + body
