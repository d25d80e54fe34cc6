-- Bytes of both live tables with their indexes and TOAST.
SELECT pg_total_relation_size('orders') + pg_total_relation_size('items')
