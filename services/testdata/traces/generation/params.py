"""The parameters of calls as query strings."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from urllib.parse import urlencode
from zlib import crc32

import numpy as np

from services.testdata.traces.generation.arrays import Codes, Words
from services.testdata.traces.generation.philox import Purpose, philox

MOST = 1 << 16
"""The most query strings, including the empty one."""


@dataclass(frozen=True, slots=True)
class ParamsTable:
    """The query strings of each endpoint, all equally likely.

    texts: all query strings, each once; the first is empty.
    heads: for each endpoint, offset of its first code << 32 | number of codes.
    codes: indices into texts.
    """

    texts: tuple[str, ...]
    heads: Words
    codes: Codes


def params_table(endpoints: Sequence[str], parameters: Mapping[str, Mapping[str, tuple[str, ...]]]) -> ParamsTable:
    """All combinations of values; if there are too many, a sample with each value equally often."""
    texts = {"": 0}
    heads: list[int] = []
    codes: list[int] = []
    sizes = _sizes([_combinations(parameters.get(endpoint, {})) for endpoint in endpoints])
    for endpoint, size in zip(endpoints, sizes, strict=True):
        strings = _query_strings(parameters.get(endpoint, {}), size)
        heads.append(len(codes) << 32 | len(strings))
        codes += [texts.setdefault(text, len(texts)) for text in strings]
    return ParamsTable(tuple(texts), np.array(heads, np.uint64), np.array(codes, np.uint16))


def _combinations(parameters: Mapping[str, Sequence[str]]) -> int:
    return math.prod(len(values) for values in parameters.values())


def _sizes(combinations: Sequence[int]) -> list[int]:
    """The number of query strings of each endpoint: all if they fit, otherwise an equal share of the rest."""
    sizes = list(combinations)
    left = MOST - 1
    order = sorted(range(len(sizes)), key=lambda i: sizes[i])
    for done, i in enumerate(order):
        sizes[i] = min(sizes[i], left // (len(order) - done))
        left -= sizes[i]
    return sizes


def _query_strings(parameters: Mapping[str, Sequence[str]], size: int) -> list[str]:
    names = sorted(parameters)
    combinations: Iterable[tuple[str, ...]] = product(*(parameters[name] for name in names))
    if _combinations(parameters) > size:
        combinations = zip(*(_sample(parameters[name], size, name) for name in names), strict=True)
    return [urlencode(list(zip(names, combination, strict=True))) for combination in combinations]


def _sample(values: Sequence[str], size: int, name: str) -> list[str]:
    """The values, repeated and shuffled. The name is the key, so a workflow always gets the same sample."""
    places = np.arange(size, dtype=np.uint64)
    words, *_ = philox((crc32(name.encode()), 0), places, 0, 0, Purpose.PARAMS)
    return [values[i % len(values)] for i in np.argsort(words, kind="stable").tolist()]
