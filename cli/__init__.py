"""The `greenroom` command: a client of the gateway, and `greenroom up`, which starts everything."""

import os

# gRPC's own log lines would stand between ours. It reads this when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
