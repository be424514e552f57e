"""python -m services.enricher"""

import sys

from services.enricher.app import build
from services.enricher.settings import EnricherSettings
from shared.rpc.serve import run

if __name__ == "__main__":
    sys.exit(run("enricher", EnricherSettings, build))
