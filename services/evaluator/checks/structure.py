"""Soundness of a campaign's graph: every step can be reached, every way has an end, and no cycle runs without time."""

from collections import Counter
from collections.abc import Iterator

from services.evaluator.checks.graph import Graph
from services.evaluator.checks.model import Issue, Severity
from shared.model.campaigns.expectations import GoalExpected
from shared.model.campaigns.model import Campaign, Condition, Delay, Exit, Goal, Split, Step, WaitForReply
from shared.words import counted
from shared.yaml import near

_NEAR = 50
"""The most unknown steps for which near names are looked up, which takes its time."""


def structure_issues(campaign: Campaign) -> Iterator[Issue]:
    """What is wrong with the graph."""
    if not campaign.steps:
        yield Issue(Severity.ERROR, "no_steps", "", "The campaign has no steps.", "Add a message and an exit.")
        return
    graph = Graph(campaign)
    yield from _ids(campaign)
    yield from _targets(campaign, graph)
    reachable = graph.reachable()
    first = campaign.steps[graph.start].id if graph.start is not None else ""
    for number, step in enumerate(campaign.steps):
        if number not in reachable and graph.index[step.id] == number and graph.start is not None:
            yield Issue(
                Severity.WARNING,
                "orphan_step",
                step.id,
                f"No way leads from `{first}` to the step `{step.id}`.",
                "Let a step lead to it, or delete it.",
            )
        yield from _dead_ends(step)
    yield from _traps(campaign, graph, reachable)
    yield from _cycles_without_time(campaign, graph)


def _ids(campaign: Campaign) -> Iterator[Issue]:
    for step, count in Counter(step.id for step in campaign.steps).items():
        if count > 1:
            yield Issue(
                Severity.ERROR,
                "duplicate_id",
                step,
                f"The id `{step}` names {count} steps.",
                "Give each step an id of its own.",
            )


def _targets(campaign: Campaign, graph: Graph) -> Iterator[Issue]:
    wrong = 0

    def hint(target: str) -> str:
        return near(target, graph.index) if wrong <= _NEAR else ""

    if campaign.start and campaign.start not in graph.index:
        yield Issue(
            Severity.ERROR,
            "unknown_target",
            "",
            f"The campaign starts at `{campaign.start}`, which is no step{hint(campaign.start)}.",
            "Name the id of a step as `start`.",
        )
    for step in campaign.steps:
        for edge in step.edges:
            if edge.target not in graph.index:
                wrong += 1
                yield Issue(
                    Severity.ERROR,
                    "unknown_target",
                    step.id,
                    f"`{edge.branch}` of the step `{step.id}` leads to `{edge.target}`, which is no step"
                    f"{hint(edge.target)}.",
                    "Name the id of a step.",
                )
    goals = {step.id for step in campaign.steps if isinstance(step.action, Goal)}
    for expectation in campaign.expectations:
        if isinstance(expectation, GoalExpected) and (expectation.goal not in goals if expectation.goal else not goals):
            named = f"the goal `{expectation.goal}`" if expectation.goal else "a goal"
            yield Issue(
                Severity.ERROR,
                "unknown_goal",
                "",
                f"An expectation names {named}, and no goal has that id{near(expectation.goal, goals)}."
                if expectation.goal
                else "An expectation needs a goal, and the campaign has none.",
                "Name the id of a step of kind `goal`.",
            )


def _dead_ends(step: Step) -> Iterator[Issue]:
    """Ways that lead nowhere. A condition without an else is a matter of logic."""
    match step.action:
        case Exit():
            if step.next:
                yield Issue(
                    Severity.WARNING,
                    "next_after_exit",
                    step.id,
                    f"The exit `{step.id}` has a next step, which it never reaches.",
                    "Delete `next`, or the exit.",
                )
            return
        case Goal():
            return
        case Condition() as condition:
            nowhere = [name for name, branch in condition.named if not branch.next]
            if not step.edges:
                nowhere = ["every branch"]
        case Split(arms):
            nowhere = [arm.name for arm in arms if not arm.next] if arms else ["every arm"]
        case WaitForReply(on_timeout=on_timeout) if not step.next and on_timeout:
            nowhere = ["reply"]
        case _:
            nowhere = [] if step.edges else ["next"]
    if nowhere:
        yield Issue(
            Severity.ERROR,
            "dead_end",
            step.id,
            f"The step `{step.id}` leads nowhere by {', '.join(nowhere)}, and is no goal or exit.",
            "Name the step that follows, or let it lead to an exit.",
        )


def takes_time(step: Step) -> bool:
    """True if the contact certainly waits at the step, unless a reply ends the wait."""
    match step.action:
        case WaitForReply(timeout):
            return timeout > 0
        case Delay(duration):
            return (duration or 0) > 0  # a time of day or a weekday may be now
    return False


def _traps(campaign: Campaign, graph: Graph, reachable: set[int]) -> Iterator[Issue]:
    """Cycles that nothing leaves, and the steps where contacts enter a part without an end."""
    steps = campaign.steps
    ends = [
        number
        for number, step in enumerate(steps)
        if isinstance(step.action, Goal | Exit) or len(graph.targets[number]) < max(1, len(step.edges))
    ]
    sound = graph.leading_to(ends)
    trapped = {number for number in range(len(steps)) if number not in sound}
    in_cycles: set[int] = set()
    for cycle in graph.cycles(lambda number: number in trapped):
        in_cycles.update(cycle)
        inside = set(cycle)
        if all(target in inside for number in cycle for target in graph.targets[number]):
            step = steps[cycle[0]].id
            yield Issue(
                Severity.ERROR,
                "infinite_loop",
                step,
                f"The step `{step}` is in a cycle of {counted(len(cycle), 'step')} that no way leaves.",
                "Add a condition that leads out of the cycle to a goal or exit.",
            )
    entered = {target for number in reachable & sound for target in graph.targets[number]}
    if graph.start is not None:
        entered.add(graph.start)
    for number in sorted(trapped - in_cycles):
        if number in entered:
            step = steps[number].id
            yield Issue(
                Severity.ERROR,
                "no_path_to_end",
                step,
                f"From the step `{step}` no way leads to a goal or exit.",
                "Let one of the steps after it lead to a goal or exit.",
            )


def _cycles_without_time(campaign: Campaign, graph: Graph) -> Iterator[Issue]:
    for cycle in graph.cycles(lambda number: not takes_time(campaign.steps[number])):
        step = campaign.steps[cycle[0]].id
        yield Issue(
            Severity.ERROR,
            "loop_without_delay",
            step,
            f"The step `{step}` is in a cycle of {counted(len(cycle), 'step')} in which no time passes.",
            "Add a delay or a wait for a reply to the cycle.",
        )
