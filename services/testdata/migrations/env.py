"""What alembic runs."""

from services.testdata.store.tables import metadata
from shared.db.migrate import run_migrations

run_migrations(metadata)
