-- A reference to nothing shows as the key itself, so it equals no label.
SELECT
    orders.reference AS label,
    orders.number,
    coalesce(customer.email, orders.customer_id::text) AS customer,
    coalesce(replaced.reference, orders.replaces_order_id::text) AS replaces,
    orders.status,
    orders.note,
    orders.goods_cents,
    orders.shipping_cents,
    orders.total_cents,
    orders.created_at,
    orders.updated_at
FROM shop.orders
LEFT JOIN shop.customers AS customer ON customer.id = orders.customer_id
LEFT JOIN shop.orders AS replaced ON replaced.id = orders.replaces_order_id
WHERE starts_with(orders.reference, %(prefix)s)
