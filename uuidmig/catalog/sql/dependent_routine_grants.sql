-- name: dependent_routine_grants
-- purpose: the privileges on routines, one row a privilege, in the order of the ACL
-- No row: the default privileges (ACL NULL). A row without a grantor: the ACL is there and empty.
select
    p.oid::bigint as oid,
    0 as number,
    case when g.grantee = 0 then '' else pg_get_userbyid(g.grantee)::text end as grantee,
    pg_get_userbyid(g.grantor)::text as grantor,
    g.privilege_type as privilege,
    g.is_grantable as grantable
from pg_proc p
left join lateral aclexplode(p.proacl) with ordinality
    as g (grantor, grantee, privilege_type, is_grantable, place) on true
where p.oid = any (%(routines)s::oid[]) and p.proacl is not null
order by p.oid, g.place
