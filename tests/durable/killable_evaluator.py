"""`python -m services.evaluator`, which SIGKILL ends at a moment that a variable sets:

KILL_AT=3           when its third append is on disk, before the append returns
KILL_AT=record:12   when the 12th answer of a judge's model is on disk, before it is used
"""

import os
import signal
import sys

from services.evaluator.app import build
from services.evaluator.settings import EvaluatorSettings
from shared.rpc.serve import run
from tests.durable.killable import Countdown, tell_of_commits, tell_of_records

if __name__ == "__main__":
    if kill_at := os.environ.get("KILL_AT"):
        where, _, count = kill_at.rpartition(":")
        (tell_of_records if where else tell_of_commits)(Countdown(int(count), signal.SIGKILL).tick)
    sys.exit(run("evaluator", EvaluatorSettings, build))
