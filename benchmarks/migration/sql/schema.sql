-- The data of the benchmark. Keys and indexes come after the load (indexes.sql).
CREATE TABLE orders (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    created_at timestamptz NOT NULL,
    customer_number integer NOT NULL,
    note text NOT NULL
);
CREATE TABLE items (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    order_id uuid NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    created_at timestamptz NOT NULL
);
