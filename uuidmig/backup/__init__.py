"""A backup of the tables under their old keys, by PostgreSQL's own pg_dump."""
