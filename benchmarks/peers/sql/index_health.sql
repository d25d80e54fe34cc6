-- The indexes that start with a key, as the extension pgstattuple sees them.
SELECT index.name, health.index_size, health.avg_leaf_density
FROM (VALUES ('orders_pkey'), ('items_pkey'), ('items_order_id')) AS index (name)
CROSS JOIN LATERAL pgstatindex(index.name) AS health
