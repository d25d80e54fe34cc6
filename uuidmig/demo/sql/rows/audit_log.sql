SELECT
    entry.message AS label,
    coalesce(customer.email, entry.customer_id::text) AS customer,
    coalesce(orders.reference, entry.order_id::text) AS "order",
    entry.detail,
    entry.created_at
FROM shop.audit_log AS entry
LEFT JOIN shop.customers AS customer ON customer.id = entry.customer_id
LEFT JOIN shop.orders ON orders.id = entry.order_id
WHERE starts_with(entry.message, %(prefix)s)
