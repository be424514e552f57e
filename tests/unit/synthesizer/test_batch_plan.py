"""How a batch is spread over sources and personas."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesizer.batches.plan import deal, spread


@given(st.integers(1, 60), st.integers(1, 300), st.integers(-(2**63), 2**63 - 1))
def test_every_source_is_used_equally_often_within_one(sources: int, size: int, seed: int) -> None:
    used = Counter(spread(sources, size, seed))

    counts = [used[number] for number in range(sources)]
    assert sum(counts) == size
    assert max(counts) - min(counts) <= 1


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9), st.integers(1, 300), st.integers(0, 9))
def test_every_persona_gets_its_share_within_one(weights: list[float], size: int, seed: int) -> None:
    dealt = Counter(deal(weights, size, seed))

    assert sum(dealt.values()) == size
    for number, weight in enumerate(weights):
        assert dealt[number] == pytest.approx(size * weight / sum(weights), abs=1)


def test_the_seed_decides_and_nothing_else() -> None:
    assert spread(10, 50, 1) == spread(10, 50, 1) != spread(10, 50, 2)
    assert deal([1, 2], 50, 1) == deal([1, 2], 50, 1) != deal([1, 2], 50, 2)
