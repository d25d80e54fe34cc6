CREATE UNIQUE INDEX CONCURRENTLY orders_new_id ON orders (new_id);
CREATE UNIQUE INDEX CONCURRENTLY items_new_id ON items (new_id);
CREATE INDEX CONCURRENTLY items_new_order_id ON items (new_order_id);
