"""One theatre a database for the contract tests of the synthesizer; each test plays its own pieces in it."""

from collections.abc import AsyncIterator

import pytest

from tests.scripted import Theatre, theatre


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    """A theatre on each database."""
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    async with theatre(url, tmp_path_factory.mktemp("theatre"), max_in_flight=100) as running:
        yield running
