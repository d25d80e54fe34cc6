-- Partitioned tables of the kitchen sink.

CREATE SCHEMA events;

CREATE TABLE events.sources (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY, name text NOT NULL UNIQUE,
    created_at timestamptz DEFAULT now() NOT NULL
);
CREATE TABLE events.log (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    source_id uuid NOT NULL REFERENCES events.sources,
    kind text NOT NULL,
    happened_at timestamptz NOT NULL,
    PRIMARY KEY (id, happened_at)
) PARTITION BY RANGE (happened_at);
CREATE TABLE events.log_2024 PARTITION OF events.log
    FOR VALUES FROM ('2024-01-01+00') TO ('2025-01-01+00');
CREATE TABLE events.log_2025 PARTITION OF events.log
    FOR VALUES FROM ('2025-01-01+00') TO ('2026-01-01+00') PARTITION BY RANGE (happened_at);
CREATE TABLE events.log_2025_1 PARTITION OF events.log_2025
    FOR VALUES FROM ('2025-01-01+00') TO ('2025-07-01+00');
CREATE TABLE events.log_2025_2 PARTITION OF events.log_2025
    FOR VALUES FROM ('2025-07-01+00') TO ('2026-01-01+00');
CREATE TABLE events.log_default PARTITION OF events.log DEFAULT;
CREATE INDEX ON events.log (kind);
CREATE INDEX only_here ON events.log_2024 (happened_at);

CREATE TABLE events.visits (
    region text NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    source_id uuid NOT NULL REFERENCES events.sources,
    created_at timestamptz DEFAULT now() NOT NULL,
    PRIMARY KEY (region, id)
) PARTITION BY LIST (region);
CREATE TABLE events.visits_eu PARTITION OF events.visits FOR VALUES IN ('de', 'fr');
CREATE TABLE events.visits_rest PARTITION OF events.visits DEFAULT;
CREATE TABLE events.pages (
    region text NOT NULL,
    visit_id uuid NOT NULL,
    number integer NOT NULL,
    url text NOT NULL,
    PRIMARY KEY (region, visit_id, number),
    FOREIGN KEY (region, visit_id) REFERENCES events.visits ON DELETE CASCADE
) PARTITION BY HASH (region);
CREATE TABLE events.pages_0 PARTITION OF events.pages FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE events.pages_1 PARTITION OF events.pages FOR VALUES WITH (MODULUS 2, REMAINDER 1);

INSERT INTO events.sources (name) SELECT 'source ' || n FROM generate_series(1, 5) n;
INSERT INTO events.log (source_id, kind, happened_at)
SELECT s.id, (ARRAY['click', 'view'])[1 + n % 2], timestamptz '2024-06-01 00:00+00' + n * interval '3 days'
FROM events.sources s, generate_series(1, 200) n;
INSERT INTO events.visits (region, source_id)
SELECT r, s.id FROM events.sources s, unnest(ARRAY['de', 'fr', 'us', 'jp']) r, generate_series(1, 5);
INSERT INTO events.pages (region, visit_id, number, url)
SELECT v.region, v.id, n, '/' || n FROM events.visits v, generate_series(1, 3) n;
