"""Calibrations: what is compared, how far the reading is, and what was found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from services.evaluator.calibrations.talk import MEASURES, Values
from services.evaluator.calibrations.traits import Trait
from shared.model.events import Json

if TYPE_CHECKING:  # worker processes import this module, and the callers' would take them seconds
    from shared.auth import Caller

MEASURERS = "1"
"""The version of the measures. It changes whenever any number may change."""
PREFIX = "calibrations/"


@dataclass(frozen=True, slots=True)
class CalibrationSpec:
    """What is compared; see CalibrationSpec of the contract.

    batch, sources, conversations: how personas talk; exactly one is set.
    people: a SourceFilter, of real conversations; None until it is known which.
    Filters are in proto JSON with the field names of the protos.
    """

    batch: str = ""
    sources: Mapping[str, Json] | None = None
    conversations: tuple[str, ...] = ()
    people: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The body of a calibration's work.

    starter: who started it, in whose name conversations are read.
    reads_people: False while the conversations of personas are read, which come first. position: where reading goes on.
    people, personas, left_out: how many conversations were measured, and how many were not.
    measurers: the version of the measures. result: None until it is completed.
    """

    spec: CalibrationSpec
    starter: "Caller"
    reads_people: bool = False
    position: str = ""
    people: int = 0
    personas: int = 0
    left_out: int = 0
    measurers: str = MEASURERS
    result: "Result | None" = None


class Estimate(NamedTuple):
    """A number with its interval, 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """How a conversation's user talks.

    conversation: `conversations/…` or `sources/…`. is_person: False if a persona plays the user.
    copied: True if the conversation goes on from a source. whole: from its beginning; after: from the agent's first
    answer on; None if the user says nothing there, or if the conversation is left out. traits: the persona's, as far as
    they show in a measure.
    """

    conversation: str
    is_person: bool
    persona: str = ""
    display_name: str = ""
    copied: bool = False
    whole: Values | None = None
    after: Values | None = None
    traits: tuple[Trait, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure of personas beside people.

    people, personas: the means. people_count, personas_count: how many conversations have the measure.
    distance: of the personas from half of the people. floor: of one half of the people from the other.
    shift: how much more often personas are above people than below, -1 to 1.
    """

    measure: str
    people: float
    personas: float
    people_count: int
    personas_count: int
    distance: Estimate
    floor: Estimate
    shift: Estimate

    @property
    def differs(self) -> bool:
        """True if the personas are farther from people than people are from each other."""
        return self.distance.value > self.floor.high


@dataclass(frozen=True, slots=True)
class Shown:
    """A declared trait of a persona. shown: True if the shift of the measure is surely on the declared side."""

    trait: str
    measure: str
    above: bool
    shown: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One persona beside people, or all of them: then persona and display_name are "".

    distance, floor: the means over the measures.
    """

    persona: str
    display_name: str
    conversations: int
    distance: Estimate
    floor: Estimate
    measures: tuple[Compared, ...] = ()
    traits: tuple[Shown, ...] = ()

    @property
    def differs(self) -> bool:
        """True if it is farther from people than people are from each other."""
        return self.distance.value > self.floor.high


@dataclass(frozen=True, slots=True)
class Result:
    """What was found. after: True if conversations are measured from the agent's first answer on.

    people, personas: how many conversations were compared. groups: all personas together, then each one.
    """

    after: bool
    people: int
    personas: int
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A completed calibration, as files show it. create_time: Unix milliseconds."""

    name: str
    spec: CalibrationSpec
    result: Result
    left_out: int
    creator: str
    create_time: int


def pack_measured(one: Measured) -> bytes:
    """The measures of a conversation as an event."""
    record = {name: getattr(one, name) for name in Measured.__dataclass_fields__}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def unpack_measured(event: bytes) -> Measured:
    """The inverse of `pack_measured`."""
    record: dict[str, Any] = json.loads(event)
    lists = {name: record[name] and tuple(record[name]) for name in ("whole", "after")}
    return Measured(**record | lists | {"traits": tuple(Trait(*one) for one in record["traits"])})


def by_measure(values: Sequence[float | None]) -> dict[str, float]:
    """The values by the names of their measures, without those that are not known."""
    return {one.name: value for one, value in zip(MEASURES, values, strict=False) if value is not None}
