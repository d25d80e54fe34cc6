-- Publications FOR TABLE, and what their tables tell rows by. Those of schemas need a superuser.

ALTER TABLE billing.tenants REPLICA IDENTITY USING INDEX tenants_name_key;
ALTER TABLE stock.suppliers REPLICA IDENTITY FULL;
CREATE PUBLICATION "What is sold" FOR TABLE
    shop.customers, shop.orders, shop.order_items, billing.totals, reports.audit,
    crm.accounts (stage, id, name),
    billing.tenants WHERE (name <> 'house'),
    billing.invoices (tenant_id, id, number, net_cents);
COMMENT ON PUBLICATION "What is sold" IS 'for the shops';
CREATE PUBLICATION events_by_partition FOR TABLE
    events.visits, events.pages_0 (url, region, visit_id, number);
CREATE PUBLICATION events_as_a_whole FOR TABLE
    events.sources, events.log (kind, source_id, happened_at, id) WHERE (happened_at > '2024-07-01+00'),
    events.mentions
    WITH (publish_via_partition_root = true);
