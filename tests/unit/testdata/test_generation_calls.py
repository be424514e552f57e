"""What calls look like: who makes them, when, how they end and how long they take."""

from urllib.parse import parse_qsl

import numpy as np
import pytest

from services.testdata.traces.generation import Calls, Chain, compile_chain, generate, session_count
from services.testdata.traces.generation.arrivals import HOURS_OF_DAY
from services.testdata.traces.parameters import DAY, MONDAY, Arrival, Parameters
from services.testdata.traces.workflow import Workflow
from tests.unit.testdata.chains import ONE, SHOP, begins_of, only

HOUR = DAY // 24


@pytest.fixture(scope="module")
def chain() -> Chain:
    return compile_chain(SHOP, Parameters(users=20_000, cascade_rate=0.0))


@pytest.fixture(scope="module")
def calls(chain: Chain) -> Calls:
    return generate(chain, 1, session_count(chain))


def test_users_and_sessions_are_numbered_from_one_without_gaps(calls: Calls) -> None:
    assert np.unique(calls.user).tolist() == list(range(1, 20_001))
    first_calls = only(calls, np.isin(np.arange(len(calls)), begins_of(calls.session)))
    assert first_calls.session.tolist() == list(range(1, len(first_calls) + 1))
    assert (np.diff(first_calls.user) >= 0).all()


def test_users_have_as_many_sessions_as_asked_on_average(chain: Chain) -> None:
    sessions = chain.session_counts
    assert session_count(chain) / 20_000 == pytest.approx(3.0, abs=0.06)
    assert sessions.mean() == pytest.approx(3.0, abs=0.001)
    assert sessions.std() == pytest.approx(2.0, rel=0.05)
    assert sessions.min() == 1


@pytest.mark.parametrize(("mean", "std"), [(1.0, 2.0), (1.1, 0.5), (2.0, 0.0), (1.5, 0.0), (40.0, 10_000.0)])
def test_the_mean_of_session_counts_survives_rounding_and_cut_tails(mean: float, std: float) -> None:
    counts = compile_chain(ONE, Parameters(sessions_mean=mean, sessions_std=std)).session_counts

    assert counts.mean() == pytest.approx(mean, rel=0.001)
    assert counts.min() >= 1


def test_a_user_is_of_one_kind_and_the_kinds_have_their_shares(chain: Chain, calls: Calls) -> None:
    _, first = np.unique(calls.user, return_index=True)
    types = calls.user_type[first]
    shares = np.bincount(types) / len(types)

    assert (calls.user_type == types[calls.user - 1]).all()
    assert chain.user_types == ("free", "guest", "premium")
    assert shares.tolist() == pytest.approx([0.5, 0.2, 0.3], abs=0.015)


def test_a_users_sessions_begin_in_order_and_within_the_time(calls: Calls) -> None:
    first = begins_of(calls.session)
    begin, user = calls.timestamp[first], calls.user[first]

    assert (np.diff(begin)[np.diff(user) == 0] >= 0).all()
    assert begin.min() >= MONDAY
    assert begin.max() < MONDAY + 30 * DAY


@pytest.mark.parametrize("arrival", Arrival)
def test_sessions_arrive_in_the_shape_asked_for(arrival: Arrival) -> None:
    chain = compile_chain(
        ONE, Parameters(users=200_000, sessions_mean=1.0, arrival=arrival, end=MONDAY + 14 * DAY, seed=5)
    )
    hours = (generate(chain, 1, 200_000).timestamp - MONDAY) // HOUR

    weekend = np.array([1, 1, 1, 1, 1, 0.7, 0.6] * 2).repeat(24)
    expected = {
        Arrival.UNIFORM: np.ones(14 * 24),
        Arrival.DIURNAL: np.tile(HOURS_OF_DAY, 14).astype(float),
        Arrival.WEEKLY: np.tile(HOURS_OF_DAY, 14) * weekend,
    }[arrival]
    expected *= 200_000 / expected.sum()
    z = (np.bincount(hours, minlength=14 * 24) - expected) / np.sqrt(expected)
    assert np.abs(z).max() < 4.5
    assert (z**2).mean() == pytest.approx(1.0, abs=0.25)


def test_time_that_begins_and_ends_within_an_hour_is_kept_to_the_millisecond() -> None:
    start = MONDAY + 5 * HOUR - 3
    for arrival in Arrival:
        chain = compile_chain(
            ONE, Parameters(users=3_000, sessions_mean=1.0, start=start, end=start + 6, arrival=arrival)
        )
        assert set((generate(chain, 1, 3_000).timestamp - start).tolist()) == set(range(6))


def test_the_next_call_begins_when_the_last_has_ended_and_the_user_has_thought(chain: Chain, calls: Calls) -> None:
    within = np.diff(calls.session) == 0
    thought = (np.diff(calls.timestamp) - np.ceil(calls.latency_ms[:-1]).astype(np.int64))[within]
    after = calls.endpoint[:-1][within]

    for name, low, high in (("home", 1_000, 5_000), ("item", 10_000, 30_000), ("cart", 500, 500)):
        here = thought[after == chain.endpoints.index(name)]
        assert here.min() >= low
        assert here.max() <= high
        assert here.mean() == pytest.approx((low + high) / 2, rel=0.01)


def test_latencies_have_the_means_of_their_endpoints_and_a_long_tail(chain: Chain, calls: Calls) -> None:
    for code, endpoint in enumerate(chain.endpoints):
        here = calls.latency_ms[calls.endpoint == code].astype(np.float64)
        assert here.mean() == pytest.approx(SHOP.avg_response_times[endpoint], rel=0.02)
        assert np.log(here).std() == pytest.approx(0.5, rel=0.03)


def test_calls_fail_as_often_as_their_endpoints_do(chain: Chain, calls: Calls) -> None:
    failed = calls.status >= 400
    shares = {endpoint: failed[calls.endpoint == code].mean().round(4) for code, endpoint in enumerate(chain.endpoints)}

    assert shares == pytest.approx({"home": 0.05, "search": 0.1, "item": 0.05, "cart": 0.05, "pay": 0.0}, abs=0.005)
    statuses, times = np.unique(calls.status[failed], return_counts=True)
    assert statuses.tolist() == [400, 401, 404, 429, 500]
    assert (times / times.sum()).tolist() == pytest.approx([0.3, 0.1, 0.3, 0.1, 0.2], abs=0.02)


def test_a_post_that_works_creates_and_a_get_does_not(chain: Chain, calls: Calls) -> None:
    posts = np.array([method == "POST" for method in chain.methods])[calls.endpoint]

    assert chain.methods == ("POST", "GET", "GET", "POST", "GET")
    assert set(calls.status[posts & (calls.status < 400)].tolist()) == {201}
    assert set(calls.status[~posts & (calls.status < 400)].tolist()) == {200}


def test_parameters_take_each_of_their_values_equally_often(chain: Chain, calls: Calls) -> None:
    texts, times = np.unique(calls.params[calls.endpoint == chain.endpoints.index("search")], return_counts=True)

    assert {chain.params[code] for code in texts} == {
        f"page={page}&q={q}" for page in (1, 2) for q in ("boots", "hats", "a+b%26c")
    }
    assert (times / times.sum()).tolist() == pytest.approx([1 / 6] * 6, abs=0.01)
    assert set(calls.params[calls.endpoint == chain.endpoints.index("home")].tolist()) == {0}
    assert chain.params[0] == ""


def test_too_many_combinations_of_parameters_are_sampled_and_stay_unique() -> None:
    values = tuple(str(number) for number in range(100))
    names = [f"e{number}" for number in range(5)]
    workflow = Workflow(
        "wide",
        {"e0": 1.0},
        {name: dict.fromkeys(names, 0.2) for name in names[:-1]},
        {"e4": 1.0},
        dict.fromkeys(names, 1.0),
        parameters={name: {"a": values, "b": values, name: values} for name in names[:-1]}
        | {"e4": {"few": ("1", "2")}},
    )

    chain = compile_chain(workflow, Parameters())
    calls = generate(chain, 1, 2_000)

    assert 60_000 < len(chain.params) <= 65_536
    assert len(set(chain.params)) == len(chain.params)
    assert {"few=1", "few=2"} < set(chain.params)
    for name in ("a", "b"):
        queries = [dict(parse_qsl(chain.params[code])) for code in calls.params[calls.endpoint < 4]]
        _, times = np.unique([query[name] for query in queries], return_counts=True)
        assert times.tolist() == pytest.approx([len(queries) / 100] * 100, rel=0.5)
