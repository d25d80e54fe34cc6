"""A library of authors and books: two tables with uuid4 keys, and a foreign key."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE authors (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE books (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    author_id uuid NOT NULL REFERENCES authors,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON books (author_id);
INSERT INTO authors (name, created_at)
    SELECT 'author ' || n, '2024-01-01'::timestamptz + n * interval '1 hour'
    FROM generate_series(1, 50) AS n;
INSERT INTO books (author_id, created_at)
    SELECT id, created_at + n * interval '1 day' FROM authors, generate_series(1, 4) AS n;
ANALYZE;
"""
