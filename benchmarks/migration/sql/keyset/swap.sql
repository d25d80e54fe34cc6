-- One transaction. Dropping the old columns takes their keys and indexes along.
ALTER TABLE items DROP CONSTRAINT items_order_id_fkey;
ALTER TABLE items DROP COLUMN id, DROP COLUMN order_id;
ALTER TABLE orders DROP COLUMN id;
ALTER TABLE orders RENAME COLUMN new_id TO id;
ALTER TABLE items RENAME COLUMN new_id TO id;
ALTER TABLE items RENAME COLUMN new_order_id TO order_id;
ALTER TABLE items ALTER COLUMN order_id SET NOT NULL;
ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_new_id;
ALTER TABLE items ADD CONSTRAINT items_pkey PRIMARY KEY USING INDEX items_new_id;
ALTER INDEX items_new_order_id RENAME TO items_order_id;
ALTER TABLE orders DROP CONSTRAINT orders_filled, ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE items DROP CONSTRAINT items_filled, ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE items
ADD CONSTRAINT items_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders NOT VALID;
