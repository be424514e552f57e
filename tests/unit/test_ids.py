"""Ids sort by age, even if the clock is set back."""

import time
import uuid

import pytest

from shared import ids

NOW = 1_800_000_000 * 10**9


def set_clock(monkeypatch: pytest.MonkeyPatch, nanoseconds: int) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: nanoseconds)


def test_ids_of_a_process_sort_by_age_while_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for clock in (NOW, NOW, NOW - 3600 * 10**9, NOW - 3600 * 10**9, 0, NOW + 1):
        set_clock(monkeypatch, clock)
        made += [ids.new_id() for _ in range(5_000)]

    assert made == sorted(set(made))
    assert all(uuid.UUID(one).version == 7 for one in made)


@pytest.mark.parametrize("back", [0, 1, 3600, 10**9])
def test_a_new_process_continues_after_the_newest_stored_id(monkeypatch: pytest.MonkeyPatch, back: int) -> None:
    set_clock(monkeypatch, NOW)
    stored = ids.new_id()
    monkeypatch.setattr(ids, "_last", 0)
    set_clock(monkeypatch, NOW - back * 10**9)

    ids.continue_after(stored)

    assert ids.new_id() > stored


@pytest.mark.parametrize("text", ["", "eager-eddie", "f" * 36, "ffffffff-ffff-4fff-bfff-ffffffffffff"])
def test_what_is_no_id_of_ours_moves_nothing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    set_clock(monkeypatch, NOW)
    monkeypatch.setattr(ids, "_last", 0)

    ids.continue_after(text)

    assert ids.new_id() < ids.first_id(NOW // 10**6 + 1)
