"""Which conversation of a batch gets which source and which persona: spread evenly, in an order drawn by the seed."""

from collections.abc import Sequence

from shared.model.draws import shuffled


def spread(count: int, size: int, seed: int) -> list[int]:
    """For each of size conversations the number of its source, out of count.

    Every source is used equally often, give or take one; which are used once more, and the order, the seed decides.
    """
    order = shuffled(count, seed, "sources")
    return [order[index % count] for index in range(size)]


def deal(weights: Sequence[float], size: int, seed: int) -> list[int]:
    """For each of size conversations the number of its persona.

    Each persona gets its share of size by largest remainders, which no draw could hold as closely; the seed deals them.
    """
    total = sum(weights)
    exact = [size * weight / total for weight in weights]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda number: (counts[number] - exact[number], number))
    for number in by_remainder[: size - sum(counts)]:
        counts[number] += 1
    hands = [number for number, count in enumerate(counts) for _ in range(count)]
    return [hands[place] for place in shuffled(size, seed, "personas")]
