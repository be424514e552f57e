"""`python -m services.testdata`, killed just before an append to its log is stored.

KILL_AT=3   before the third append: the work that it reports, such as a written part, is done but not in the log
"""

import itertools
import os
import signal
import sys

from services.testdata.app import build
from services.testdata.settings import TestdataSettings
from shared.db.appends import Append, Appended
from shared.db.writer import Writer
from shared.rpc.serve import run


def main() -> int:
    """Serve until the kill."""
    stored, count, last = Writer.append, itertools.count(1), int(os.environ.get("KILL_AT", "0"))

    async def perhaps(self: Writer, append: Append) -> Appended:
        if next(count) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return await stored(self, append)

    Writer.append = perhaps  # type: ignore[method-assign]
    return run("testdata", TestdataSettings, build)


if __name__ == "__main__":
    sys.exit(main())
