-- What a script brings along where the server has no such function yet (before PostgreSQL 18).
CREATE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        int8send((date_part('epoch', clock_timestamp()) * 1000)::bigint << 16 | 28672)
        || substring(uuid_send(gen_random_uuid()) FROM 9),
        'hex'
    )::uuid
$$;
