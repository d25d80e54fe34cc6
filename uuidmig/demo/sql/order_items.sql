-- One to five lines an order, three on average.
INSERT INTO shop.order_items (
    order_id, line_reference, sku, quantity, unit_cents, created_at
)
SELECT
    orders.id,
    orders.reference || '/' || line,
    'SKU-' || (orders.number * 31 + line * 7) %% 5000,
    1 + line %% 3,
    250 + (orders.number * 13 + line) %% 9000,
    orders.created_at
FROM shop.orders
CROSS JOIN LATERAL generate_series(1, 1 + orders.number %% 5) AS line
ORDER BY orders.number, line;
