"""python -m services.testdata"""

import sys

from services.testdata.app import build
from services.testdata.settings import TestdataSettings
from shared.rpc.serve import run

if __name__ == "__main__":
    sys.exit(run("testdata", TestdataSettings, build))
