"""Scores a conversation by its expectations."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from operator import attrgetter

from services.evaluator.scores.model import SCORERS, Expected, Measures, Outcome, Part, Score
from services.evaluator.scores.procedure import ProcedureParts, Times, covered
from services.evaluator.scores.transcript import Transcript
from shared.model.events import Fault
from shared.model.expectations import Expectation, Judgement

NONE = "-"
"""Stands for a persona or a source in a cell of the coverage if there is none."""


def score(
    transcript: Transcript, expectations: Sequence[Expectation], procedure: ProcedureParts | None = None
) -> Score:
    """The score of a conversation that is held to these expectations; see `expected_of`.

    It is invalid, and no expectation applies, if it says nothing about the agent. procedure: for the coverage of steps.
    """
    invalid, detail = _invalid(transcript)
    found = tuple(_judged(one, transcript, bool(invalid)) for one in expectations)
    blamed = transcript.fault is Fault.AGENT
    missed = any(one.outcome is Judgement.MISSED for one in found)
    outcome = Outcome.INVALID if invalid else Outcome.FAILED if blamed or missed else Outcome.PASSED
    seen = transcript.seen
    return Score(
        conversation=transcript.name,
        index=transcript.index,
        outcome=outcome,
        reason=invalid or (transcript.reason if blamed else ""),
        detail=detail or (transcript.detail if blamed else ""),
        fault=transcript.fault,
        expectations=found,
        source=transcript.source,
        persona=transcript.persona,
        persona_display_name=transcript.persona_display_name,
        procedure=transcript.procedure,
        revision=transcript.revision,
        seed=transcript.seed,
        measures=Measures(
            turns=seen.turns,
            repeats=seen.repeats,
            tool_calls=len(seen.calls),
            tool_errors=len(seen.failed_calls),
            virtual_seconds=seen.virtual_seconds,
            persona_flags=transcript.flags,
        ),
        covered=_covered(transcript, procedure, outcome),
        digest=transcript.digest,
        usage=transcript.usage,
        end_reason=transcript.reason,
    )


def score_key(transcript: Transcript, expectations: Sequence[Expectation]) -> str:
    """Equal for conversations of a company whose scores are equal but for `conversation` and `index`: a hash in hex."""
    # The digest leaves out ids, seqs and how it ended. A retried conversation has gaps in the seqs of its transcript.
    retried = transcript.name if transcript.attempt > 1 else ""
    persona = transcript.talk.declared
    expected = [one.digest for one in expectations]
    known = (SCORERS, retried, _known(transcript), transcript.seen.repeats, expected, persona)
    return sha256(repr(known).encode()).hexdigest()


_known = attrgetter(
    *("digest", "outcome", "reason", "detail", "fault", "flags", "severe", "steps", "usage.model_calls"),
    *("usage.input_tokens", "usage.output_tokens", "usage.cached_tokens", "usage.nanos", "usage.milliseconds"),
    *("source", "persona", "persona_display_name", "seed", "procedure", "revision"),
)


def _invalid(transcript: Transcript) -> tuple[str, str]:
    """Why the conversation says nothing about the agent, as a reason and a sentence; empty if it does."""
    if transcript.severe:
        return transcript.severe, "The persona fell out of its role, so the conversation says nothing about the agent."
    failed = transcript.outcome == "FAILED" and transcript.fault is not Fault.AGENT
    if failed or transcript.outcome == "CANCELLED":
        return transcript.reason, transcript.detail
    return "", ""


def _judged(expectation: Expectation, transcript: Transcript, invalid: bool) -> Expected:
    if invalid:
        return Expected(expectation.id, expectation.text, Judgement.NOT_APPLICABLE)
    found = expectation.judge(transcript.seen)
    return Expected(expectation.id, expectation.text, found.judgement, found.detail, found.evidence)


def _covered(transcript: Transcript, procedure: ProcedureParts | None, outcome: Outcome) -> tuple[Part, ...]:
    seen = transcript.seen
    times = {} if procedure is None else _step_counts(transcript, procedure)
    for tool, count in seen.counts.items():
        times["TOOL", tool] = count
    for call in seen.failed_calls:
        _count(times, "TOOL_ERROR", f"{call.tool} {call.error}")
    if not transcript.is_source:
        times["CELL", f"{transcript.persona or NONE} {transcript.source or NONE} {outcome.value}"] = 1
    return covered(procedure.parts if procedure is not None else (), times)


def _step_counts(transcript: Transcript, procedure: ProcedureParts) -> Times:
    times: Times = {}
    steps = [step for step in transcript.steps if step < len(procedure.steps)]
    for step in steps:
        _count(times, "STEP", procedure.steps[step].label)
    for step, following in pairwise(steps):
        if procedure.steps[step].branch and (way := procedure.way(step, following)):
            _count(times, "BRANCH", f"{procedure.steps[step].label} {way}")
    if not steps:
        # Of other agents, only calls show where they are.
        for part in procedure.steps:
            if part.tool and (count := transcript.seen.counts.get(part.tool)):
                times["STEP", part.label] = count
    return times


def _count(times: Times, kind: str, part: str) -> None:
    times[kind, part] = times.get((kind, part), 0) + 1
