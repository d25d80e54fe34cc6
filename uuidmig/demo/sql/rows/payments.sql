SELECT
    payment.reference AS label,
    coalesce(orders.reference, payment.order_id::text) AS "order",
    coalesce(refunded.reference, payment.refunds_payment_id::text) AS refunds,
    payment.method,
    payment.amount_cents,
    payment.created_at
FROM shop.payments AS payment
LEFT JOIN shop.orders ON orders.id = payment.order_id
LEFT JOIN shop.payments AS refunded ON refunded.id = payment.refunds_payment_id
WHERE starts_with(payment.reference, %(prefix)s)
