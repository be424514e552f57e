"""One way of doing a piece of work, in a process of its own, timed on one core.

    python -m benchmarks.contestant MODULE FUNCTION CORE

The function prepares itself from a JSON object, the first line of the input, and returns the work: a function that does
one batch, given its number, and says how many units that was. A line of output says when it is warm. Every further line
of input is a number of seconds; the answer is how many units were done in about as much processor time, and in how much
exactly. It imports nothing that a peer's own environment may lack.
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
    """Prepare, warm up, and work as long as each line says."""
    module, function, core = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    # What a library prints must not land between the answers.
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
