SELECT
    item.line_reference AS label,
    coalesce(orders.reference, item.order_id::text) AS "order",
    item.sku,
    item.quantity,
    item.unit_cents,
    item.amount_cents,
    item.created_at
FROM shop.order_items AS item
LEFT JOIN shop.orders ON orders.id = item.order_id
WHERE starts_with(item.line_reference, %(prefix)s)
