"""The strict YAML loader."""

import pytest

from shared.yaml import BadYaml, load, near, unknown_keys


def test_a_document_is_read_as_json_values() -> None:
    assert load("a: 1\nb: [x, true, null]\nc: 2026-01-05\n", "f") == {"a": 1, "b": ["x", True, None], "c": "2026-01-05"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\na: 2\n", "line 2 repeats the key `a`"),
        ("1: x\n", "not text"),
        ("a: [\n", "line 2"),
        ("a: !!python/object:os.system x\n", "line 1"),
        ("a: 1\n--- \nb: 2\n", "document"),
        ("a: " + "[" * 3000 + "]" * 3000, "not YAML"),
        ("- &a [x]\n- *a\n", "line 2 has the alias *a; write its value out"),
        ("- &a [*a]\n", "line 1 has the alias *a"),
        ("a: &a [x]\nb:\n  <<: *a\n", "line 3 has the alias *a"),
        (" " * (4 * 1024 * 1024 + 1), "4 MiB"),
        (b"\xff\xfe\xff", "f cannot be read"),
    ],
)
def test_yaml_outside_the_strict_subset_is_refused_with_its_line(text: str | bytes, why: str) -> None:
    with pytest.raises(BadYaml, match="f cannot be read") as refused:
        load(text, "f")
    assert why in str(refused.value)


def test_an_unknown_key_is_reported_with_the_nearest_known_key() -> None:
    assert unknown_keys({"tonne": 1, "tone": 2, "zzz": 3}, ["tone"]) == ["`tonne` (did you mean `tone`?)", "`zzz`"]
    assert near("finnished", ["finished", "events"]) == " (did you mean `finished`?)"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_read(encoding: str) -> None:
    assert load("name: Zoë\n".encode(encoding), "spec.yaml") == {"name": "Zoë"}
