-- A row if the server has the extension, installed in a database or not.
SELECT FROM pg_available_extensions WHERE name = 'pg_repack'
