-- Customers in the order they signed up, over two years.
INSERT INTO shop.customers (email, name, country, created_at)
SELECT
    'customer-' || n || '@shop.example',
    'Customer ' || n,
    (ARRAY['DE', 'AT', 'CH', 'FR', 'NL'])[1 + n %% 5],
    now() - interval '1 day' - interval '2 years' * (1 - (n - 1)::float8 / %(customers)s::bigint)
FROM generate_series(1, %(customers)s::bigint) AS n
ORDER BY n;
