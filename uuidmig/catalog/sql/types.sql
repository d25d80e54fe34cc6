-- name: types
-- purpose: every type the columns are made of, with the type that contains it (0: a column does)
-- `hashable` is about types without parts: a default hash operator class, of the type itself or of
-- one it is binary-coercible to (varchar -> text), with the extended function (support number 2).
-- `hash_function` is that function where it is a built-in that SQL can call with such a value.
with recursive made_of (whole, part) as (
    select 0::oid, a.atttypid
    from pg_attribute a
    where a.attrelid = any (%(tables)s::oid[]) and a.attnum > 0 and not a.attisdropped
    union
    select m.part, inner_type.oid
    from made_of m
    join pg_type t on t.oid = m.part
    cross join lateral (
        select t.typbasetype as oid where t.typtype = 'd'
        union all
        select t.typelem where t.typsubscript = 'array_subscript_handler'::regproc
        union all
        select a.atttypid from pg_attribute a
        where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        union all
        select r.rngsubtype from pg_range r where r.rngtypid = t.oid
        union all
        select r.rngtypid from pg_range r where r.rngmultitypid = t.oid
    ) inner_type
)
select
    m.whole,
    m.part,
    case
        when t.typnamespace = 'pg_catalog'::regnamespace then t.typname::text
        else format_type(t.oid, null)
    end as name,
    t.typtype::text as kind,
    t.typtype = 'e' or coalesce(hash.extended, false) as hashable,
    hash.name as hash_function
from made_of m
join pg_type t on t.oid = m.part
left join lateral (
    select
        f.oid is not null as extended,
        -- up to 17 some take "internal", which SQL cannot pass
        case
            when f.proargtypes[0] = k.opcintype and f.pronamespace = 'pg_catalog'::regnamespace
            then f.proname::text
        end as name
    from pg_opclass k
    join pg_am am on am.oid = k.opcmethod
    join pg_type taken on taken.oid = k.opcintype
    left join pg_amproc p on
        p.amprocfamily = k.opcfamily
        and p.amproclefttype = k.opcintype
        and p.amprocrighttype = k.opcintype
        and p.amprocnum = 2
    left join pg_proc f on f.oid = p.amproc
    where
        am.amname = 'hash'
        and k.opcdefault
        and (
            k.opcintype = t.oid
            or exists (
                select from pg_cast c
                where
                    c.castsource = t.oid
                    and c.casttarget = k.opcintype
                    and c.castmethod = 'b'
                    and c.castcontext = 'i'
            )
        )
    -- as GetDefaultOpClass() chooses: varchar can be taken as text and as bpchar
    order by (k.opcintype = t.oid) desc, taken.typispreferred desc, k.oid
    limit 1
) hash on true
