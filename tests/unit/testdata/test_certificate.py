"""The recovery certificate: errors, the bound, impossible edges and unseen endpoints."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from services.testdata.certificates.messages import comparison_message
from services.testdata.traces.certificate import Detection, Evidence, certify, true_latencies
from services.testdata.traces.comparison import compare
from services.testdata.traces.recovery import Edge, g_test, true_rows
from services.testdata.traces.verdict import document, verdict
from services.testdata.traces.workflow import Workflow

SHOP = Workflow(
    name="shop",
    entry_points={"login": 0.7, "browse": 0.3},
    transitions={
        "login": {"browse": 0.9},
        "browse": {"browse": 0.2, "cart": 0.5},
        "cart": {"pay": 0.6, "browse": 0.3},
        "pay": {"done": 1.0},
    },
    exit_points={"login": 0.1, "browse": 0.3, "cart": 0.1, "done": 1.0},
    avg_response_times={"login": 120.0, "browse": 80.0, "cart": 60.0, "pay": 400.0, "done": 30.0},
)
EXACT: dict[Edge, int] = {
    (start, to): round(probability * 1_000) for start, row in true_rows(SHOP).items() for to, probability in row.items()
}
"""1,000 counts per row, in exactly the true proportions."""


def evidence(counts: dict[Edge, int], calls: int = 5_000) -> Evidence:
    return Evidence(1_000, calls, counts)


def drawn(seed: int, n: int) -> dict[Edge, int]:
    """n independent draws from each row."""
    random = np.random.default_rng(seed)
    counts: dict[Edge, int] = {}
    for start, row in true_rows(SHOP).items():
        shares = np.array(list(row.values()))
        for to, count in zip(row, random.multinomial(n, shares / shares.sum()), strict=True):
            counts[start, to] = int(count)
    return counts


def test_counts_in_the_true_proportions_are_off_by_nothing() -> None:
    certificate = certify(SHOP, evidence(EXACT))
    assert certificate.recovered
    assert certificate.deviation.error == pytest.approx(0.0)
    assert (certificate.edge_count, certificate.cell_count) == (10, 30)


def test_errors_and_bound_are_what_the_definitions_say() -> None:
    counts = EXACT | {("browse", "cart"): 520, ("browse", ""): 280}
    certificate = certify(SHOP, evidence(counts))
    assert certificate.deviation.error == pytest.approx((0.02 + 0.02) / 10)
    assert certificate.deviation.cell_error == pytest.approx((0.02 + 0.02) / 30)
    shares = [0.9, 0.1, 0.2, 0.5, 0.3, 0.6, 0.3, 0.1, 1.0, 1.0]
    bound = sum(math.sqrt(2 / math.pi) * math.sqrt(p * (1 - p) / 1_000) for p in shares) / 10
    assert certificate.deviation.bound == pytest.approx(bound)
    assert certificate.deviation.ratio == pytest.approx(0.004 / bound)
    worst = certificate.worst_edge
    assert worst is not None
    assert (str(worst), round(worst.error, 6)) in {("browse → cart", 0.02), ("browse → exit", 0.02)}


def test_independent_draws_are_off_by_the_bound_and_spread_as_it_says() -> None:
    certificates = [certify(SHOP, evidence(drawn(seed, 4_000))) for seed in range(400)]
    ratios = [certificate.deviation.ratio for certificate in certificates]
    found = certificates[0].deviation
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.05)
    assert np.std(ratios) == pytest.approx(found.spread / found.bound, rel=0.15)


def test_a_faithful_learning_is_refused_once_in_a_hundred() -> None:
    refused = sum(not certify(SHOP, evidence(drawn(seed, 700))).recovered for seed in range(1_000))
    assert refused <= 25


def test_another_chain_is_refused_by_the_row_that_differs() -> None:
    counts = EXACT | {("cart", "pay"): 500, ("cart", "browse"): 400}
    certificate = certify(SHOP, evidence(counts))
    assert not certificate.recovered
    assert [row.endpoint for row in certificate.rejected] == ["cart"]
    assert "1 of 6 rows speaks against it (row cart, p = " in verdict(certificate)


def test_other_entries_are_refused_too() -> None:
    certificate = certify(SHOP, evidence(EXACT | {("", "login"): 600, ("", "browse"): 400}))
    assert [row.endpoint for row in certificate.rejected] == [""]
    assert "(the entries, p = " in verdict(certificate)


def test_an_edge_that_the_truth_does_not_have_is_named_with_its_count() -> None:
    certificate = certify(SHOP, evidence(EXACT | {("done", "admin"): 1, ("admin", ""): 1}))
    assert not certificate.recovered
    assert {str(edge) for edge in certificate.impossible_edges} == {"done → admin", "admin → exit"}
    assert verdict(certificate).startswith(
        "Not recovered: 2 edges were seen that the truth does not have (done → admin, once); "
    )


def test_an_endpoint_that_was_never_called_is_left_out_and_said() -> None:
    counts = {edge: count for edge, count in EXACT.items() if "pay" not in edge and "done" not in edge}
    certificate = certify(SHOP, evidence(counts | {("cart", "browse"): 750, ("cart", ""): 250}))
    assert certificate.unseen == ("done", "pay")
    assert certificate.deviation.edges == 8
    assert verdict(certificate).endswith("; 2 endpoints were never called.")
    assert {row.endpoint: row.count for row in certificate.rows}["pay"] == 0


def test_a_row_with_too_few_calls_is_not_tested_and_said() -> None:
    certificate = certify(SHOP, evidence(EXACT | {("cart", "pay"): 3, ("cart", "browse"): 1, ("cart", ""): 0}))
    assert certificate.untested == ("cart",)
    assert "; 1 row has too few calls for a test." in verdict(certificate)


def test_an_empty_log_proves_nothing() -> None:
    certificate = certify(SHOP, Evidence(0, 0, {}))
    assert not certificate.recovered
    assert certificate.worst_edge is None
    assert verdict(certificate) == "Nothing can be said: no call was seen."
    assert json.loads(document(certificate))["worst_edge"] is None


def test_a_chain_without_choices_is_recovered_without_chance() -> None:
    line = Workflow("line", {"a": 1.0}, {"a": {"b": 1.0}}, {"b": 1.0}, {"a": 1.0, "b": 1.0})
    certificate = certify(line, Evidence(5, 10, {("", "a"): 5, ("a", "b"): 5, ("b", ""): 5}))
    assert certificate.recovered
    assert (certificate.deviation.error, certificate.deviation.bound, certificate.deviation.ratio) == (0, 0, 0)


def test_a_g_test_is_scipys() -> None:
    row, seen = {"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 530, "b": 290, "c": 180}
    found = g_test(row, seen)
    expected = stats.power_divergence([530, 290, 180], [500, 300, 200], lambda_="log-likelihood")
    correction = 1 + (1 / 0.5 + 1 / 0.3 + 1 / 0.2 - 1) / (6 * 1_000 * 2)
    assert found.g == pytest.approx(expected.statistic / correction)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.g, 2))


def test_cells_that_are_expected_rarely_are_taken_together() -> None:
    row = {"a": 0.9, "b": 0.06, "c": 0.03, "d": 0.01}
    assert g_test(row, {"a": 90, "b": 6, "c": 3, "d": 1}).degrees_of_freedom == 1
    assert g_test(row, {"a": 900, "b": 60, "c": 30, "d": 10}).degrees_of_freedom == 3


def test_latencies_are_compared_with_the_generators_own() -> None:
    right = {endpoint: true_latencies(mean) for endpoint, mean in SHOP.avg_response_times.items()}
    assert true_latencies(100.0)[2] == pytest.approx(stats.lognorm(0.5, scale=100 / math.exp(0.125)).median())
    slower = right | {"pay": tuple(value * 1.1 for value in right["pay"])}
    distances = certify(SHOP, replace(evidence(EXACT), latencies=slower)).latencies
    assert distances == {endpoint: pytest.approx(0.1 if endpoint == "pay" else 0.0) for endpoint in SHOP.endpoints}
    assert certify(SHOP, evidence(EXACT)).latencies == {}


def test_the_document_has_every_number_and_every_edge() -> None:
    detection = Detection("Names calls that fail.", 0.8, 0.9, 0.85, 120)
    halves = tuple((calls, drawn(calls, calls)) for calls in (1_250, 2_500))
    certificate = certify(SHOP, replace(evidence(drawn(5, 5_000)), detection=detection, checkpoints=halves))
    found = json.loads(document(certificate))
    assert found["recovered"] is True
    assert found["verdict"] == verdict(certificate)
    assert [point["call_count"] for point in found["curve"]] == [1_250, 2_500]
    assert found["fault_detection"]["recall"] == 0.9
    assert len(found["edges"]) == 12
    assert {edge["from"] for edge in found["edges"] if edge["to"] == ""} == {"login", "browse", "cart", "done"}
    assert found["ratio_to_bound"] == pytest.approx(found["mean_error_edges"] / found["bound"])


def test_the_largest_comparison_fits_in_an_answer() -> None:
    names = [f"{'x' * 194}{index:06}" for index in range(2_000)]
    rows = {name: {names[(index + step) % 2_000]: 0.3 for step in (1, 7, 50)} for index, name in enumerate(names)}
    truth = Workflow("large", {names[0]: 1.0}, rows, dict.fromkeys(names, 0.1), dict.fromkeys(names, 5.0))
    counts = {(name, names[(index + step) % 2_000]): 9 for index, name in enumerate(names) for step in range(30)}
    found = compare(truth, replace(evidence(counts), latencies=dict.fromkeys(names, true_latencies(5.0))))
    assert comparison_message(found).ByteSize() < 4 * 1024 * 1024
    assert json.loads(found.document)["impossible_edge_count"] == 28 * 2_000
