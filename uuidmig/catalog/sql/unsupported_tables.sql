-- name: unsupported_tables
-- purpose: what a table itself is or carries that we cannot carry over
with chosen as (
    select c.*, concat_ws(' ', shown.type, shown.identity) as shown
    from pg_class c
    cross join lateral pg_identify_object('pg_class'::regclass, c.oid, 0) as shown
    where c.oid = any (%(tables)s::oid[])
)
select
    c.oid as table_oid,
    'inheritance' as kind,
    concat_ws(' ', parent.type, parent.identity) as name,
    'the table inherits from it' as reason
from chosen c
join pg_inherits h on h.inhrelid = c.oid
cross join lateral pg_identify_object('pg_class'::regclass, h.inhparent, 0) as parent
where not c.relispartition
union all
select c.oid, 'foreign table', concat_ws(' ', child.type, child.identity), 'is a partition of the table'
from chosen c
join pg_inherits h on h.inhparent = c.oid
join pg_class f on f.oid = h.inhrelid and f.relkind = 'f'
cross join lateral pg_identify_object('pg_class'::regclass, f.oid, 0) as child
where c.relkind = 'p'
union all
select
    c.oid,
    'partition',
    c.shown,
    'the partition is being detached'
from chosen c
join pg_inherits h on h.inhrelid = c.oid and h.inhdetachpending
union all
select c.oid, 'inheritance', concat_ws(' ', child.type, child.identity), 'inherits from the table'
from chosen c
join pg_inherits h on h.inhparent = c.oid
cross join lateral pg_identify_object('pg_class'::regclass, h.inhrelid, 0) as child
where c.relkind <> 'p'
union all
select c.oid, 'typed table', 'type ' || format_type(c.reloftype, null), 'the table is of this type'
from chosen c
where c.reloftype <> 0
union all
select
    c.oid,
    'extension',
    'extension ' || quote_ident(e.extname),
    case d.deptype when 'e' then 'the table is part of it' else 'the table depends on it' end
from chosen c
join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0
join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
where d.deptype in ('e', 'x')
order by 1, 2, 3
