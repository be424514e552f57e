"""Opens the database that a service's settings name."""

from pathlib import Path

from sqlalchemy import Connection, column, func, inspect, select, table

from shared.db.address import DatabaseRefused, read_address
from shared.db.engine import Database
from shared.db.migrate import check_file, migrate
from shared.ids import continue_after
from shared.settings import Settings


async def open_store(settings: Settings, service: str, migrations: Path) -> Database:
    """The migrated database of a service. New ids sort after those in it.

    Raises BadSetting, which names the setting with the address, and StoreUnavailable, StoreDamaged, StoreForeign.
    """
    url = settings.store_at(service)
    try:
        if (address := read_address(url)).sqlite:
            await check_file(address.url.database or "", settings.database_check_seconds)
        await migrate(url, migrations)
        db = await Database.open(url, settings.database)
    except DatabaseRefused as refused:
        raise settings.refused_store(service, refused) from refused
    async with db.read() as conn:
        for newest in await conn.run_sync(_newest_ids):
            continue_after(newest)
    return db


def _newest_ids(conn: Connection) -> list[str]:
    """The newest id of each table whose key is an id, so that names sort by age even if the clock was set back."""
    inspector = inspect(conn)
    keys = {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in inspector.get_table_names()}
    tables = [table(name, column("id")) for name, key in keys.items() if key == ["id"]]
    newest = [conn.scalar(select(func.max(one.c.id))) for one in tables]
    return [str(one) for one in newest if one is not None]
