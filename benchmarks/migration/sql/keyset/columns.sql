ALTER TABLE orders ADD COLUMN new_id uuid;
ALTER TABLE items ADD COLUMN new_id uuid, ADD COLUMN new_order_id uuid;
