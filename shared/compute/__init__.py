"""A pool of processes for CPU-bound work, so that the event loop never waits for it."""

from shared.compute.errors import TooMuchMemory, WorkerCrashed, WorkFailed
from shared.compute.pool import Compute

__all__ = ["Compute", "TooMuchMemory", "WorkFailed", "WorkerCrashed"]
