ALTER TABLE items DROP CONSTRAINT items_order_id_fkey;
ALTER TABLE items ADD CONSTRAINT items_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE orders ALTER COLUMN id SET DEFAULT uuidv7();
ALTER TABLE items ALTER COLUMN id SET DEFAULT uuidv7();
