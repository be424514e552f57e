"""What alembic runs."""

from services.enricher.store import metadata
from shared.db.migrate import run_migrations

run_migrations(metadata)
