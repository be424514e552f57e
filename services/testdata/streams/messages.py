"""Converts parameters and chunks from and to protos. Missing parameters get their defaults."""

from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp

from greenroom.testdata.v1 import trace_call_pb2 as pb
from services.testdata.traces.errors import ParametersInvalid
from services.testdata.traces.parameters import DAY, MONDAY, Arrival, Mode, Parameters
from shared.errors import Violation
from shared.rpc.values import enum_number, enum_value, timestamp

DEFAULTS = Parameters()

_DEFAULT_DAYS = 30
_MOST_DAYS = 3_660
_MOST_SESSIONS = 10**10
_LEAST_DECK = 10
_LAST_SECOND = 190_288_396_799
"""The end of 7999. A session may last a thousand years, and its times must still have four-digit years."""


def parameters(message: pb.TraceParameters, field: str) -> Parameters:
    """The parameters in a message. field: its path in the request. Raises ParametersInvalid with every fault."""
    if wrong := [Violation(f"{field}.{one.field}", one.description) for one in _faults(message)]:
        raise ParametersInvalid(violations=wrong)
    start = _milliseconds(message.start_time) if message.HasField("start_time") else MONDAY
    end = _milliseconds(message.end_time) if message.HasField("end_time") else start + _DEFAULT_DAYS * DAY
    has_sessions = message.HasField("sessions_per_user")
    return Parameters(
        users=message.users or DEFAULTS.users,
        sessions_mean=message.sessions_per_user.mean if has_sessions else DEFAULTS.sessions_mean,
        sessions_std=message.sessions_per_user.std if has_sessions else DEFAULTS.sessions_std,
        start=start,
        end=end,
        arrival=Arrival(enum_value(pb.TraceParameters.Arrival, "ARRIVAL", message.arrival) or DEFAULTS.arrival),
        user_types={one.name: one.weight for one in message.user_types} or DEFAULTS.user_types,
        cascade_rate=message.cascade_rate if message.HasField("cascade_rate") else DEFAULTS.cascade_rate,
        seed=message.seed,
        mode=Mode(enum_value(pb.TraceParameters.Mode, "MODE", message.mode) or DEFAULTS.mode),
        deck_size=message.deck_size or DEFAULTS.deck_size,
    )


def _faults(message: pb.TraceParameters) -> Iterator[Violation]:
    users, mean = message.users or DEFAULTS.users, message.sessions_per_user.mean or DEFAULTS.sessions_mean
    if users * mean > _MOST_SESSIONS:
        sentence = f"{users:,} users with {mean:,.9g} sessions each are more than {_MOST_SESSIONS:,} sessions."
        yield Violation("users", sentence)
    for name, time in (("start_time", message.start_time), ("end_time", message.end_time)):
        if not (0 <= time.seconds <= _LAST_SECOND and 0 <= time.nanos < 1_000_000_000):
            yield Violation(name, "Must lie in the years 1970 to 7999.")
    if message.HasField("end_time"):
        start = _milliseconds(message.start_time) if message.HasField("start_time") else MONDAY
        took = _milliseconds(message.end_time) - start
        if took <= 0:
            yield Violation("end_time", "Must be after start_time.")
        elif took > _MOST_DAYS * DAY:
            yield Violation("end_time", f"Must be within {_MOST_DAYS:,} days of start_time.")
    seen: set[str] = set()
    for index, one in enumerate(message.user_types):
        if one.name in seen:
            yield Violation(f"user_types[{index}].name", f"`{one.name}` is there already; names are unique.")
        seen.add(one.name)
    if 0 < message.deck_size < _LEAST_DECK:
        yield Violation("deck_size", f"Must be {_LEAST_DECK} or more, or 0 for {DEFAULTS.deck_size}.")


def _milliseconds(time: Timestamp) -> int:
    return time.seconds * 1000 + time.nanos // 1_000_000


def parameters_message(parameters: Parameters) -> pb.TraceParameters:
    """The parameters as a message, defaults included."""
    return pb.TraceParameters(
        users=parameters.users,
        sessions_per_user=pb.SessionsPerUser(mean=parameters.sessions_mean, std=parameters.sessions_std),
        start_time=timestamp(parameters.start) or Timestamp(),
        end_time=timestamp(parameters.end),
        arrival=enum_number(pb.TraceParameters.Arrival, "ARRIVAL", parameters.arrival),
        user_types=[pb.UserType(name=name, weight=weight) for name, weight in parameters.user_types.items()],
        cascade_rate=parameters.cascade_rate,
        seed=parameters.seed,
        mode=enum_number(pb.TraceParameters.Mode, "MODE", parameters.mode),
        deck_size=parameters.deck_size,
    )
