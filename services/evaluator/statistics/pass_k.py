"""The chance that k attempts at one task all pass.

Yao, S. et al. (2024). τ-bench: A benchmark for tool-agent-user interaction in real-world domains. arXiv:2406.12045.
"""

from collections.abc import Iterable
from math import comb

from services.evaluator.statistics.clustered import Cluster


def pass_k(tasks: Iterable[Cluster], k: int) -> float:
    """pass^k: the mean over tasks of C(passed, k) / C(attempts, k). 0 without tasks.

    k: at least 1. Raises ValueError for a task with fewer than k attempts.
    """
    shares = [_share(task, k) for task in tasks]
    return sum(shares) / len(shares) if shares else 0.0


def _share(task: Cluster, k: int) -> float:
    if task.total < k:
        raise ValueError(f"pass^{k} needs {k} attempts at each task, and one has {task.total}")
    return comb(task.successes, k) / comb(task.total, k)
