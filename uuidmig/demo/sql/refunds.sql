INSERT INTO shop.payments (
    order_id, refunds_payment_id, reference, method, amount_cents, created_at
)
SELECT
    order_id,
    id,
    reference || '-R',
    method,
    -amount_cents,
    created_at + interval '5 days'
FROM shop.payments
WHERE amount_cents %% 40 = 0
ORDER BY created_at;
