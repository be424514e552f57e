"""What models cost, from a file that users edit: see prices.yaml."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import structlog

from shared import yaml
from shared.model.events import Usage

_NANOS = 1_000_000_000
_MILLION = 1_000_000
_KINDS = ("input", "cached_input", "output")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Price:
    """The nanos (billionths of the currency) for a million tokens. cached_input: of input from the provider's cache."""

    input: int
    cached_input: int
    output: int

    def of(self, usage: Usage) -> int:
        """What this usage costs, in nanos."""
        cost = (usage.input_tokens - usage.cached_tokens) * self.input
        cost += usage.cached_tokens * self.cached_input + usage.output_tokens * self.output
        return round(cost / _MILLION)


FREE = Price(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of a file.

    date: the day of which they are. currency: three letters, as in ISO 4217.
    patterns: prices by patterns of the model's full name, with `*`, `?` and `[…]`.
    """

    date: str
    currency: str
    patterns: Mapping[str, Price]
    _found: dict[str, Price] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """Read a file; None is the one that comes with Greenroom. Raises BadYaml."""
        file = files("shared.llm").joinpath("prices.yaml") if path is None else path
        return cls.parse(file.read_bytes(), file.name)

    @classmethod
    def parse(cls, text: str | bytes, file: str) -> Self:
        """The prices in the text. file: its name, for errors. Raises BadYaml."""
        content = _mapping(yaml.load(text, file), file, "the file", ("date", "currency", "models"))
        currency, models = content.get("currency"), content.get("models")
        if not (isinstance(currency, str) and len(currency) == 3 and currency.isalpha() and currency.isupper()):
            raise yaml.BadYaml(file=file, why="`currency` must have three capital letters, such as USD")
        if not isinstance(models, dict):
            raise yaml.BadYaml(file=file, why="`models` must map patterns of models to their prices")
        return cls(str(content.get("date", "")), currency, {name: _price(models[name], file, name) for name in models})

    def find(self, model: str) -> Price | None:
        """The price of a model; None if the file has none."""
        return next((price for pattern, price in self.patterns.items() if fnmatchcase(model, pattern)), None)

    def of(self, model: str) -> Price:
        """The price of a model. A model without a price is free, and the log says so once."""
        if model not in self._found:
            found = self.find(model)
            if found is None:
                _log.warning("model_has_no_price", model=model)
            self._found[model] = FREE if found is None else found
        return self._found[model]


def _mapping(value: Any, file: str, where: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise yaml.BadYaml(file=file, why=f"{where} must be a mapping with the keys {', '.join(known)}")
    if unknown := yaml.unknown_keys(value, known):
        raise yaml.BadYaml(file=file, why=f"{where} has an unknown key: {unknown[0]}")
    return value


def _price(value: Any, file: str, pattern: str) -> Price:
    amounts = _mapping(value, file, f"`{pattern}`", _KINDS)
    nanos = {kind: _amount(amounts[kind], file, pattern, kind) for kind in amounts}
    if missing := [kind for kind in ("input", "output") if kind not in nanos]:
        raise yaml.BadYaml(file=file, why=f"`{pattern}` has no price for `{missing[0]}`")
    return Price(nanos["input"], nanos.get("cached_input", nanos["input"]), nanos["output"])


def _amount(value: Any, file: str, pattern: str, kind: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise yaml.BadYaml(file=file, why=f"`{kind}` of `{pattern}` must be a number that is not negative")
    return round(value * _NANOS)
