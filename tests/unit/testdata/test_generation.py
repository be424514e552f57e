"""Calls are a pure function of workflow, parameters and seed, for any range of sessions."""

import hashlib
import itertools
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.testdata.traces.generation import (
    ALGORITHM,
    MAX_CALLS,
    Chain,
    compile_chain,
    generate,
    session_count,
    walk,
)
from services.testdata.traces.generation.philox import key_words
from services.testdata.traces.parameters import MONDAY, Arrival, Mode, Parameters
from services.testdata.traces.workflow import Workflow
from tests.unit.testdata.chains import ENDLESS, ONE, SHOP, edge_errors, only, same, web
from tests.unit.testdata.oracles import generation as oracle
from tests.unit.testdata.programs import run

MANY = Parameters(users=2_000_000, seed=9)
KINDS = [
    Parameters(users=700),
    Parameters(users=700, mode=Mode.EXACT_COUNTS, cascade_rate=1.0, deck_size=10),
    Parameters(users=700, arrival=Arrival.UNIFORM, cascade_rate=0.0, seed=-1, user_types={"all": 1.0}),
    Parameters(users=1, sessions_mean=2_000.0, sessions_std=0.0, arrival=Arrival.DIURNAL, seed=2**63 - 1),
    Parameters(users=300, sessions_mean=1.0, start=MONDAY + 12_345_678, end=MONDAY + 12_345_679, cascade_rate=0.5),
    Parameters(users=90, sessions_mean=30.0, sessions_std=300.0, end=MONDAY + 3_660 * 86_400_000, seed=3),
]


@pytest.mark.parametrize("parameters", KINDS)
@pytest.mark.parametrize("workflow", [ONE, SHOP, web(20), web(300)], ids=lambda workflow: workflow.name)
def test_the_kernels_generate_the_same_bits_as_the_oracle(workflow: Workflow, parameters: Parameters) -> None:
    chain = compile_chain(workflow, parameters)
    sessions = session_count(chain)

    assert oracle.session_count(chain) == sessions
    assert same(generate(chain, 1, sessions), oracle.generate(chain, 1, sessions))


@pytest.mark.parametrize("mode", Mode)
def test_a_session_has_at_most_a_thousand_calls(mode: Mode) -> None:
    chain = compile_chain(ENDLESS, Parameters(users=60, mode=mode, deck_size=2_000))
    sessions = session_count(chain)

    _, lengths = walk(chain, 1, sessions)

    assert lengths.max() == MAX_CALLS
    assert chain.mean_calls == pytest.approx((1 - 0.9995**1_000) / 0.0005)
    assert same(generate(chain, 1, sessions), oracle.generate(chain, 1, sessions))


@pytest.fixture(scope="module")
def shops() -> dict[Mode, Chain]:
    return {mode: compile_chain(SHOP, Parameters(users=150, seed=4, mode=mode)) for mode in Mode}


@settings(deadline=None, max_examples=40)
@given(mode=st.sampled_from(Mode), cuts=st.sets(st.integers(2, 400), max_size=8), numpy=st.booleans())
def test_any_split_of_a_range_gives_the_same_calls(
    shops: dict[Mode, Chain], mode: Mode, cuts: set[int], numpy: bool
) -> None:
    chain = shops[mode]
    firsts = [1, *sorted(cuts), 401]

    parts = [
        (oracle.generate if numpy else generate)(chain, first, until - first)
        for first, until in itertools.pairwise(firsts)
    ]

    whole = generate(chain, 1, 400)
    for column, *of_parts in zip(whole.arrays, *(part.arrays for part in parts), strict=True):
        assert column.tobytes() == np.concatenate(of_parts).tobytes()


def test_threads_that_generate_at_the_same_time_do_not_disturb_each_other(shops: dict[Mode, Chain]) -> None:
    ranges = [(mode, first) for mode in Mode for first in range(1, 401, 40)]

    with ThreadPoolExecutor(4) as threads:
        parts = list(threads.map(lambda part: generate(shops[part[0]], part[1], 40), ranges * 5))

    alone = [generate(shops[mode], first, 40) for mode, first in ranges]
    assert all(same(part, right) for part, right in zip(parts, alone * 5, strict=True))


@pytest.mark.parametrize("mode", Mode)
def test_a_thousand_sessions_far_inside_are_generated_without_the_rest(mode: Mode) -> None:
    chain = compile_chain(SHOP, replace(MANY, mode=mode))
    around = generate(chain, 4_999_000, 3_000)
    tracemalloc.start()

    calls = generate(chain, 5_000_000, 1_001)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.unique(calls.session).tolist() == list(range(5_000_000, 5_001_001))
    assert same(calls, only(around, (around.session >= 5_000_000) & (around.session <= 5_001_000)))
    assert peak < 4 << 20


@pytest.mark.parametrize("mode", Mode)
def test_ranges_across_shards_are_the_same_as_one(mode: Mode) -> None:
    chain = compile_chain(SHOP, replace(MANY, mode=mode))
    first = 3 * 65_536 - 500

    both = generate(chain, first, 1_000)

    left, right = generate(chain, first, 500), generate(chain, first + 500, 500)
    assert same(left, only(both, both.session < first + 500))
    assert same(right, only(both, both.session >= first + 500))


def test_another_seed_gives_other_calls_and_equal_ones_modulo_64_bits_the_same() -> None:
    one, same_one, other = (
        generate(compile_chain(SHOP, Parameters(users=50, seed=seed)), 1, 50) for seed in (-1, 2**64 - 1, 0)
    )

    assert same(one, same_one)
    assert one.endpoint.tobytes() != other.endpoint.tobytes()


def test_sessions_that_do_not_exist_are_refused() -> None:
    chain = compile_chain(SHOP, Parameters(users=10))
    last = session_count(chain)

    assert len(generate(chain, last, 1)) > 0
    for first, count in ((0, 1), (1, 0), (1, last + 1), (last + 1, 1)):
        with pytest.raises(ValueError, match="are not within 1 to"):
            generate(chain, first, count)


def test_sessions_are_counted_alike_in_blocks_that_are_not_full() -> None:
    from services.testdata.traces.generation.users import block_totals

    for users in (1, 3, 4, 4_095, 4_096, 4_097, 10_001):
        counts = compile_chain(SHOP, Parameters(users=users)).session_counts
        assert np.array_equal(oracle.block_totals((1, 2), counts, users), block_totals((1, 2), counts, users))


@pytest.mark.parametrize("workflow", [SHOP, web(20), web(300)], ids=lambda workflow: workflow.name)
def test_independent_draws_miss_the_truth_by_the_binomial_bound_and_no_more(workflow: Workflow) -> None:
    compiled, ratios = compile_chain(workflow, Parameters()), []
    for seed in range(200):
        chain = replace(compiled, key=key_words(seed))
        error, bound = edge_errors(chain, *walk(chain, 1, 4_000))
        ratios.append(error / bound)

    assert np.mean(ratios) == pytest.approx(1.0, abs=0.04)


def test_exact_counts_miss_the_truth_by_far_less() -> None:
    chain = compile_chain(SHOP, Parameters(mode=Mode.EXACT_COUNTS))

    error, bound = edge_errors(chain, *walk(chain, 1, 40_000))

    assert error < bound / 20


def test_a_rare_exit_keeps_its_card_in_a_small_deck() -> None:
    rare = Workflow("rare", {"a": 1.0}, {"a": {"a": 0.999}}, {"a": 0.001}, {"a": 1.0})
    chain = compile_chain(rare, Parameters(mode=Mode.EXACT_COUNTS, deck_size=10))

    _, lengths = walk(chain, 1, 100)

    assert lengths.mean() == pytest.approx(10, abs=1)


def test_a_row_of_more_successors_than_a_deck_has_cards_is_dealt_from_several() -> None:
    chain = compile_chain(web(300), Parameters(mode=Mode.EXACT_COUNTS, deck_size=100))

    codes, lengths = walk(chain, 1, 1_000)

    entries = codes[lengths.cumsum() - lengths]
    assert np.bincount(entries, minlength=300).tolist() == pytest.approx([1_000 / 300] * 300, abs=1)


def test_what_this_version_of_the_algorithm_generates_never_changes() -> None:
    digests = {}
    for mode in Mode:
        chain = compile_chain(SHOP, Parameters(seed=42, mode=mode))
        digest = hashlib.sha256(repr((chain.endpoints, chain.methods, chain.user_types, chain.params)).encode())
        for column in generate(chain, 1, 2_000).arrays:
            digest.update(column.tobytes())
        digests[mode.value] = digest.hexdigest()[:16]

    assert ALGORITHM == "greenroom-traces-1"
    assert digests == {"INDEPENDENT": "58a0b2c88672f801", "EXACT_COUNTS": "6d9088f102adb38f"}


def test_numba_is_imported_only_when_something_is_generated() -> None:
    run("import sys, services.testdata.traces.generation as g; assert not {'numba', 'llvmlite'} & {*sys.modules}")
