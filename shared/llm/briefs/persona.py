"""The brief of a persona."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonaBrief:
    """The facts in the system text of a persona. Those of `Persona` and `Personality` have the same names.

    response_length: SHORT, MEDIUM or LONG. objection_likelihood: LOW, MEDIUM or HIGH.
    language: in which it writes; "" is the agent's.
    opening: what the real customer said up to the start point.
    material: (agent's words just before, customer's answer) after the start point; "" if the agent said nothing.
    """

    display_name: str
    description: str
    tone: str
    response_length: str
    objection_likelihood: str
    behaviour_traits: tuple[str, ...]
    goal: str
    opening: tuple[str, ...] = ()
    material: tuple[tuple[str, str], ...] = ()
    language: str = ""
