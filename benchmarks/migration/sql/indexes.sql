-- What both tables have, the originals as well as the identity copy.
ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
ALTER TABLE items ADD CONSTRAINT items_pkey PRIMARY KEY (id);
CREATE INDEX orders_created_at ON orders (created_at);
CREATE INDEX orders_customer_number ON orders (customer_number);
CREATE INDEX items_order_id ON items (order_id);
