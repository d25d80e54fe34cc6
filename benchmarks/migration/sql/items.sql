-- Three items an order, a few seconds after it, in the order of the orders.
INSERT INTO items (order_id, sku, quantity, created_at)
SELECT
    orders.id,
    'SKU-' || (1000 + (orders.customer_number * 31 + line * 977) % 9000),
    1 + (orders.customer_number + line) % 5,
    orders.created_at + line * interval '3 seconds'
FROM orders
CROSS JOIN generate_series(1, 3) AS line
