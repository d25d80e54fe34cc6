-- What the mapping's expression refers to; uuidmig creates its own, scripts need this one.
CREATE SCHEMA uuidmig;
CREATE FUNCTION uuidmig.plan_time() RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN timestamptz '2025-01-01 00:00:00+00';
CREATE FUNCTION uuidmig.horizon() RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN timestamptz '2025-01-01 01:00:00+00';
