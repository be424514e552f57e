"""Run one way of doing the work in its own process, and time it on one core.

    python -m benchmarks.contestant MODULE FUNCTION CORE

The first line of input is a JSON object. FUNCTION takes it and returns the work: a function that takes a batch number,
does that batch and returns the number of units done. The first line of output says that the work is warm. Each further
line of input is a number of seconds; the program works for about that much processor time and answers with a JSON list:
units done, processor seconds spent. This module imports only the standard library, because a peer's environment may
lack everything else.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[int], int]
Way = Callable[[Mapping[str, Any]], Work]


def main() -> None:
    """Prepare, warm up, and work for the time that each line gives."""
    module, function, core = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    # Send what a library prints to standard error, so that it does not mix with the answers.
    os.dup2(2, 1)
    os.sched_setaffinity(0, {int(core)})
    way: Way = getattr(importlib.import_module(module), function)
    work = way(json.loads(sys.stdin.readline()))
    batch = 0
    print(work(batch), file=answers, flush=True)
    for line in sys.stdin:
        units, started = 0, time.process_time()
        while (spent := time.process_time() - started) < float(line):
            batch += 1
            units += work(batch)
        print(json.dumps([units, spent]), file=answers, flush=True)


if __name__ == "__main__":
    main()
