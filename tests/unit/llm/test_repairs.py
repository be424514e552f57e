"""Broken JSON is repaired in another process, which is stopped when that takes too long."""

import pytest

from shared.compute import Compute
from shared.llm import repairs


async def test_broken_json_is_repaired_and_what_is_none_is_not() -> None:
    compute = Compute(1)
    repair = repairs.repairing(compute)

    assert await repair("Sure: {'a': [1, 2,}") == {"a": [1, 2]}
    assert await repair("{" * (repairs.MOST + 1)) is None
    assert not await repair("I cannot do that.")

    await compute.close()


async def test_a_text_that_takes_minutes_is_given_up_and_the_next_one_is_repaired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compute = Compute(1)
    repair = repairs.repairing(compute)
    monkeypatch.setattr(repairs, "_SECONDS", 0.01)

    assert await repair('{"a":' * 200 + '"""' * 20_000) is None

    monkeypatch.undo()
    assert await repair("{'a': 1") == {"a": 1}
    await compute.close()
