"""If a database refuses Greenroom, one sentence names the setting but not the address."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from services.synthesizer.app import MIGRATIONS
from services.testdata.settings import TestdataSettings
from shared.db.engine import Database
from shared.db.opening import open_store
from shared.settings import BadSetting, Settings
from tests.postgres import PostgresServer, private_postgres
from tests.unit.rpc.certificates import write_certificate

HBA = """
local all greenroom trust
local all outsider reject
local all all scram-sha-256
hostssl all guest 127.0.0.1/32 scram-sha-256
"""
PORT = 20_000 + os.getpid() % 10_000
"""Below the ports that a system gives to connections, because the server takes it much later."""


@pytest.fixture(scope="module")
def guarded() -> Iterator[PostgresServer]:
    """A server that requires a password, and TLS on its port."""
    server = private_postgres()
    (server.folder / "data" / "pg_hba.conf").write_text(HBA)
    for file in write_certificate(server.folder):
        shutil.chown(file, "postgres")
        file.chmod(0o600)
    files = f"-c ssl_cert_file={server.folder}/server.pem -c ssl_key_file={server.folder}/server.key"
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("PGPORT", str(PORT))
            server.start(f"-c listen_addresses=127.0.0.1 -p {PORT} -c ssl=on {files}")
            server.sql("CREATE ROLE guest LOGIN PASSWORD 'welcome'")
            server.sql("CREATE ROLE outsider LOGIN")
            server.sql("CREATE DATABASE rooms")
            yield server
            server.stop("immediate")
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("guest:s3cret@/rooms?host={folder}", "the user or the password"),
        ("nobody:s3cret@/rooms?host={folder}", "the user or the password"),
        ("guest:welcome@/s3cret?host={folder}", "no database of that name"),
        ("outsider@/rooms?host={folder}", "pg_hba.conf"),
        ("guest:welcome@/rooms?host={folder}", "must be able to create tables"),
        ("guest:welcome@127.0.0.1/rooms?sslmode=disable", "not without TLS"),
        ("guest:s3cret@127.0.0.1/rooms?sslmode=require", "the user or the password"),
        ("guest:welcome@127.0.0.1/rooms?sslmode=verify-full&sslrootcert={folder}/log", "TLS"),
        ("guest:welcome@127.0.0.1/rooms?sslmode=verify-full&sslrootcert={folder}/server.pem", "certificate"),
        ("guest:welcome@/rooms?host={folder}&options=-c%20s3cret%3D1", "a parameter that the server does not know"),
    ],
)
async def test_a_database_that_refuses_is_named_by_its_setting(guarded: PostgresServer, address: str, why: str) -> None:
    filled = address.format(folder=guarded.folder).replace("127.0.0.1", f"127.0.0.1:{PORT}")
    filled = filled.replace("?host", f"?port={PORT}&host")
    settings = TestdataSettings(testdata_database_url=SecretStr(f"postgresql://{filled}"))

    with pytest.raises(BadSetting, match=r"^GREENROOM_TESTDATA_DATABASE_URL is not valid: ") as refused:
        await open_store(settings, "testdata", MIGRATIONS)
    assert why in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert "welcome" not in str(refused.value)


async def test_the_tls_options_of_an_address_are_used(guarded: PostgresServer) -> None:
    for mode in ("require", "prefer", f"verify-ca&sslrootcert={guarded.folder}/server.pem"):
        db = await Database.open(f"postgresql://guest:welcome@127.0.0.1:{PORT}/rooms?sslmode={mode}&connect_timeout=60")
        async with db.read() as conn:
            found = await conn.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
            assert found.scalar()
        await db.close()


@contextlib.asynccontextmanager
async def server_without_tls() -> AsyncIterator[int]:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(b"N")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_server_without_tls_is_said_when_the_address_asks_for_it(tmp_path: Path) -> None:
    async with server_without_tls() as port:
        settings = Settings(database_url=SecretStr(f"postgresql://u:s3cret@127.0.0.1:{port}/d?sslmode=require"))
        with pytest.raises(BadSetting, match="GREENROOM_DATABASE_URL is not valid: the server has no TLS"):
            await open_store(settings, "synthesizer", MIGRATIONS)
