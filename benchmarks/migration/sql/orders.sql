-- Orders of two years in time order, as they would have arrived; the note has 80 bytes.
INSERT INTO orders (created_at, customer_number, note)
SELECT
    timestamptz '2023-01-01 00:00:00+00' + interval '730 days' * (n::float8 / %(orders)s),
    (1 + n::bigint * 7919 %% greatest(%(orders)s / 10, 1))::integer,
    rpad(md5(n::text), 80, 'to be left with the neighbours on the left ')
FROM generate_series(1, %(orders)s) AS n
