"""The price file: what it says, and what is wrong with it."""

import pytest
from structlog.testing import capture_logs

from shared.llm.prices import FREE, Prices
from shared.model.events import Usage
from shared.yaml import BadYaml

FILE = """
date: 2026-07-24
currency: EUR
models:
  "acme:large-1": {input: 3, cached_input: 0.3, output: 15}
  "acme:*": {input: 0.075, output: 0.6}
"""


def test_a_call_costs_its_input_its_cached_input_and_its_output() -> None:
    prices = Prices.parse(FILE, "prices.yaml")

    assert (prices.date, prices.currency) == ("2026-07-24", "EUR")
    # 200 tokens at 3 EUR, 800 from the cache at 0.30 EUR and 50 at 15 EUR a million, in billionths of a euro.
    assert prices.of("acme:large-1").of(Usage(1, 1000, 50, cached_tokens=800)) == 600_000 + 240_000 + 750_000


def test_the_first_pattern_that_matches_counts_and_cached_input_costs_as_much_as_input_if_it_has_no_price() -> None:
    assert Prices.parse(FILE, "prices.yaml").of("acme:small").of(Usage(1, 3, 1, cached_tokens=2)) == 3 * 75 + 600


def test_a_model_without_a_price_is_free_and_the_log_says_so_once() -> None:
    prices = Prices.parse(FILE, "prices.yaml")
    with capture_logs() as logs:
        assert [prices.of("other:model") for _ in range(3)] == [FREE] * 3
    assert logs == [{"event": "model_has_no_price", "model": "other:model", "log_level": "warning"}]


@pytest.mark.parametrize(
    ("model", "free"), [("anthropic:claude-opus-4-8", False), ("openai:gpt-5-mini", False), ("ollama:llama3", True)]
)
def test_the_file_that_comes_with_greenroom_has_prices(model: str, free: bool) -> None:
    with capture_logs() as logs:
        assert (Prices.read(None).of(model) == FREE) == free
    assert logs == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "the file must be a mapping with the keys date, currency, models"),
        ("currency: usd\nmodels: {}", "`currency` must have three capital letters, such as USD"),
        ("currency: USD\nmodel: {}", "the file has an unknown key: `model` (did you mean `models`?)"),
        ("currency: USD", "`models` must map patterns of models to their prices"),
        ("currency: USD\nmodels: {a: {input: 1}}", "`a` has no price for `output`"),
        ("currency: USD\nmodels: {a: {input: 1, output: -1}}", "`output` of `a` must be a number that is not negative"),
        ("currency: USD\nmodels: {a: {input: .nan, output: 1}}", "`input` of `a` must be a number"),
        (
            "currency: USD\nmodels: {a: {input: 1, cached: 1}}",
            "key: `cached` (did you mean `cached_input`?)",
        ),
    ],
)
def test_a_wrong_price_file_is_refused_with_what_would_be_right(text: str, why: str) -> None:
    with pytest.raises(BadYaml) as refused:
        Prices.parse(text, "mine.yaml")
    assert why in str(refused.value)
    assert "mine.yaml" in str(refused.value)
