"""Spreads sources and personas evenly over the conversations of a batch, in an order that the seed draws."""

from collections.abc import Sequence

from shared.model.draws import shuffled


def spread(count: int, size: int, seed: int) -> list[int]:
    """The index of each conversation's source. count: the number of sources; size: the number of conversations.

    The numbers of uses differ by one at most. The seed decides the order and which sources are used once more.
    """
    order = shuffled(count, seed, "sources")
    return [order[index % count] for index in range(size)]


def deal(weights: Sequence[float], size: int, seed: int) -> list[int]:
    """The index of each conversation's persona.

    Each persona gets its share of `size`, rounded by the largest remainder method. The seed decides the order.
    """
    total = sum(weights)
    exact = [size * weight / total for weight in weights]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda number: (counts[number] - exact[number], number))
    for number in by_remainder[: size - sum(counts)]:
        counts[number] += 1
    personas = [number for number, count in enumerate(counts) for _ in range(count)]
    return [personas[index] for index in shuffled(size, seed, "personas")]
