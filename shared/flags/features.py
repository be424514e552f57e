"""Asks OpenFeature which features are on."""

import asyncio
import importlib
from collections.abc import Iterable
from typing import Self

import structlog
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.provider import FeatureProvider
from openfeature.provider.no_op_provider import NoOpProvider

from shared.flags.feature import Feature, FeatureOff
from shared.flags.file import FileProvider
from shared.flags.settings import FlagSettings
from shared.ids import new_id
from shared.settings import BadSetting

_log = structlog.get_logger(__name__)


class Features:
    """The flags of one server. environment: the name by which rules tell servers apart."""

    def __init__(self, client: OpenFeatureClient, environment: str) -> None:
        self._client = client
        self._environment = environment

    @classmethod
    async def open(cls, settings: FlagSettings) -> Self:
        """Start the provider that the settings name. Raises BadSetting, BadYaml."""
        # OpenFeature keeps its providers in one registry of the process, where several servers may run.
        domain = f"greenroom-{new_id()}"
        provider = _provider(settings)
        try:
            await asyncio.to_thread(api.set_provider_and_wait, provider, domain)
        except Exception as error:  # a provider may raise anything
            problem = "its provider does not start; check its own settings, and whether it is reachable"
            raise BadSetting(name="FLAG_PROVIDER", problem=problem) from error
        return cls(api.get_client(domain), settings.environment)

    async def require(self, company: str, features: Iterable[Feature]) -> None:
        """Raise FeatureOff for the first of the features that is off for a company."""
        where = EvaluationContext(company, {"company": company, "environment": self._environment})
        for feature in features:
            # Providers may wait for the network or a disk.
            found = await asyncio.to_thread(self._client.get_boolean_details, feature.value, True, where)
            if found.error_code not in (None, ErrorCode.FLAG_NOT_FOUND):
                _log.warning("flag_not_read", feature=feature.value, why=found.error_message)
            if not found.value:
                raise FeatureOff(feature=feature.value)

    async def close(self) -> None:
        """Stop the provider."""
        assert self._client.domain is not None
        await asyncio.to_thread(api.set_provider, NoOpProvider(), self._client.domain)


def _provider(settings: FlagSettings) -> FeatureProvider:
    """The provider that a setting names, one for a file, or one without flags. Raises BadSetting, BadYaml."""
    if settings.flag_provider and settings.flags is not None:
        raise BadSetting(name="FLAG_PROVIDER", problem="GREENROOM_FLAGS is set too; set one of them")
    if not settings.flag_provider:
        return NoOpProvider() if settings.flags is None else FileProvider(settings.flags)
    module, _, name = settings.flag_provider.partition(":")
    try:
        found: FeatureProvider = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        problem = "it must be `package.module:name` of an installed class or function that gives a provider"
        raise BadSetting(name="FLAG_PROVIDER", problem=problem) from error
    return found
