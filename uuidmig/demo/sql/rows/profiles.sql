SELECT
    customer.email AS label,
    profile.newsletter,
    profile.settings,
    profile.created_at
FROM shop.profiles AS profile
JOIN shop.customers AS customer ON customer.id = profile.customer_id
WHERE starts_with(customer.email, %(prefix)s)
