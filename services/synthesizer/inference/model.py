"""What recorded conversations show, and how many of them show it."""

from dataclasses import dataclass

from services.synthesizer.personas.model import Persona
from shared.model.events import Json
from shared.model.steps import Step, Tool


@dataclass(frozen=True, slots=True)
class Support:
    """How much supports a claim. records: how many show it. of: how many could."""

    records: int
    of: int


@dataclass(frozen=True, slots=True)
class SchemaSupport:
    """The support of a part of a schema: a property, or its `enum` or `format`. pointer: a JSON Pointer to it."""

    pointer: str
    support: Support


@dataclass(frozen=True, slots=True)
class InferredTool:
    """A tool, and how much supports it.

    offers: how many conversations offer it with a schema of its arguments. answers: how many calls were answered.
    answer, answer_records: the commonest answer and how many calls have it; 0 without a short one.
    """

    tool: Tool
    calls: int
    conversations: int
    offers: int
    answers: int
    arguments: tuple[SchemaSupport, ...]
    results: tuple[SchemaSupport, ...]
    answer: Json = None
    answer_records: int = 0


@dataclass(frozen=True, slots=True)
class InferredPersona:
    """A kind of customer, and how many of the conversations that could be measured have one."""

    persona: Persona
    support: Support


@dataclass(frozen=True, slots=True)
class Inferred:
    """The procedure and the personas. instructions_support, steps_support: None without instructions, or steps.

    notes: what was left out or could not be inferred, a sentence each.
    """

    instructions: str
    instructions_support: Support | None
    steps: tuple[Step, ...]
    steps_support: Support | None
    tools: tuple[InferredTool, ...]
    personas: tuple[InferredPersona, ...]
    notes: tuple[str, ...]
