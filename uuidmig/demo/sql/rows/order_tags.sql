SELECT label, "order"
FROM (
    SELECT
        orders.reference || '#' || coalesce(tag.name, order_tag.tag_id::text) AS label,
        orders.reference AS "order"
    FROM shop.order_tags AS order_tag
    JOIN shop.orders ON orders.id = order_tag.order_id
    LEFT JOIN shop.tags AS tag ON tag.id = order_tag.tag_id
) AS named
WHERE starts_with(label, %(prefix)s)
