"""What all formats say in the same words."""

from services.evaluator.calibrations.model import Compared, Estimate, Finding, Group, Shown
from services.evaluator.calibrations.talk import MEANS

SIGN = {True: "✓", False: "✗"}


def name_of(group: Group) -> str:
    """What a group is called."""
    return group.display_name or group.persona or "All personas"


def headline(finding: Finding) -> str:
    """What was found, in one sentence."""
    every = finding.result.groups[0]
    beside = "farther than" if every.differs else "no farther than"
    return (
        f"Personas are at distance {every.distance.value:.3f} from people, {beside} one half of the people is from the "
        f"other: {between(every.floor)}."
    )


def farthest(group: Group) -> list[Compared]:
    """The measures in which a group differs from people, the farthest first."""
    return sorted((one for one in group.measures if one.differs), key=lambda one: -one.distance.value)


def short(one: Compared) -> str:
    """The name of a measure in running text."""
    return one.measure.replace("_", " ")


def between(estimate: Estimate) -> str:
    """An interval, as in `0.041 to 0.065`."""
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def way(one: Compared) -> str:
    """On which side of people the personas are: `above`, `below`, or `around` if that is not sure."""
    return "above" if one.shift.low > 0 else "below" if one.shift.high < 0 else "around"


def signed(value: float) -> str:
    """A shift with its sign."""
    return f"{value:+.2f}".replace("-", "−")


def number(value: float) -> str:
    """A mean, with few digits."""
    return f"{value:.1f}" if abs(value) >= 2 else f"{value:.3f}"


def declared(one: Shown) -> str:
    """What a trait should do, as in `questions above people`."""
    return f"{MEANS[one.measure]} {'above' if one.above else 'below'} people"


def notes(finding: Finding) -> list[str]:
    """What a reader should know, in sentences."""
    result = finding.result
    said = [
        "A distance is that of Kolmogorov and Smirnov between the conversations' values: 0 if they are distributed "
        "alike, 1 if no value overlaps. The floor is the distance of one half of the people from the other, in samples "
        "of the same size.",
        "A shift says how much more often personas are above people than below: from −1, always below, to 1.",
        "Intervals and bands are the middle 95 % of 200 random halves.",
    ]
    if result.after:
        said.append(
            "The personas went on from real conversations, whose openings are people's words. So all conversations are "
            "measured from the agent's first answer on."
        )
    if finding.left_out:
        said.append(
            f"{finding.left_out:,} conversations are left out: the user says nothing, or they were cut short by no "
            "fault of the agent."
        )
    return said
