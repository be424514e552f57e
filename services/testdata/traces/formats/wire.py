"""The wire format of protobuf, as far as constant parts of messages need it."""

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
"""Wire types."""


def tag(field: int, wire_type: int) -> int:
    """The byte before a value, for fields 1 to 15."""
    return field << 3 | wire_type


def varint(value: int) -> bytes:
    """A number from 0 on."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def bytes_head(field: int, size: int) -> bytes:
    """What comes before so many bytes to make them a field."""
    return bytes([tag(field, BYTES)]) + varint(size)


def bytes_field(field: int, value: bytes) -> bytes:
    """A field of bytes or of a message, also when it is empty."""
    return bytes_head(field, len(value)) + value


def text_field(field: int, text: str) -> bytes:
    """A field of text; nothing when it is empty, as proto3 has it."""
    return bytes_field(field, text.encode()) if text else b""
