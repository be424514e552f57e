"""A pytest plugin: every store test runs on SQLite and on a real PostgreSQL.

`database_url` is a fresh, empty database, once on each; `postgres` is the private server behind the second. Without
PostgreSQL's programs those tests are skipped, unless GREENROOM_REQUIRE_POSTGRES=1 makes that a failure.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest


class PostgresServer:
    """A PostgreSQL of our own in a temporary folder, reached by a socket in it, so that two runs cannot conflict."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # Do not use tmp_path: a socket's path has at most 107 bytes, and the server's user needs access.
        self.folder = Path(tempfile.mkdtemp(prefix="greenroom-pg-"))
        self._names = count(1)
        self._as_user: tuple[str, ...] = ()
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root. The argument `user` of subprocess would fork, which breaks gRPC's
            # threads.
            self._as_user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
            shutil.chown(self.folder, "postgres")
        self._run(
            "initdb", "-D", self._data, "-U", "greenroom", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale"
        )

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self, more: str = "") -> None:
        """Start the server and wait until it answers. more: options of `postgres`."""
        settings = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=200 {more}"
        self._run(
            "pg_ctl", "-D", self._data, "-l", str(self.folder / "log"), "-o", settings, "-w", "-t", "300", "start"
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: "fast" ends every session, "immediate" is a crash."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "-t", "300", "stop")

    def remove(self) -> None:
        """Remove the server's folder for good."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self) -> str:
        """Make a new, empty database and return its URL."""
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql+asyncpg://greenroom@/{name}?host={self.folder}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement from outside and return what psql prints."""
        return self._run("psql", "-h", str(self.folder), "-U", "greenroom", "-d", database, "-qAtc", statement)

    def _run(self, program: str, *arguments: str) -> str:
        command = [*self._as_user, str(self._programs / program), *arguments]
        # Use files, not pipes: the server inherits them from pg_ctl and would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd="/", check=False)
            output.seek(0)
            said = output.read()
        if done.returncode:
            raise RuntimeError(f"{program} failed: {said}")
        return said


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's server programs, the newest first; None if there are none."""
    if (found := shutil.which("pg_config")) is not None:
        folder = Path(subprocess.run([found, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
        if (folder / "initdb").exists():
            return folder
    folders = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def private_postgres() -> PostgresServer:
    """A server that is not started yet; skips the test, or fails it in CI, if there is no PostgreSQL here."""
    programs = postgres_programs()
    if programs is None:
        if os.environ.get("GREENROOM_REQUIRE_POSTGRES") == "1":
            pytest.fail("GREENROOM_REQUIRE_POSTGRES is set, but there is no PostgreSQL: install Debian's postgresql")
        pytest.skip("no PostgreSQL on this machine: install Debian's postgresql to run this test")
    return PostgresServer(programs)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's PostgreSQL server."""
    server = private_postgres()
    server.start()
    yield server
    server.stop("immediate")
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'greenroom.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database()
