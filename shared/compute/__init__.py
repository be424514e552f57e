"""A pool of processes for work that holds the processor, so that the event loop never waits for it."""

from shared.compute.pool import Compute, WorkerCrashed, WorkFailed

__all__ = ["Compute", "WorkFailed", "WorkerCrashed"]
