"""The providers of models, by name."""

from collections.abc import Callable, Mapping

from shared.errors import InvalidArgument
from shared.llm.base import ChatModel


class UnknownModel(InvalidArgument):
    """There is no model {model}; there are {known}."""

    reason = "UNKNOWN_MODEL"


def _offline() -> ChatModel:
    from shared.llm.offline import OfflineModel

    return OfflineModel()


PROVIDERS: Mapping[str, Callable[[], ChatModel]] = {"offline": _offline}
"""A provider's code is imported when it is chosen."""


def open_model(name: str) -> ChatModel:
    """The model of that name. Raises UnknownModel, which names those that there are."""
    if name not in PROVIDERS:
        raise UnknownModel(model=repr(name), known=", ".join(PROVIDERS))
    return PROVIDERS[name]()
