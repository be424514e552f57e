"""How much room a file may take: one budget in bytes for what it unpacks and decodes to, one memory limit for a worker,
and the sizes that files and their parts may have at all.

The budget and the memory grow with the size of the file, so a small file is never worth much memory, and a large log
can still be learned.
"""

MIB = 1 << 20

MAX_YAML = 4 * MIB
MAX_LINE = 4 * MIB
"""The most bytes of a line of an import; a longer line is skipped."""
MAX_TABLE = 1024 * MIB
"""The most bytes of a table of messages."""
MAX_RESOURCE_SET = 32 * MIB
"""The most bytes of a resource set's data as JSON."""
MAX_DISCOVERED = 32 * MIB
"""The most bytes of all files that a domain is discovered from, as they are sent."""
MAX_LOG = 256 * MIB
"""The most bytes of a log that is uploaded."""
MAX_LOG_LINE = 1 * MIB
"""The most bytes of a line of a log; a longer line is skipped."""
MAX_LOG_DOCUMENT = 256 * MIB
"""The most bytes of one JSON document of a log, which is read into memory whole."""

UNPACKED_LEAST = 64 * MIB
UNPACKED_TIMES = 100
"""Logs shrink to a tenth or a fiftieth when packed; what shrinks to less was made to."""

MEMORY_LEAST = 352 * MIB
"""Of this, Python, NumPy, Arrow and Numba take 210 MiB. Libraries mapped from disk come on top, about 100 MiB."""
MEMORY_TIMES = 64
"""A byte of a log takes up to 10 bytes of memory while it is read and sorted, packed ones up to 50."""

ROOM = 64 * MIB
"""A worker whose earlier work left it less than this of the next work's memory does not get that work."""

KEPT = 384 * MIB
"""A worker that has more resident memory than this after its work ends, so that the memory is free again."""


class TooManyBytes(Exception):
    """The file unpacks or decodes to more bytes than its budget."""


class Budget:
    """The bytes that a file of `size` bytes may unpack to, and that its values may take when they are decoded."""

    def __init__(self, size: int) -> None:
        self.most = UNPACKED_LEAST + UNPACKED_TIMES * size
        self._left = self.most

    def spend(self, count: int) -> None:
        """Count bytes, before they are held if possible. Raises TooManyBytes."""
        self._left -= count
        if self._left < 0:
            raise TooManyBytes


def memory_bytes(size: int) -> int:
    """The memory that a worker may take while it reads input of `size` bytes."""
    return MEMORY_LEAST + MEMORY_TIMES * size
