"""Results for tests of reports."""

from collections.abc import Callable, Sequence

from services.evaluator.reports.build import build
from services.evaluator.reports.model import Report, ReportSpec
from services.evaluator.reports.results import Evaluated
from services.evaluator.scores.model import Expected, Measures, Outcome, Part, Score
from shared.model.events import Usage
from shared.model.expectations import Judgement

NEW, OLD = "evaluations/new", "evaluations/old"


def result(
    side: str,
    index: int,
    met: bool | None = True,
    *,
    source: str = "",
    persona: str = "",
    seed: int = 1,
    expectation: str = "called-refund",
) -> Score:
    """A result with one expectation. met: None for an invalid conversation."""
    found = Expected(
        expectation,
        "The agent refunds the order.",
        Judgement.MET if met else Judgement.MISSED,
        "" if met else "It never called refund; it called find_order twice.",
        () if met else (4, 6),
    )
    return Score(
        conversation=f"conversations/{side}-{index}",
        index=index,
        outcome=Outcome.INVALID if met is None else Outcome.PASSED if met else Outcome.FAILED,
        reason="MODEL_UNREACHABLE" if met is None else "",
        expectations=(found,),
        source=source and f"sources/{source}",
        persona=persona and f"personas/{persona}",
        persona_display_name=persona.title(),
        seed=seed,
        measures=Measures(turns=index + 1),
        covered=(Part("STEP", "0 greet", 1), Part("STEP", "1 refund", int(bool(met)))),
        usage=Usage(model_calls=1),
        end_reason="AGENT_ENDED",
    )


def evaluated(name: str, results: Sequence[Score]) -> Evaluated:
    """The evaluation with these results."""
    return Evaluated(name, f"batches/{name.partition('/')[2]}", results)


def side(name: str, passed: Callable[[int], bool | None], size: int = 50, seed: int = 1) -> Evaluated:
    """An evaluation of conversations from a source each, with five personas in turn."""
    label = name.partition("/")[2]
    personas = ("ada", "bo", "cy", "dee", "eli")
    return evaluated(
        name,
        [
            result(label, index, passed(index), source=f"s{index:02}", persona=personas[index % 5], seed=seed)
            for index in range(size)
        ],
    )


def compared(
    new: Callable[[int], bool | None], old: Callable[[int], bool | None], size: int = 50, spec: ReportSpec | None = None
) -> Report:
    """The report about two sides of the same sources, personas and seeds."""
    return build(spec or ReportSpec(NEW, OLD), side(NEW, new, size), side(OLD, old, size))
