-- More orders with three items each; their keys come from the defaults.
WITH parents AS (
    INSERT INTO orders (created_at, customer_number, note)
    SELECT now(), n, rpad(md5(n::text), 80, 'to be left with the neighbours on the left ')
    FROM generate_series(1, %s) AS n
    RETURNING id, customer_number
)
INSERT INTO items (order_id, sku, quantity, created_at)
SELECT parents.id, 'SKU-' || (1000 + parents.customer_number), 1, now()
FROM parents
CROSS JOIN generate_series(1, 3)
