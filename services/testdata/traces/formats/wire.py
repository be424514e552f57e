"""The protobuf wire format, for constant parts of messages."""

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
"""Wire types."""


def tag(field: int, wire_type: int) -> int:
    """The tag byte of a field from 1 to 15."""
    return field << 3 | wire_type


def varint(value: int) -> bytes:
    """A number from 0 as a varint."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def bytes_head(field: int, size: int) -> bytes:
    """Tag and length before `size` bytes."""
    return bytes([tag(field, BYTES)]) + varint(size)


def bytes_field(field: int, value: bytes) -> bytes:
    """A field of bytes or a message; written even if empty."""
    return bytes_head(field, len(value)) + value


def text_field(field: int, text: str) -> bytes:
    """A field of text; nothing if empty, as in proto3."""
    return bytes_field(field, text.encode()) if text else b""
