"""`python -m services.evaluator`, which SIGKILL ends when its append number KILL_AT is on disk, before it returns."""

import os
import signal
import sys

from services.evaluator.app import build
from services.evaluator.settings import EvaluatorSettings
from shared.rpc.serve import run
from tests.durable.killable import Countdown, tell_of_commits

if __name__ == "__main__":
    if kill_at := os.environ.get("KILL_AT"):
        tell_of_commits(Countdown(int(kill_at), signal.SIGKILL).tick)
    sys.exit(run("evaluator", EvaluatorSettings, build))
