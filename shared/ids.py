"""Resource ids: UUIDv7 (RFC 9562, section 5.7), so that the order of names is the order of creation."""

import random
import threading
import time

_lock = threading.Lock()
_last = 0
# Ids are no secrets; a call of the kernel's for each would cost more than all the rest.
_random = random.Random(random.SystemRandom().getrandbits(256))  # noqa: S311


def new_id() -> str:
    """A UUIDv7, 36 characters; later ids of one process sort after earlier ones, also within a millisecond.

    48 bits of Unix milliseconds, 12 bits that count up within a millisecond (monotonic method 1 of RFC 9562, section
    6.2), 62 random bits.
    """
    global _last
    with _lock:
        # Milliseconds and counter form one number, so an overrun of the counter carries into the time.
        _last = max(time.time_ns() // 1_000_000 << 12, _last + 1)
        stamp, tail = _last, _random.getrandbits(62)
    return _text(stamp, tail)


def first_id(milliseconds: int) -> str:
    """What all ids made at a time in Unix milliseconds or later sort after, and all made before it sort before."""
    return _text(milliseconds << 12, 0)


def _text(stamp: int, tail: int) -> str:
    number = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | tail
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
