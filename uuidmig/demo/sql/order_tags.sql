INSERT INTO shop.order_tags (order_id, tag_id)
SELECT orders.id, tags.id
FROM shop.orders
CROSS JOIN LATERAL (
    SELECT id FROM shop.tags ORDER BY name LIMIT 1 OFFSET orders.number %% 8
) AS tags
WHERE orders.number %% 3 > 0
ORDER BY orders.number;
