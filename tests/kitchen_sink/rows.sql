-- Rows of the kitchen sink, a few hundred a table; every row can be told apart without its key.

INSERT INTO crm.accounts (name, stage, created_at)
SELECT 'account ' || n, (ARRAY['lead', 'customer', 'lost'])[1 + n % 3]::crm.stage,
       timestamptz '2024-01-01 00:00+00' + n * interval '1 hour'
FROM generate_series(1, 60) n;
INSERT INTO crm.contacts (account_id, email, phone, created_at)
SELECT a.id, replace(a.name, ' ', '.') || '.' || n || '@example.org',
       CASE WHEN n > 1 THEN '0' || n END, a.created_at + n * interval '1 minute'
FROM crm.accounts a, generate_series(1, 4) n;
UPDATE crm.accounts a SET primary_contact_id = c.id FROM crm.contacts c
WHERE c.account_id = a.id AND c.email LIKE '%.1@example.org';
INSERT INTO crm.activities (contact_id, during, title, created_at)
SELECT c.id, tstzrange(c.created_at, c.created_at + interval '5 minutes'), 'call ' || c.email,
       c.created_at
FROM crm.contacts c;
INSERT INTO crm.notes (account_id, body, created_at)
SELECT a.id, 'about ' || a.name, a.created_at FROM crm.accounts a;

INSERT INTO billing.tenants (name, created_at)
SELECT CASE n WHEN 1 THEN 'house' ELSE 'tenant ' || n END,
       timestamptz '2023-05-01 00:00+00' + n * interval '1 day'
FROM generate_series(1, 5) n;
INSERT INTO billing.invoices (tenant_id, order_id, net_cents, total, issued_on, created_at)
SELECT t.id, o.id, 100 + o.number % 900, ROW(100 + o.number % 900, 'EUR')::billing.money_amount,
       o.created_at::date, o.created_at
FROM billing.tenants t JOIN shop.orders o ON o.number % 5 = length(t.name) % 5;
INSERT INTO billing.invoice_lines (tenant_id, invoice_id, text)
SELECT i.tenant_id, i.id, 'line ' || n FROM billing.invoices i, generate_series(1, 2) n;
INSERT INTO billing.reminders (tenant_id, invoice_id, level, sent_at)
SELECT i.tenant_id, i.id, 1, i.created_at + interval '30 days' FROM billing.invoices i
WHERE i.net_cents % 3 = 0;
INSERT INTO billing.drafts (tenant_id, content)
SELECT t.id, jsonb_build_object('n', n) FROM billing.tenants t, generate_series(1, 3) n;
INSERT INTO billing.settings (tenant_id, logo, footer)
SELECT id, decode(repeat('ab', 3000), 'hex'), 'of ' || name FROM billing.tenants;

INSERT INTO stock.warehouses (code, opened_on)
SELECT 'W' || n, date '2020-01-01' + n FROM generate_series(1, 3) n;
INSERT INTO stock.shelves (warehouse_id, label)
SELECT w.id, w.code || '-' || n FROM stock.warehouses w, generate_series(1, 10) n;
INSERT INTO stock.articles (sku, created_at)
SELECT 'S' || n, timestamp '2022-03-01' + n * interval '1 hour' FROM generate_series(1, 80) n;
INSERT INTO stock.perishables SELECT id, 7 FROM stock.articles WHERE sku LIKE '%7';
INSERT INTO stock.perishable_rules SELECT article_id, '[2,8)' FROM stock.perishables;
INSERT INTO stock.levels
SELECT s.id, a.id, length(a.sku) FROM stock.shelves s, stock.articles a
WHERE a.sku LIKE '%' || right(s.label, 1);
INSERT INTO stock.moves (article_id, from_shelf_id, to_shelf_id, quantity, moved_at)
SELECT l.article_id, NULL, l.shelf_id, l.quantity, timestamptz '2024-06-01 00:00+00'
       + row_number() OVER (ORDER BY s.label, a.sku) * interval '1 minute'
FROM stock.levels l JOIN stock.shelves s ON s.id = l.shelf_id
JOIN stock.articles a ON a.id = l.article_id;
INSERT INTO stock.suppliers (name, names) SELECT 'supplier ' || n, ARRAY['s' || n]
FROM generate_series(1, 10) n;
INSERT INTO stock.supplies SELECT s.id, a.id FROM stock.suppliers s, stock.articles a
WHERE a.sku LIKE '%' || right(s.name, 1);
INSERT INTO stock.categories (name) SELECT 'c' || n FROM generate_series(1, 4) n;
INSERT INTO stock.categories (parent_id, name) SELECT c.id, c.name || '.' || n
FROM stock.categories c, generate_series(1, 4) n;

INSERT INTO "Odd Schema"."Weird ""Table""" ("select") SELECT 'w' || n FROM generate_series(1, 20) n;
INSERT INTO "Odd Schema".a_name_that_is_as_long_as_a_name_can_be_in_postgresql_63_bytes_ ("Parent")
SELECT "The Id" FROM "Odd Schema"."Weird ""Table""";
INSERT INTO reports.runs (kind) SELECT 'kind ' || n FROM generate_series(1, 5) n;
INSERT INTO reports.results (run_id, order_number, value)
SELECT r.id, o.number, o.total_cents FROM reports.runs r, shop.orders o WHERE o.number % 7 = r.id;
INSERT INTO reports.watchers (customer_number)
SELECT number FROM shop.customers WHERE number % 4 = 0;
REFRESH MATERIALIZED VIEW reports.turnover;
ANALYZE;
