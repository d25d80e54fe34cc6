-- Tables of the data that are in their first file, whose number is that of the table.
SELECT relname
FROM pg_class
WHERE oid IN ('orders'::regclass, 'items'::regclass) AND pg_relation_filenode(oid) = oid
ORDER BY relname
