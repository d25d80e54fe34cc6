-- name: count_keys
-- purpose: keys by version, and rows, of the table or a sample of it
-- The version is the upper half of byte 6, RFC 9562's variant the upper two bits of byte 8.
select
    count(*) filter (where version = 4) as v4,
    count(*) filter (where version = 7) as v7,
    count(*) filter (where version not in (4, 7)) as other,
    count(*) as rows
from {rows}
cross join lateral (
    select case
        when get_byte(bytes, 8) & 192 = 128 then get_byte(bytes, 6) >> 4
        when bytes is not null then 0
    end as version
    from uuid_send(source.{column}) as bytes
) as key
