"""Briefs: the facts in a system text, for a model that reads no prose."""

from shared.llm.briefs.agent import AgentBrief
from shared.llm.briefs.generation import GenerationBrief, Measured, Situation
from shared.llm.briefs.judge import JudgeBrief, JudgedCriterion
from shared.llm.briefs.persona import PersonaBrief
from shared.llm.briefs.review import ReviewBrief

__all__ = [
    "AgentBrief",
    "GenerationBrief",
    "JudgeBrief",
    "JudgedCriterion",
    "Measured",
    "PersonaBrief",
    "ReviewBrief",
    "Situation",
]
