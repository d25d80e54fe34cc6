-- What the live tables hold, whatever the order of rows and columns, and what guards them.
SELECT
    orders.count AS orders,
    items.count AS items,
    orders.digest AS orders_digest,
    items.digest AS items_digest,
    indexes.count AS indexes,
    foreign_keys.count AS foreign_keys
FROM (
    SELECT
        count(*),
        bit_xor(hash_record_extended(ROW(id, created_at, customer_number, note), 0)) AS digest
    FROM orders
) AS orders
CROSS JOIN (
    SELECT
        count(*),
        bit_xor(hash_record_extended(ROW(id, order_id, sku, quantity, created_at), 0)) AS digest
    FROM items
) AS items
CROSS JOIN (
    SELECT count(*)
    FROM pg_index
    WHERE indrelid IN ('orders'::regclass, 'items'::regclass) AND indisvalid
) AS indexes
CROSS JOIN (
    SELECT count(*)
    FROM pg_constraint
    WHERE conrelid = 'items'::regclass
        AND confrelid = 'orders'::regclass
        AND contype = 'f'
        AND convalidated
        AND confupdtype = 'a'
) AS foreign_keys
