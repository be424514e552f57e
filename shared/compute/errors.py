"""What can go wrong with work in another process."""

from shared.errors import FailedPrecondition, GreenroomError, Unavailable


class WorkerCrashed(Unavailable):
    """The worker process ended before its work was done; try again."""

    reason = "WORKER_CRASHED"


class WorkFailed(GreenroomError):
    """A computation failed because of an internal error; the log has the cause."""

    reason = "WORK_FAILED"

    def __init__(self, text: str) -> None:
        super().__init__()
        self.add_note(text)


class TooMuchMemory(FailedPrecondition):
    """What was sent takes more than {most} MiB of memory to read, too much for its size; send a part of it."""

    reason = "TOO_MUCH_MEMORY"
