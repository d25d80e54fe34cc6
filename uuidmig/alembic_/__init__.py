"""Steps as Alembic revisions, and the environment that uuidmig runs them in."""
