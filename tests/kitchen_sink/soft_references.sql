-- References without foreign keys: uuid and text, in arrays and in documents, with a discriminator
-- and without, in an ordinary and in a partitioned table, to keys of a domain type and others.

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
CREATE TABLE reports.inbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    label text NOT NULL,
    subjects uuid[],
    links text[] DEFAULT '{}' NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX ON reports.inbox USING gin (subjects);
CREATE INDEX ON reports.inbox USING gin (links);
CREATE INDEX ON reports.inbox USING gin (document jsonb_path_ops);
CREATE TABLE events.mentions (
    kind text NOT NULL, number integer NOT NULL, key varchar(50), keys uuid[],
    PRIMARY KEY (kind, number)
) PARTITION BY LIST (kind);
CREATE TABLE events.mentions_source PARTITION OF events.mentions FOR VALUES IN ('source');
CREATE TABLE events.mentions_rest PARTITION OF events.mentions DEFAULT;
CREATE INDEX ON events.mentions (key);
CREATE INDEX ON events.mentions USING gin (keys);

INSERT INTO reports.audit (kind, label, entity, entity_text)
SELECT 'account', name, id, id::text FROM crm.accounts
UNION ALL SELECT 'order', reference, id, id::text FROM shop.orders
UNION ALL SELECT 'elsewhere', reference, id, id::text FROM shop.orders WHERE number % 5 = 0
UNION ALL SELECT 'order', 'no key', gen_random_uuid(), 'not a uuid';
INSERT INTO reports.favourites
SELECT row_number() OVER (ORDER BY sku) || ' ' || sku, id FROM stock.articles;
INSERT INTO reports.inbox (kind, label, subjects, links, document)
SELECT kind, label, ARRAY[key, NULL, gen_random_uuid(), key], ARRAY['about', key::text, 'not a uuid'],
    jsonb_build_object('entity', jsonb_build_object('id', key, 'cents', 1.50), 'copy', key,
                       'lines', jsonb_build_array(jsonb_build_object('ref', key), 'plain', NULL))
FROM (SELECT 'account', name, id FROM crm.accounts
    UNION ALL SELECT 'order', reference, id FROM shop.orders
    UNION ALL SELECT 'elsewhere', reference, id FROM shop.orders WHERE number % 5 = 0)
    AS subject (kind, label, key);
INSERT INTO reports.inbox (kind, label, subjects, links, document) VALUES
    ('order', 'nothing', '{}', '{}', '{}'), ('account', 'nothing', NULL, '{x}', '["entity"]');
INSERT INTO events.mentions
SELECT 'source', right(name, 1)::int, id::text, ARRAY[id, id] FROM events.sources
UNION ALL SELECT 'other', right(name, 1)::int, id::text, ARRAY[id] FROM events.sources;
ANALYZE reports.audit, reports.favourites, reports.inbox, events.mentions;
