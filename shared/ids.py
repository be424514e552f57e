"""Resource ids: UUIDv7 (RFC 9562, section 5.7), so that the order of names is the order of creation."""

import random
import re
import threading
import time

_lock = threading.Lock()
_last = 0
# Ids are not secret, and a system call for each would cost more than the rest of new_id.
_random = random.Random(random.SystemRandom().getrandbits(256))  # noqa: S311
_UUID7 = re.compile("([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-[0-9a-f]{4}-[0-9a-f]{12}")


def new_id() -> str:
    """A new UUIDv7, 36 characters. Later ids of a process sort after earlier ones, also within a millisecond and after
    the clock was set back.

    48 bits of Unix milliseconds, 12 bits that count up within a millisecond (monotonic method 1 of RFC 9562, section
    6.2), 62 random bits.
    """
    global _last
    with _lock:
        # Milliseconds and counter are one number, so a full counter carries into the milliseconds.
        _last = max(time.time_ns() // 1_000_000 << 12, _last + 1)
        stamp, tail = _last, _random.getrandbits(62)
    return _text(stamp, tail)


def continue_after(newest: str) -> None:
    """Make ids that sort after this one, also if the clock was set back since it was made."""
    global _last
    if (found := _UUID7.fullmatch(newest)) is not None:
        with _lock:
            _last = max(_last, int(found[1] + found[2], 16) << 12 | int(found[3], 16))


def first_id(milliseconds: int) -> str:
    """The lowest id of a time in Unix milliseconds: ids made before it sort before, ids made after it sort after."""
    return _text(milliseconds << 12, 0)


def _text(stamp: int, tail: int) -> str:
    number = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | tail
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
