INSERT INTO shop.tags (name, created_at)
SELECT name, now() - interval '2 years 1 day'
FROM unnest(ARRAY['gift', 'express', 'fragile', 'bulky', 'preorder', 'club', 'returned', 'checked']) AS name;
