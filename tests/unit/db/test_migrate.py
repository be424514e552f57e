"""Migrations run at start, and once, however many processes start together."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.db.engine import Database
from shared.db.faults import StoreDamaged
from shared.db.migrate import StoreForeign, migrate

ENV = """
from shared.db.migrate import run_migrations
from shared.db.tables import new_metadata
run_migrations(new_metadata())
"""

REVISION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = {revision!r}, {down!r}
def upgrade():{upgrade}
"""

FIRST = """
    op.create_table('rooms', sa.Column('name', sa.String, primary_key=True))
    op.execute("INSERT INTO rooms VALUES ('a')")
"""
SECOND = """
    with op.batch_alter_table('rooms') as rooms:
        rooms.add_column(sa.Column('size', sa.Integer, server_default='1'))
"""
BROKEN = """
    op.execute("INSERT INTO rooms VALUES ('b', 2)")
    op.execute("SELECT nonsense FROM nowhere")
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "100 % migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    _add(folder, "1", None, FIRST)
    return folder


def _add(folder: Path, revision: str, down: str | None, upgrade: str) -> None:
    text = REVISION.format(revision=revision, down=down, upgrade=upgrade)
    (folder / "versions" / f"{revision}.py").write_text(text)


async def _rooms(url: str) -> list[tuple[object, ...]]:
    db = await Database.open(url)
    async with db.read() as conn:
        rows = [tuple(row) for row in await conn.execute(text("SELECT * FROM rooms ORDER BY name"))]
    await db.close()
    return rows


async def test_a_database_is_migrated_to_the_newest_revision_once(database_url: str, scripts: Path) -> None:
    await migrate(database_url, scripts)
    await migrate(database_url, scripts)
    assert await _rooms(database_url) == [("a",)]

    _add(scripts, "2", "1", SECOND)
    await migrate(database_url, scripts)
    assert await _rooms(database_url) == [("a", 1)]


async def test_three_processes_that_start_at_once_migrate_once(database_url: str, scripts: Path) -> None:
    call = f"migrate({database_url!r}, {str(scripts)!r})"
    program = f"import asyncio; from shared.db.migrate import migrate; asyncio.run({call})"

    starting = [await asyncio.create_subprocess_exec(sys.executable, "-c", program) for _ in range(3)]

    assert [await process.wait() for process in starting] == [0, 0, 0]
    assert await _rooms(database_url) == [("a",)]


async def test_a_failed_revision_rolls_back_the_whole_migration(database_url: str, scripts: Path) -> None:
    await migrate(database_url, scripts)
    _add(scripts, "2", "1", SECOND)
    _add(scripts, "3", "2", BROKEN)

    with pytest.raises(Exception, match=r"no such table|does not exist"):
        await migrate(database_url, scripts)

    assert await _rooms(database_url) == [("a",)]
    (scripts / "versions" / "3.py").unlink()
    await migrate(database_url, scripts)
    assert await _rooms(database_url) == [("a", 1)]


@pytest.mark.parametrize("damaged", [b"no database at all\n" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
async def test_a_damaged_file_is_named_and_not_changed(damaged: bytes, scripts: Path, tmp_path: Path) -> None:
    file = tmp_path / "greenroom.db"
    file.write_bytes(damaged)

    with pytest.raises(StoreDamaged, match=str(file)):
        await migrate(f"sqlite+aiosqlite:///{file}", scripts)

    assert file.read_bytes() == damaged


async def test_a_database_whose_pages_were_overwritten_is_named(scripts: Path, tmp_path: Path) -> None:
    file = tmp_path / "greenroom.db"
    await migrate(f"sqlite+aiosqlite:///{file}", scripts)
    content = bytearray(file.read_bytes())
    content[100:8192] = b"\xff" * (8192 - 100)
    file.write_bytes(content)

    with pytest.raises(StoreDamaged, match=str(file)):
        await migrate(f"sqlite+aiosqlite:///{file}", scripts)


async def test_a_database_of_another_service_is_refused(database_url: str, scripts: Path, tmp_path: Path) -> None:
    await migrate(database_url, scripts)
    others = tmp_path / "others"
    (others / "versions").mkdir(parents=True)
    (others / "env.py").write_text(ENV)
    _add(others, "others_1", None, FIRST)

    with pytest.raises(StoreForeign, match="give each service its own"):
        await migrate(database_url, others)
