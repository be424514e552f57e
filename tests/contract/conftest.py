"""One theatre, and one test data service, a database for the contract tests; each test has its own pieces in it."""

from collections.abc import AsyncIterator

import pytest

from tests.scripted import Theatre, theatre
from tests.suite import TestdataSuite, testdata_suite


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    """A theatre on each database."""
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    async with theatre(url, tmp_path_factory.mktemp("theatre"), max_in_flight=100) as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
async def traces(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestdataSuite]:
    """A test data service on each database."""
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    async with testdata_suite(url, tmp_path_factory.mktemp("testdata")) as running:
        yield running
