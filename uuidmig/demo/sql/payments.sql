-- What was shipped was paid, within a day.
INSERT INTO shop.payments (order_id, reference, method, amount_cents, created_at)
SELECT
    id,
    'PAY-' || number,
    (ARRAY['card', 'transfer', 'invoice'])[1 + number %% 3],
    total_cents,
    created_at + interval '1 minute' * (number %% 1440)
FROM shop.orders
WHERE status = 'shipped'
ORDER BY number;
