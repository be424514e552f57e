"""What alembic runs."""

from services.evaluator.store import metadata
from shared.db.migrate import run_migrations

run_migrations(metadata)
