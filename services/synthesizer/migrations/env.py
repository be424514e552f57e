"""What alembic runs."""

from services.synthesizer.store import metadata
from shared.db.migrate import run_migrations

run_migrations(metadata)
