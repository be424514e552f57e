"""python -m services.gateway"""

import sys

from services.gateway.app import build
from services.gateway.settings import GatewaySettings
from shared.rpc.serve import run

if __name__ == "__main__":
    sys.exit(run("gateway", GatewaySettings, build))
