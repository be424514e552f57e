"""Random numbers as a pure function of key and counter."""

import numpy as np
import pytest

from services.testdata.traces.generation import philox, philox_kernels
from services.testdata.traces.generation.alias import alias_table
from tests.unit.testdata.oracles.generation import pick

# https://github.com/DEShawResearch/random123/blob/main/tests/kat_vectors, philox4x32 10: counter, key, words.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_both_kernels_draw_the_published_known_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    drawn = philox.philox(key, np.array([counter[0]], np.uint64), counter[1], counter[2], counter[3])
    compiled = philox_kernels.philox(*(np.uint64(number) for number in (*key, *counter)))

    assert tuple(int(word[0]) for word in drawn) == words
    assert tuple(int(word) for word in compiled) == words


def test_both_kernels_draw_the_same_for_any_counter_also_in_vectors() -> None:
    random = np.random.default_rng(1)
    counters = random.integers(0, 2**32, (3, 1_000), dtype=np.uint64)
    vectors = np.empty((4, 1_000), np.uint64)

    drawn = philox.philox((7, 2**32 - 1), counters[0], counters[1], counters[2], philox.Purpose.CALL)
    philox_kernels.draw(np.uint64(7), np.uint64(2**32 - 1), *counters, np.uint64(philox.Purpose.CALL), vectors)

    assert np.array_equal(np.stack(drawn), vectors)


def test_the_key_of_a_seed_is_its_64_bits() -> None:
    assert philox.key_words(-1) == philox.key_words(2**64 - 1) == (0xFFFFFFFF, 0xFFFFFFFF)
    assert philox.key_words(5 << 32 | 6) == (6, 5)


def test_an_alias_table_picks_each_outcome_as_often_as_its_weight_says() -> None:
    weights = {3: 5.0, 0: 1.0, 65_535: 0.5, 9: 0.0, 200: 93.5}
    table = alias_table([[(1, 1.0)], list(weights.items())])
    words = np.linspace(0, 2**32 - 1, 1_000_001).astype(np.uint64)

    picked, times = np.unique(pick(table, 1, words), return_counts=True)

    assert dict(zip(picked.tolist(), (times / len(words)).round(4).tolist(), strict=True)) == {
        0: 0.01,
        3: 0.05,
        200: 0.935,
        65_535: 0.005,
    }
    assert set(pick(table, 0, words).tolist()) == {1}


def test_both_kernels_pick_the_same_outcomes() -> None:
    random = np.random.default_rng(2)
    table = alias_table([list(enumerate(random.random(size).tolist())) for size in (1, 2, 7, 300)])
    rows, words = random.integers(0, 4, 2_000), random.integers(0, 2**32, 2_000, dtype=np.uint64)

    compiled = [
        philox_kernels.pick(table.rows, table.entries, row, word) for row, word in zip(rows, words, strict=True)
    ]

    assert compiled == pick(table, rows, words).tolist()
