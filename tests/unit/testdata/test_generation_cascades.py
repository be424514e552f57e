"""Failure cascades: labelled, at the configured rates; other calls do not change."""

import numpy as np
import pytest

from services.testdata.traces.generation import MAX_CALLS, Calls, FaultKind, compile_chain, generate
from services.testdata.traces.parameters import Parameters
from tests.unit.testdata.chains import ENDLESS, ONE, SHOP, begins_of, only, same

SESSIONS = 60_000


def shop(cascade_rate: float) -> Calls:
    chain = compile_chain(SHOP, Parameters(users=SESSIONS, cascade_rate=cascade_rate, seed=11))
    return generate(chain, 1, SESSIONS)


@pytest.fixture(scope="module")
def whole() -> Calls:
    return shop(0.0)


@pytest.fixture(scope="module")
def broken() -> Calls:
    return shop(0.25)


def first_sends(calls: Calls) -> Calls:
    return only(calls, calls.fault_kind != FaultKind.RETRY)


def test_without_cascades_nothing_is_labelled(whole: Calls) -> None:
    assert not whole.fault_id.any()
    assert not whole.fault_kind.any()
    assert whole.status.max() <= 500


def test_the_promised_share_of_sessions_has_a_cascade(whole: Calls, broken: Calls) -> None:
    longer = np.diff(begins_of(whole.session), append=len(whole)) > 1
    affected = np.isin(np.arange(1, SESSIONS + 1), broken.fault_id)

    # One in twenty calls of a cascade is untouched: some cascades of one call leave no trace.
    assert affected[longer].mean() == pytest.approx(0.25, abs=0.01)
    assert not affected[~longer].any()


def test_calls_of_a_cascade_are_slow_time_out_are_unavailable_or_stay_whole_in_the_promised_shares() -> None:
    calls = first_sends(shop(1.0))
    first_hit = np.full(SESSIONS + 1, len(calls))
    hits = np.flatnonzero(calls.fault_id)
    np.minimum.at(first_hit, calls.session[hits], hits)
    after_a_hit = np.arange(len(calls)) > first_hit[calls.session]

    shares = np.bincount(calls.fault_kind[after_a_hit], minlength=4) / after_a_hit.sum()

    assert shares.tolist() == pytest.approx([0.05, 0.60, 0.20, 0.15], abs=0.005)


def test_every_affected_call_carries_its_sessions_number_and_no_other_does(broken: Calls) -> None:
    labelled = broken.fault_kind != FaultKind.NONE

    assert np.array_equal(broken.fault_id, np.where(labelled, broken.session, 0))


def test_a_timeout_takes_thirty_seconds_and_the_statuses_tell(broken: Calls) -> None:
    timeouts = only(broken, broken.fault_kind == FaultKind.TIMEOUT)
    unavailable = only(broken, broken.fault_kind == FaultKind.UNAVAILABLE)

    assert set(timeouts.status.tolist()) == {504}
    assert set(timeouts.latency_ms.tolist()) == {30_000.0}
    assert set(unavailable.status.tolist()) == {503}
    assert set(broken.status[broken.fault_kind <= FaultKind.SLOW].tolist()) == {200, 201, 400, 401, 404, 429, 500}


def test_slow_calls_take_three_to_ten_times_as_long_and_nothing_else_changes(whole: Calls, broken: Calls) -> None:
    sent = first_sends(broken)
    slow = sent.fault_kind == FaultKind.SLOW
    factors = sent.latency_ms[slow] / whole.latency_ms[slow]

    assert len(sent) == len(whole)
    assert factors.min() >= 3.0 * (1 - 1e-6)
    assert factors.max() <= 10.0 * (1 + 1e-6)
    assert factors.mean() == pytest.approx(6.5, abs=0.05)
    for name in ("user", "user_type", "session", "endpoint", "params"):
        assert np.array_equal(getattr(sent, name), getattr(whole, name))
    untouched = sent.fault_kind == FaultKind.NONE
    assert np.array_equal(sent.latency_ms[untouched], whole.latency_ms[untouched])
    assert np.array_equal(sent.status[untouched | slow], whole.status[untouched | slow])


def test_a_cascade_begins_in_the_middle_and_never_with_the_first_call() -> None:
    chain = compile_chain(ENDLESS, Parameters(users=2_000, cascade_rate=1.0))
    calls = first_sends(generate(chain, 1, 2_000))
    begins = begins_of(calls.session)
    lengths = np.diff(begins, append=len(calls))

    hits = np.flatnonzero(calls.fault_id)
    sessions, first = np.unique(calls.session[hits], return_index=True)
    share = (hits[first] - begins[sessions - 1]) / lengths[sessions - 1]

    assert (hits[first] > begins[sessions - 1]).all()
    share = share[lengths[sessions - 1] == MAX_CALLS]
    assert share.min() == pytest.approx(0.25, abs=0.01)
    assert share.max() == pytest.approx(0.75, abs=0.01)
    assert share.mean() == pytest.approx(0.5, abs=0.02)


def test_three_in_ten_failing_calls_are_sent_again_with_the_same_outcome(broken: Calls) -> None:
    retries = np.flatnonzero(broken.fault_kind == FaultKind.RETRY)
    failing = np.isin(broken.fault_kind, (FaultKind.TIMEOUT, FaultKind.UNAVAILABLE))

    assert len(retries) / failing.sum() == pytest.approx(0.3, abs=0.01)
    assert failing[retries - 1].all()
    assert only(broken, failing).fault_id.all()
    for name in ("user", "user_type", "session", "endpoint", "status", "latency_ms", "params", "fault_id"):
        column = getattr(broken, name)
        assert np.array_equal(column[retries], column[retries - 1])
    waited = broken.timestamp[retries] - broken.timestamp[retries - 1]
    assert np.array_equal(waited, np.ceil(broken.latency_ms[retries - 1]).astype(np.int64))


def test_sessions_before_the_cascade_are_as_they_would_have_been(whole: Calls, broken: Calls) -> None:
    spared = ~np.isin(whole.session, broken.fault_id)

    assert same(only(whole, spared), only(broken, ~np.isin(broken.session, broken.fault_id)))


def test_a_session_of_one_call_has_no_middle_to_begin_at() -> None:
    chain = compile_chain(ONE, Parameters(cascade_rate=1.0))

    assert not generate(chain, 1, 1_000).fault_id.any()
