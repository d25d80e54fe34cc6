"""What an application does with the objects of the kitchen sink. No result has a key in it."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

Rows = list[tuple[Any, ...]]

USES: dict[str, tuple[LiteralString, ...]] = {
    "view": (
        "SELECT reference, status, email FROM reports.open_orders"
        " WHERE email LIKE 'customer-%' ORDER BY 1",
    ),
    "view on a view": (
        "SELECT email, orders FROM reports.open_orders_of WHERE email LIKE 'customer-%' ORDER BY 1",
    ),
    "view that is written to": (
        "INSERT INTO reports.tags (name) VALUES ('by the view')",
        "UPDATE reports.tags SET name = 'renamed' WHERE name = 'by the view'",
        "SELECT name FROM shop.tags WHERE name = 'renamed'",
    ),
    "INSTEAD OF trigger": (
        "INSERT INTO crm.directory (name, email, phone)"
        " VALUES ('account 7', 'new@example.org', '9')",
        "SELECT a.name, c.email FROM crm.contacts c JOIN crm.accounts a ON a.id = c.account_id"
        " WHERE c.email = 'new@example.org'",
    ),
    "view with security_invoker": ("SELECT name, email, phone FROM crm.directory ORDER BY 2",),
    "materialized view": (
        "SELECT c.number, t.cents FROM reports.turnover t"
        " JOIN shop.customers c ON c.id = t.customer_id WHERE c.email LIKE 'customer-%' ORDER BY 1",
    ),
    "materialized view refreshed": (
        "REFRESH MATERIALIZED VIEW reports.turnover",
        "SELECT count(*) FROM reports.turnover t"
        " WHERE NOT EXISTS (SELECT FROM shop.customers c WHERE c.id = t.customer_id)",
    ),
    "materialized view filled for the first time": (
        "REFRESH MATERIALIZED VIEW reports.never_filled",
        "SELECT count(*) FROM reports.never_filled n JOIN stock.articles a ON a.id = n.id",
    ),
    "rule": (
        "DELETE FROM billing.tenants WHERE name = 'house'",
        "SELECT count(*) FROM billing.tenants WHERE name = 'house'",
    ),
    "function of a row": (
        "SELECT shop.label(o) FROM shop.orders o WHERE number < 100020 ORDER BY 1",
    ),
    "function that returns rows": (
        "SELECT reference, status FROM shop.customers c, shop.orders_of(c.email)"
        " WHERE c.number < 20 ORDER BY 1",
    ),
    "function with a variable of the row type": (
        "SELECT sku, stock.level_of(sku) FROM stock.articles ORDER BY 1",
    ),
    "procedure with BEGIN ATOMIC": (
        "CALL stock.restock('S11', 1000)",
        "SELECT stock.level_of('S11')",
    ),
    "trigger that maintains a table": (
        "DELETE FROM billing.invoices WHERE number % 2 = 0",
        "SELECT t.name, x.invoices, x.net_cents FROM billing.totals x"
        " JOIN billing.tenants t ON t.id = x.tenant_id ORDER BY 1",
    ),
    "disabled trigger": (
        "UPDATE stock.shelves SET label = label || '!'",
        "SELECT label FROM stock.shelves ORDER BY 1",
    ),
    "identity and serial": (
        "INSERT INTO billing.invoices (tenant_id, net_cents) SELECT id, 5 FROM billing.tenants"
        " WHERE name = 'house'",
        "SELECT count(*), count(DISTINCT number) FROM billing.invoices",
    ),
    "NULLS NOT DISTINCT": (
        "SELECT count(*), count(DISTINCT (account_id, coalesce(phone, ''))) FROM crm.contacts",
    ),
    "cascade through a domain": (
        "DELETE FROM crm.notes",
        "UPDATE crm.accounts SET primary_contact_id = NULL",
        "DELETE FROM crm.accounts WHERE name = 'account 9'",
        "SELECT count(*) FROM crm.contacts",
    ),
    "composite keys": (
        "SELECT t.name, count(DISTINCT i.number), count(l.position), count(DISTINCT r.level)"
        " FROM billing.tenants t LEFT JOIN billing.invoices i ON i.tenant_id = t.id"
        " LEFT JOIN billing.invoice_lines l ON (l.tenant_id, l.invoice_id) = (i.tenant_id, i.id)"
        " LEFT JOIN billing.reminders r ON (r.tenant_id, r.invoice_id) = (i.tenant_id, i.id)"
        " GROUP BY 1 ORDER BY 1",
    ),
    "keys that are foreign keys": (
        "SELECT a.sku, p.days, r.celsius FROM stock.articles a JOIN stock.perishables p"
        " ON p.article_id = a.id JOIN stock.perishable_rules r ON r.article_id = p.article_id"
        " ORDER BY 1",
    ),
    "odd names": (
        'SELECT w."select" FROM "Odd Schema"."Weird ""Table""" w'
        ' JOIN "Odd Schema".a_name_that_is_as_long_as_a_name_can_be_in_postgresql_63_bytes_ l'
        ' ON l."Parent" = w."The Id" ORDER BY 1',
    ),
    "references from outside by other columns": (
        "SELECT c.number FROM reports.watchers w JOIN shop.customers c"
        " ON c.number = w.customer_number ORDER BY 1",
    ),
    "partitions": (
        "SELECT l.tableoid::regclass::text, s.name, kind, happened_at FROM events.log l"
        " JOIN events.sources s ON s.id = l.source_id ORDER BY 1, 2, 3, 4",
    ),
    "partitions with composite references": (
        "DELETE FROM events.visits WHERE region = 'fr'",
        "SELECT p.tableoid::regclass::text, p.region, p.number, count(*) FROM events.pages p"
        " JOIN events.visits v ON (v.region, v.id) = (p.region, p.visit_id) GROUP BY 1, 2, 3"
        " ORDER BY 1, 2, 3",
    ),
    "soft references by uuid and by text": (
        "SELECT a.kind, a.label FROM reports.audit a LEFT JOIN crm.accounts c ON c.id = a.entity"
        " LEFT JOIN shop.orders o ON o.id::text = a.entity_text"
        " WHERE label !~ '^w' AND ((a.kind, a.label) = ('account', c.name)"
        " AND c.id::text = a.entity_text OR (a.kind, a.label) = ('order', o.reference)"
        " AND o.id = a.entity) ORDER BY 1, 2",
    ),
    "values that only look like soft references": (
        "SELECT kind, label, get_byte(uuid_send(entity), 6) >> 4, substring(entity_text, 15, 1)"
        " FROM reports.audit WHERE kind = 'elsewhere' OR label = 'no key' ORDER BY 1, 2",
    ),
    "soft references inside arrays": (
        "SELECT i.kind, i.label, subjects[2], i.links[1], i.links[3] FROM reports.inbox i"
        " LEFT JOIN crm.accounts c ON i.kind = 'account' AND subjects @> ARRAY[c.id::uuid]"
        " LEFT JOIN shop.orders o ON i.kind = 'order' AND subjects @> ARRAY[o.id]"
        " WHERE label = coalesce(c.name, o.reference) AND subjects[1] = subjects[4]"
        " AND get_byte(uuid_send(subjects[3]), 6) >> 4 = 4 AND links[2] = subjects[1]::text"
        " AND label !~ '^w' ORDER BY 1, 2",
    ),
    "soft references inside documents": (
        "SELECT i.kind, i.label, document #> '{entity,cents}', document -> 'lines' -> 1"
        " FROM reports.inbox i LEFT JOIN crm.accounts c ON i.kind = 'account'"
        " AND document @> jsonb_build_object('entity', jsonb_build_object('id', c.id))"
        " LEFT JOIN shop.orders o ON i.kind = 'order'"
        " AND document @> jsonb_build_object('lines', jsonb_build_array("
        "jsonb_build_object('ref', o.id)))"
        " WHERE label = coalesce(c.name, o.reference)"
        " AND document #> '{entity,id}' = document #> '{lines,0,ref}'"
        " AND label !~ '^w' ORDER BY 1, 2",
    ),
    "values inside that only look like soft references": (
        "SELECT kind, label, get_byte(uuid_send(subjects[1]), 6) >> 4, substring(links[2], 15, 1),"
        " substring(document #>> '{entity,id}', 15, 1), substring(document ->> 'copy', 15, 1)"
        " FROM reports.inbox WHERE kind = 'elsewhere' AND label !~ '^w' ORDER BY 2",
    ),
    "keys beside the path of a soft reference": (
        "SELECT kind, substring(document ->> 'copy', 15, 1), count(*) FROM reports.inbox"
        " WHERE label !~ '^w' GROUP BY 1, 2 ORDER BY 1, 2",
    ),
    "arrays and documents without any key": (
        "SELECT kind, subjects, links, document FROM reports.inbox WHERE label = 'nothing'"
        " ORDER BY 1",
    ),
    "soft reference of all rows": (
        "SELECT f.who, a.sku FROM reports.favourites f JOIN stock.articles a ON a.id = f.article"
        " ORDER BY 1",
    ),
    "soft references of a partitioned table": (
        "SELECT m.kind, m.number, s.name, t.name FROM events.mentions m"
        " LEFT JOIN events.sources s ON s.id::text = m.key AND m.kind = 'source'"
        " LEFT JOIN events.sources t ON m.keys = ARRAY[t.id, t.id] ORDER BY 1, 2",
    ),
    "publications": (
        "SELECT pubname, schemaname, tablename, attnames, rowfilter FROM pg_publication_tables"
        " ORDER BY 1, 2, 3",
    ),
    "publications of schemas, of partitions and of whole tables": (
        "SELECT pubname, r.prrelid::regclass::text, s.pnnspid::regnamespace::text"
        " FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid"
        " LEFT JOIN pg_publication_namespace s ON s.pnpubid = p.oid ORDER BY 1, 2, 3",
    ),
    "replica identity": (
        "UPDATE billing.tenants SET created_at = now()",
        "UPDATE stock.suppliers SET names = names || '{more}'",
        "SELECT c.relname, c.relreplident, i.indexrelid::regclass::text FROM pg_class c"
        " LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisreplident"
        " WHERE c.oid IN ('billing.tenants'::regclass, 'stock.suppliers'::regclass) ORDER BY 1",
    ),
    "insert into a partitioned table": (
        "INSERT INTO events.log (source_id, kind, happened_at)"
        " SELECT id, 'new', '2025-08-01 00:00+00' FROM events.sources WHERE name = 'source 1'",
        "SELECT tableoid::regclass::text, uuid_send(id) IS NOT NULL FROM events.log"
        " WHERE kind = 'new'",
    ),
}


def use(connection: psycopg.Connection[Any], name: str) -> Rows:
    """Do what `name` stands for and take it back; return the rows of its last statement."""
    with connection.transaction(force_rollback=True):
        for statement in USES[name][:-1]:
            connection.execute(statement)
        return connection.execute(USES[name][-1]).fetchall()
