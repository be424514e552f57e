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
"""How many different query strings there are at most, the empty one among them."""


@dataclass(frozen=True, slots=True)
class ParamsTable:
    """The query strings, and which of them an endpoint's calls have, each equally likely.

    texts: all of them, each once; the first is empty.
    heads: for each endpoint, where its codes begin << 32 | how many it has.
    codes: numbers of texts.
    """

    texts: tuple[str, ...]
    heads: Words
    codes: Codes


def params_table(endpoints: Sequence[str], parameters: Mapping[str, Mapping[str, tuple[str, ...]]]) -> ParamsTable:
    """All combinations of the values; of too many a sample in which each value is as frequent as the others."""
    with_some = sum(1 for endpoint in endpoints if parameters.get(endpoint))
    most = (MOST - 1) // max(1, with_some)
    texts = {"": 0}
    heads: list[int] = []
    codes: list[int] = []
    for endpoint in endpoints:
        strings = _query_strings(parameters.get(endpoint, {}), most)
        heads.append(len(codes) << 32 | len(strings))
        codes += [texts.setdefault(text, len(texts)) for text in strings]
    return ParamsTable(tuple(texts), np.array(heads, np.uint64), np.array(codes, np.uint16))


def _query_strings(parameters: Mapping[str, Sequence[str]], most: int) -> list[str]:
    names = sorted(parameters)
    values = [list(parameters[name]) for name in names]
    combinations: Iterable[tuple[str, ...]] = product(*values)
    if math.prod(len(of_one) for of_one in values) > most:
        combinations = zip(
            *(_sample(of_one, most, name) for name, of_one in zip(names, values, strict=True)), strict=True
        )
    return [urlencode(list(zip(names, combination, strict=True))) for combination in combinations]


def _sample(values: Sequence[str], size: int, name: str) -> list[str]:
    """The values over and over, shuffled; by the parameter's name, so that a workflow always has the same."""
    places = np.arange(size, dtype=np.uint64)
    words, *_ = philox((crc32(name.encode()), 0), places, 0, 0, Purpose.PARAMS)
    return [values[i % len(values)] for i in np.argsort(words, kind="stable").tolist()]
