"""python -m services.evaluator"""

import sys

from services.evaluator.app import build
from services.evaluator.settings import EvaluatorSettings
from shared.rpc.serve import run

if __name__ == "__main__":
    sys.exit(run("evaluator", EvaluatorSettings, build))
