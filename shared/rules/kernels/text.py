"""Texts. What depends on a text alone is computed once for each different text of a column."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.rules.kernels.value import Run, Value, condition
from shared.rules.tables import Array, Texts
from shared.rules.typed import Apply


def matches(run: Run, part: Apply, given: list[Value]) -> Value:
    """True where the pattern (part.detail) is found in the text."""
    found = _each(run, part, given[0], lambda text: part.detail.find(text) is not None, np.bool_)
    return condition(found[given[0].values], given[0].known)


def length(run: Run, part: Apply, given: list[Value]) -> Value:
    """How many characters a text has."""
    return Value(_each(run, part, given[0], len, np.int64)[given[0].values], given[0].known)


def lower(run: Run, part: Apply, given: list[Value]) -> Value:
    return _changed(run, part, given[0], str.lower)


def upper(run: Run, part: Apply, given: list[Value]) -> Value:
    return _changed(run, part, given[0], str.upper)


def compare_texts(run: Run, operator: str, left: Value, right: Value) -> NDArray[np.bool_]:
    """Compare two columns of texts, by code points."""
    if len(left.values) == 1 and operator in ("==", "!="):
        left, right = right, left
    one, other = _texts(left), _texts(right)
    if operator in ("==", "!="):
        # In the type of the places, so that NumPy converts nothing.
        kind = left.values.dtype
        codes = run.once(
            ("places", one, other, kind), lambda: np.array([one.index.get(text, -1) for text in other.texts], kind)
        )
        places = codes[right.values]
        equal: NDArray[np.bool_] = left.values == (places[0] if len(places) == 1 else places)
        return equal if operator == "==" else ~equal
    ranks, others = run.once(("ranks", one, other), lambda: _ranks(one, other))
    compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[operator]
    result: NDArray[np.bool_] = compare(ranks[left.values], others[right.values])
    return result


def merged(run: Run, given: list[Value]) -> tuple[Texts, list[Array]]:
    """One list of texts for all columns, and the values of each column in it."""
    key = tuple(_texts(one) for one in given)
    texts, codes = run.once(("merged", *key), lambda: _merged(key))
    return texts, [code[one.values] for code, one in zip(codes, given, strict=True)]


def _texts(value: Value) -> Texts:
    assert value.texts is not None
    return value.texts


def _each(run: Run, part: Apply, value: Value, function: Callable[[str], Any], kind: type[Any]) -> Array:
    texts = _texts(value)
    return run.once((part.operation, part.where, texts), lambda: np.array([function(one) for one in texts.texts], kind))


def _changed(run: Run, part: Apply, value: Value, change: Callable[[str], str]) -> Value:
    def compute() -> tuple[Texts, Array]:
        codes: dict[str, int] = {}
        places = [codes.setdefault(change(text), len(codes)) for text in _texts(value).texts]
        return Texts(tuple(codes)), np.array(places, np.int64)

    texts, places = run.once((part.operation, _texts(value)), compute)
    return Value(places[value.values], value.known, texts)


def _ranks(one: Texts, other: Texts) -> tuple[Array, Array]:
    ranks = {text: rank for rank, text in enumerate(sorted({*one.texts, *other.texts}))}
    return np.array([ranks[text] for text in one.texts]), np.array([ranks[text] for text in other.texts])


def _merged(all_texts: tuple[Texts, ...]) -> tuple[Texts, list[Array]]:
    codes: dict[str, int] = {}
    places = [np.array([codes.setdefault(text, len(codes)) for text in texts.texts], np.int64) for texts in all_texts]
    return Texts(tuple(codes)), places
