-- Orders in time order, over two years, by customers who had signed up; one in fifty replaces an
-- order that its customer placed shortly before. Keys are made first so that it can name it.
WITH fresh AS MATERIALIZED (
    SELECT
        n,
        gen_random_uuid() AS id,
        CASE WHEN n %% 50 = 0 THEN n - 7 ELSE n END AS of_customer
    FROM generate_series(1, %(orders)s::bigint) AS n
)
INSERT INTO shop.orders (
    id, reference, customer_id, replaces_order_id, status, note, goods_cents, shipping_cents,
    created_at
)
SELECT
    fresh.id,
    'SO-' || lpad(fresh.n::text, 9, '0'),
    customer.id,
    replaced.id,
    CASE
        WHEN fresh.n > %(orders)s::bigint * 0.99 THEN 'new'
        WHEN fresh.n %% 20 = 3 THEN 'cancelled'
        ELSE 'shipped'
    END,
    CASE WHEN fresh.n %% 3 = 0 THEN 'leave with the neighbour at number ' || fresh.n %% 100 END,
    1000 + fresh.n * 37 %% 20000,
    fresh.n %% 2 * 490,
    now() - interval '2 years' * (1 - (fresh.n - 1)::float8 / %(orders)s::bigint)
FROM fresh
JOIN shop.customers AS customer
    ON customer.email = 'customer-' || 1 + fresh.of_customer * 7919
        %% greatest(1, fresh.of_customer * %(customers)s::bigint / %(orders)s::bigint)
        || '@shop.example'
LEFT JOIN fresh AS replaced
    ON fresh.n %% 50 = 0 AND replaced.n = fresh.n - 7
ORDER BY fresh.n;
