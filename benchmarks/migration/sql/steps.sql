-- Seconds of each step of uuidmig, as its journal has them, in the order of their first run.
SELECT step, sum((detail ->> 'seconds')::float8)
FROM uuidmig.event
WHERE kind = 'step'
GROUP BY step
ORDER BY min(id)
