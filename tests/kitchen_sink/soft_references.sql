-- References without foreign keys: uuid and text, with a discriminator and without, in an ordinary
-- and in a partitioned table, to keys of a domain type and others.

CREATE TABLE reports.audit (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    label text NOT NULL,
    entity uuid,
    entity_text text,
    at timestamptz DEFAULT now() NOT NULL
);
CREATE INDEX ON reports.audit (entity);
CREATE INDEX ON reports.audit (entity_text);
CREATE TABLE reports.favourites (who text NOT NULL, article uuid, PRIMARY KEY (who));
CREATE INDEX ON reports.favourites (article);
CREATE TABLE events.mentions (
    kind text NOT NULL, number integer NOT NULL, key varchar(50), PRIMARY KEY (kind, number)
) PARTITION BY LIST (kind);
CREATE TABLE events.mentions_source PARTITION OF events.mentions FOR VALUES IN ('source');
CREATE TABLE events.mentions_rest PARTITION OF events.mentions DEFAULT;
CREATE INDEX ON events.mentions (key);

INSERT INTO reports.audit (kind, label, entity, entity_text)
SELECT 'account', name, id, id::text FROM crm.accounts
UNION ALL SELECT 'order', reference, id, id::text FROM shop.orders
UNION ALL SELECT 'elsewhere', reference, id, id::text FROM shop.orders WHERE number % 5 = 0
UNION ALL SELECT 'order', 'no key', gen_random_uuid(), 'not a uuid';
INSERT INTO reports.favourites
SELECT row_number() OVER (ORDER BY sku) || ' ' || sku, id FROM stock.articles;
INSERT INTO events.mentions SELECT 'source', right(name, 1)::int, id::text FROM events.sources
UNION ALL SELECT 'other', right(name, 1)::int, id::text FROM events.sources;
ANALYZE reports.audit, reports.favourites, events.mentions;
