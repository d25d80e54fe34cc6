INSERT INTO shop.audit_log (customer_id, order_id, message, detail, created_at)
SELECT
    customer_id,
    id,
    'order ' || reference || ' placed',
    jsonb_build_object('total_cents', total_cents, 'channel', CASE number %% 2 WHEN 0 THEN 'web' ELSE 'app' END),
    created_at
FROM shop.orders
ORDER BY number;
