-- A validated check spares SET NOT NULL its scan under the lock of the swap.
ALTER TABLE orders ADD CONSTRAINT orders_filled CHECK (new_id IS NOT NULL) NOT VALID;
ALTER TABLE items
ADD CONSTRAINT items_filled CHECK (new_id IS NOT NULL AND new_order_id IS NOT NULL) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_filled;
ALTER TABLE items VALIDATE CONSTRAINT items_filled;
