SELECT relname, pg_total_relation_size(oid)
FROM pg_class
WHERE relnamespace = %s::regnamespace AND relkind = 'r'
ORDER BY relname
