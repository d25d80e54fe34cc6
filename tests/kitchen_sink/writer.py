"""An application at work in the kitchen sink: what it makes it takes away again in the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg

# Each is one transaction of one round; `%(n)s` counts the rounds.
_ROUND: tuple[LiteralString, ...] = (
    "INSERT INTO crm.accounts (name) VALUES ('w ' || %(n)s)",
    "INSERT INTO crm.contacts (account_id, email, phone)"
    " SELECT id, 'w' || %(n)s || '@example.org', '1' FROM crm.accounts WHERE name = 'w ' || %(n)s",
    "INSERT INTO crm.directory (name, email, phone)"
    " VALUES ('w ' || %(n)s, 'w' || %(n)s || '.2@example.org', '2')",
    "INSERT INTO crm.notes (account_id, body)"
    " SELECT id, 'w' FROM crm.accounts WHERE name = 'w ' || %(n)s",
    "UPDATE crm.accounts a SET primary_contact_id = c.id FROM crm.contacts c"
    " WHERE c.account_id = a.id AND a.name = 'w ' || %(n)s AND c.phone = '2'",
    "INSERT INTO events.log (source_id, kind, happened_at)"
    " SELECT id, 'w', '2024-12-31 00:00+00' FROM events.sources WHERE name = 'source 2'",
    "UPDATE events.log SET happened_at = '2025-12-31 00:00+00' WHERE kind = 'w'",
    "INSERT INTO events.visits (region, source_id)"
    " SELECT 'w', id FROM events.sources WHERE name = 'source 3'",
    "INSERT INTO events.pages (region, visit_id, number, url)"
    " SELECT region, id, 1, 'w' FROM events.visits WHERE region = 'w' ON CONFLICT DO NOTHING",
    "INSERT INTO stock.moves (article_id, to_shelf_id, quantity)"
    " SELECT article_id, shelf_id, -1 FROM stock.levels LIMIT 1",
    "INSERT INTO stock.categories (parent_id, name)"
    " SELECT id, 'w ' || %(n)s FROM stock.categories WHERE name = 'c2'",
    "INSERT INTO reports.audit (kind, label, entity, entity_text)"
    " SELECT 'account', name, id, id::text FROM crm.accounts WHERE name = 'w ' || %(n)s",
    "INSERT INTO reports.favourites SELECT 'w ' || %(n)s, id FROM stock.articles LIMIT 1",
    "INSERT INTO reports.inbox (kind, label, subjects, links, document)"
    " SELECT 'elsewhere', name, ARRAY[id, NULL], ARRAY[id::text],"
    " jsonb_build_object('entity', jsonb_build_object('id', id))"
    " FROM crm.accounts WHERE name = 'w ' || %(n)s",
    "UPDATE reports.inbox SET kind = 'account', document = document || '{\"lines\": []}'"
    " WHERE label = 'w ' || %(n)s",
    "UPDATE reports.inbox i SET subjects = subjects || o.id, kind = 'order' FROM shop.orders o"
    " WHERE label = 'w ' || (%(n)s - 2) AND o.number = 100003",
    "INSERT INTO events.mentions"
    " SELECT 'w', %(n)s, id::text, ARRAY[id] FROM events.sources LIMIT 1",
    "UPDATE events.mentions SET kind = 'source', number = -number WHERE kind = 'w'",
    "INSERT INTO billing.drafts (tenant_id, content)"
    " SELECT id, '{\"w\": 1}' FROM billing.tenants WHERE name = 'tenant 3'",
    "DELETE FROM crm.accounts WHERE name = 'w ' || (%(n)s - 3) AND primary_contact_id IS NULL",
)
_TAKE_AWAY: tuple[LiteralString, ...] = (
    "UPDATE crm.accounts SET primary_contact_id = NULL WHERE name LIKE 'w %'",
    "DELETE FROM crm.accounts WHERE name LIKE 'w %'",
    "DELETE FROM events.log WHERE kind = 'w'",
    "DELETE FROM events.visits WHERE region = 'w'",
    "DELETE FROM stock.moves WHERE quantity = -1",
    "DELETE FROM stock.categories WHERE name LIKE 'w %'",
    "DELETE FROM billing.drafts WHERE content ? 'w'",
    "DELETE FROM reports.audit WHERE label LIKE 'w %'",
    "DELETE FROM reports.inbox WHERE label LIKE 'w %'",
    "DELETE FROM reports.favourites WHERE who LIKE 'w %'",
    "DELETE FROM events.mentions WHERE number NOT BETWEEN 1 AND 9",
)


@contextmanager
def writing(dsn: str, interval: float = 0.01) -> Iterator[list[str]]:
    """Work while the block runs; yields the errors that the application saw, as they come."""
    errors: list[str] = []
    stop = threading.Event()

    def work() -> None:
        with psycopg.connect(dsn, autocommit=True, application_name="kitchen") as connection:
            number = 0
            while not stop.is_set():
                number += 1
                for statement in _ROUND:
                    _run(connection, statement, {"n": number}, errors)
                    stop.wait(interval)
            for statement in _TAKE_AWAY:
                _run(connection, statement, None, errors)

    thread = threading.Thread(target=work, name="kitchen", daemon=True)
    thread.start()
    try:
        yield errors
    finally:
        stop.set()
        thread.join()


def _run(
    connection: psycopg.Connection[tuple[object, ...]],
    statement: LiteralString,
    values: dict[str, int] | None,
    errors: list[str],
) -> None:
    try:
        connection.execute(statement, values)
    except psycopg.Error as error:
        errors.append(f"{error.sqlstate}: {error} in {statement}")
