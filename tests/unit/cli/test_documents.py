"""YAML files that commands write."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cli.kit.documents import Comments, document
from shared import yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "yes",
        "1",
        "1.0",
        "~",
        "2026-01-05",
        "- a",
        "a: b",
        "# a",
        "a\nb\n",
        "\n",
        " a\n b",
        "a\n\n\nb\n\n",
        "\ta\nb",
        "'",
        "{",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_what_is_written_is_read_as_the_same_values(value: dict[str, Any]) -> None:
    comments: Comments = {(key,): "said" for key in value}

    assert yaml.load(document(value, comments, "At the beginning."), "it") == value


def test_comments_stand_after_their_key_or_item() -> None:
    value = {"tools": [{"name": "find", "types": ["a", "b"]}], "text": "One.\n\nTwo.\n"}

    assert document(value, {("tools", 0): "seen\ntwice", ("text",): "once"}, "All of it.") == (
        "# All of it.\ntools:\n  - name: find  # seen twice\n    types: [a, b]\ntext: |  # once\n  One.\n\n  Two.\n"
    )
