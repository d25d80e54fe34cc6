SELECT email AS label, number, name, country, note, created_at, updated_at
FROM shop.customers
WHERE starts_with(email, %(prefix)s)
