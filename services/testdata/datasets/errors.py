"""What can be wrong with a dataset, with a call about one, or with its destination."""

from shared.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound


class DatasetNotFound(NotFound):
    """There is no dataset {name}."""

    reason = "DATASET_NOT_FOUND"


class DestinationInvalid(InvalidArgument):
    """A dataset cannot be written there; the field violation says which destinations are allowed."""

    reason = "DESTINATION_INVALID"


class DestinationTaken(AlreadyExists):
    """Another dataset uses {destination}; choose another one, or delete that dataset and move its files away."""

    reason = "DESTINATION_TAKEN"


class DatasetNotCancellable(FailedPrecondition):
    """{name} is {state}; only a dataset that is not over can be cancelled."""

    reason = "DATASET_OVER"


class DatasetNotRetriable(FailedPrecondition):
    """{name} was cancelled; start a new dataset, with another destination."""

    reason = "DATASET_NOT_RETRIABLE"


class DatasetNotOver(FailedPrecondition):
    """{name} is {state}; cancel it before you delete it."""

    reason = "DATASET_NOT_OVER"


class DestinationFailed(FailedPrecondition):
    """Nothing can be written to {location}."""

    reason = "DESTINATION_FAILED"


class DestinationNotEmpty(DestinationFailed):
    """{location} already holds files; choose another destination, or move them away and retry."""

    reason = "DESTINATION_NOT_EMPTY"


class DestinationUnwritable(DestinationFailed):
    """{location} cannot be written: {problem}. Let the server's user write there, then retry."""

    reason = "DESTINATION_UNWRITABLE"


class DestinationFull(DestinationFailed):
    """There is no room for {location}: {problem}; {free} are free, and {more}. Make room, then retry."""

    reason = "DESTINATION_FULL"


class BucketNotAllowed(DestinationFailed):
    """The server no longer allows the bucket of {location}; allow it again, then retry."""

    reason = "BUCKET_NOT_ALLOWED"


class BucketMissing(DestinationFailed):
    """There is no bucket for {location}; create it, then retry."""

    reason = "BUCKET_MISSING"


class BucketRefused(DestinationFailed):
    """The server's credentials do not allow it to write {location}; correct them, then retry."""

    reason = "BUCKET_REFUSED"


class BucketUnreachable(DestinationFailed):
    """{location} does not answer like an S3 bucket; check that its service runs and is reachable, then retry."""

    reason = "BUCKET_UNREACHABLE"


class PartFailed(FailedPrecondition):
    """{file} could not be written: its process ended {times} times, usually because memory ran out. Free some, then retry."""  # noqa: E501

    reason = "PART_FAILED"
