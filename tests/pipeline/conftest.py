"""Fixtures for tests of the pipeline."""

from collections.abc import AsyncIterator

import pytest

from greenroom.client import Client
from tests.suite import suite


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A client of a new synthesizer for each file."""
    async with suite("sqlite", tmp_path_factory.mktemp("suite")) as greenroom:
        yield greenroom.client
