"""The graph of a campaign's steps, and what can be reached in it. All algorithms are iterative and linear."""

from collections.abc import Callable, Iterable, Sequence

from shared.model.campaigns.model import Campaign


class Graph:
    """Steps by index, with the ways to other steps. Of steps with the same id, the first is the target."""

    def __init__(self, campaign: Campaign) -> None:
        self.index: dict[str, int] = {}
        for number, step in enumerate(campaign.steps):
            self.index.setdefault(step.id, number)
        self.targets: list[list[int]] = [
            [self.index[edge.target] for edge in step.edges if edge.target in self.index] for step in campaign.steps
        ]
        self.start = self.index.get(campaign.first)

    def reachable(self) -> set[int]:
        """The steps that can be reached from the start, itself included."""
        return set() if self.start is None else reached([self.start], self.targets)

    def leading_to(self, ends: Iterable[int]) -> set[int]:
        """The steps from which one of the ends can be reached, the ends included."""
        sources: list[list[int]] = [[] for _ in self.targets]
        for number, targets in enumerate(self.targets):
            for target in targets:
                sources[target].append(number)
        return reached(ends, sources)

    def cycles(self, keep: Callable[[int], bool] = lambda _: True) -> list[list[int]]:
        """The groups of steps that lead back to each other, among those to keep, each in the order of the steps."""
        targets = [
            [one for one in inside if keep(one)] if keep(number) else [] for number, inside in enumerate(self.targets)
        ]
        groups = components(targets)
        return sorted(sorted(group) for group in groups if len(group) > 1 or group[0] in targets[group[0]])


def reached(starts: Iterable[int], targets: Sequence[Sequence[int]]) -> set[int]:
    """Everything that can be reached from the starts, themselves included."""
    found = set(starts)
    rest = list(found)
    while rest:
        for target in targets[rest.pop()]:
            if target not in found:
                found.add(target)
                rest.append(target)
    return found


def components(targets: Sequence[Sequence[int]]) -> list[list[int]]:
    """The strongly connected components, by Tarjan's algorithm without recursion."""
    order = [-1] * len(targets)
    low = [0] * len(targets)
    stacked = [False] * len(targets)
    stack: list[int] = []
    found: list[list[int]] = []
    count = 0
    for root in range(len(targets)):
        if order[root] >= 0:
            continue
        calls = [(root, iter(targets[root]))]
        order[root] = low[root] = count
        count += 1
        stack.append(root)
        stacked[root] = True
        while calls:
            here, rest = calls[-1]
            for target in rest:
                if order[target] < 0:
                    order[target] = low[target] = count
                    count += 1
                    stack.append(target)
                    stacked[target] = True
                    calls.append((target, iter(targets[target])))
                    break
                if stacked[target] and order[target] < low[here]:
                    low[here] = order[target]
            else:
                calls.pop()
                if calls and low[here] < low[calls[-1][0]]:
                    low[calls[-1][0]] = low[here]
                if low[here] == order[here]:
                    group = []
                    while True:
                        one = stack.pop()
                        stacked[one] = False
                        group.append(one)
                        if one == here:
                            break
                    found.append(group)
    return found
