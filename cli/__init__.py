"""The `greenroom` command: a client of the gateway, and `greenroom up`, which starts everything."""

import os

# Keep gRPC's log lines out of our output. gRPC reads this variable when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
