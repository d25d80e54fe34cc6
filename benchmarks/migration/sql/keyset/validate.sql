ALTER TABLE items VALIDATE CONSTRAINT items_order_id_fkey;
