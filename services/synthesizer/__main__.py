"""python -m services.synthesizer"""

import sys

from services.synthesizer.app import build
from services.synthesizer.settings import SynthesizerSettings
from shared.rpc.serve import run

if __name__ == "__main__":
    sys.exit(run("synthesizer", SynthesizerSettings, build))
