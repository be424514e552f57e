"""What alembic runs."""

from services.testdata.store import metadata
from shared.db.migrate import run_migrations

run_migrations(metadata)
