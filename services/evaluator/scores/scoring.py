"""Scores a conversation by its expectations."""

import json
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

from services.evaluator.scores.model import SCORERS, Expected, Measures, Outcome, Part, Score
from services.evaluator.scores.procedure import ProcedureParts, covered
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
    known = [
        *(
            SCORERS,
            transcript.digest,
            retried,
            transcript.outcome,
            transcript.reason,
            transcript.detail,
            transcript.fault,
        ),
        *(transcript.flags, transcript.severe, transcript.seen.repeats, transcript.steps, repr(transcript.usage)),
        *(transcript.source, transcript.persona, transcript.persona_display_name, transcript.seed),
        *(transcript.procedure, transcript.revision),
        *(expectation.digest for expectation in expectations),
    ]
    return sha256(_encode(known).encode()).hexdigest()


_encode = json.JSONEncoder(separators=(",", ":")).encode


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
    times: Counter[tuple[str, str]] = Counter()
    seen = transcript.seen
    if procedure is not None:
        _count_steps(times, transcript, procedure)
    for tool, count in seen.counts.items():
        times["TOOL", tool] = count
    times.update(("TOOL_ERROR", f"{call.tool} {call.error}") for call in seen.failed_calls)
    if not transcript.is_source:
        times["CELL", f"{transcript.persona or NONE} {transcript.source or NONE} {outcome.value}"] = 1
    return covered(procedure.parts if procedure is not None else (), times)


def _count_steps(times: Counter[tuple[str, str]], transcript: Transcript, procedure: ProcedureParts) -> None:
    steps = [step for step in transcript.steps if step < len(procedure.steps)]
    times.update(("STEP", procedure.steps[step].label) for step in steps)
    for step, following in pairwise(steps):
        if procedure.steps[step].branch and (way := procedure.way(step, following)):
            times["BRANCH", f"{procedure.steps[step].label} {way}"] += 1
    if not steps:
        # Of other agents, only calls show where they are.
        for part in procedure.steps:
            if part.tool and (count := transcript.seen.counts.get(part.tool)):
                times["STEP", part.label] = count
