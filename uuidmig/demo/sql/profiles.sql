-- Every second customer has a profile.
INSERT INTO shop.profiles (customer_id, newsletter, settings, created_at)
SELECT id, number %% 4 = 0, jsonb_build_object('theme', number %% 3), created_at
FROM shop.customers
WHERE number %% 2 = 0
ORDER BY number;
