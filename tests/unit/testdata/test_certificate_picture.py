"""The certificate's picture: well-formed, accessible, legible, and of a bounded size."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest

from services.testdata.traces.certificate import Certificate, Evidence, certify
from services.testdata.traces.picture import picture
from services.testdata.traces.picture.svg import on_shade, shade, wrapped
from services.testdata.traces.verdict import verdict
from services.testdata.traces.workflow import Workflow
from tests.unit.testdata.test_certificate import EXACT, SHOP, drawn, evidence

SVG = "{http://www.w3.org/2000/svg}"


def parsed(workflow: Workflow, certificate: Certificate) -> ElementTree.Element:
    return ElementTree.fromstring(picture(workflow, certificate))


def words(root: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def test_it_says_in_words_what_it_shows() -> None:
    certificate = certify(SHOP, evidence(drawn(1, 5_000)))
    root = parsed(SHOP, certificate)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    title, description = root[0], root[1]
    assert (title.get("id"), title.text) == ("title", "Recovery certificate of shop")
    assert description.text is not None
    assert description.text.startswith(verdict(certificate))


def test_it_needs_nothing_from_elsewhere() -> None:
    drawn_ = picture(SHOP, certify(SHOP, evidence(drawn(1, 5_000)))).decode()
    for foreign in ("<script", "<image", "<style", "href", "@import"):
        assert foreign not in drawn_


def test_both_maps_hold_every_probability_in_per_cent() -> None:
    said = words(parsed(SHOP, certify(SHOP, evidence(EXACT))))
    assert "✓ Recovered" in said
    assert said.count("90") == 2
    assert said.count("50") == 2
    assert not [one for one in said if "Framed" in one or "Hatched" in one]


def test_what_speaks_against_the_truth_is_marked_and_explained() -> None:
    counts = EXACT | {("cart", "pay"): 500, ("cart", "browse"): 350, ("cart", "login"): 50, ("pay", "done"): 0}
    root = parsed(SHOP, certify(SHOP, evidence(counts)))
    said = words(root)
    assert "✗ Not recovered" in said
    assert [one for one in said if "Framed" in one and "◀" in one and "Hatched" in one]
    assert [one for one in root.iter(f"{SVG}rect") if one.get("fill") == "none"]
    assert [one for one in root.iter(f"{SVG}rect") if one.get("fill") == "url(#never)"]


def test_names_that_look_like_markup_stay_words() -> None:
    name = 'GET /<script>alert("x")</script>&{id}'
    odd = Workflow(
        name="odd", entry_points={name: 1.0}, transitions={}, exit_points={name: 1.0}, avg_response_times={name: 9.0}
    )
    root = parsed(odd, certify(odd, Evidence(3, 3, {("", name): 3, (name, ""): 3})))
    assert not list(root.iter(f"{SVG}script"))
    assert [title for title in root.iter(f"{SVG}title") if title.text and name in title.text]


def test_two_thousand_endpoints_make_a_picture_of_forty() -> None:
    names = [f"endpoint-{index:04}" for index in range(2_000)]
    ring = {name: {names[(index + step) % 2_000]: 0.3 for step in (1, 7, 50)} for index, name in enumerate(names)}
    large = Workflow("large", {names[0]: 1.0}, ring, dict.fromkeys(names, 0.1), dict.fromkeys(names, 5.0))
    counts = {(start, to): 30 for start, row in ring.items() for to in row} | {(name, ""): 10 for name in names}
    root = parsed(large, certify(large, evidence(counts)))
    assert "1,960 endpoints called less are not shown." in " ".join(words(root))
    assert len(picture(large, certify(large, evidence(counts)))) < 500_000


@pytest.mark.parametrize("calls", [0, 1, 2, 10**11])
def test_it_can_be_drawn_for_any_number_of_calls(calls: int) -> None:
    counts = {edge: count * calls // 1_000 for edge, count in EXACT.items()}
    halves = ((calls // 4, counts), (calls // 2, counts)) if calls > 2 else ()
    parsed(SHOP, certify(SHOP, replace(evidence(counts, calls), checkpoints=halves)))


def test_colours_darken_as_probabilities_grow_and_numbers_stay_legible() -> None:
    def luminance(colour: str) -> float:
        parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    shares = [share / 100 for share in range(101)]
    brightness = [luminance(shade(share)) for share in shares]
    assert brightness == sorted(brightness, reverse=True)
    for share, back in zip(shares, brightness, strict=True):
        front = luminance(on_shade(share))
        assert (max(front, back) + 0.05) / (min(front, back) + 0.05) >= 4.5, share


def test_long_verdicts_are_wrapped() -> None:
    lines = wrapped("word " * 100, 13, 500)
    assert len(lines) > 3
    assert " ".join(lines).split() == ["word"] * 100
