-- Run with the schema of the copy in front of the search path.
CREATE SCHEMA identity_copy;
CREATE TABLE orders AS SELECT * FROM public.orders;
CREATE TABLE items AS SELECT * FROM public.items;
