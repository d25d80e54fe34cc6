-- Functions and procedures that hold a table's row type, or the table itself in a parsed body.
create schema api;
create table parents (
    id uuid primary key default gen_random_uuid(), n int, gone int, note text,
    created_at timestamptz not null default clock_timestamp()
);
alter table parents drop column gone;
create table children (
    id uuid primary key default gen_random_uuid(),
    parent_id uuid not null references parents on delete cascade, n int
);
create type api.pair as (a uuid, b int);
create function api.label(parents) returns text language sql stable as 'select $1.note || $1.id';
create function api."Label $it$"(parents, sep text default ' $$ ') returns text
    language sql immutable strict parallel safe cost 7 as $_$select $1.note || $2$_$;
create function api.newest(int default 3) returns setof parents language sql
    as 'select * from public.parents order by created_at desc limit $1';
create function api.one(uuid) returns parents language plpgsql security definer
    set search_path = public as $$
declare
    found_row parents%rowtype;
    again parents;
begin
    select * into found_row from parents where id = $1;
    again := found_row;
    return again;
end $$;
create function api.many(parents[], variadic children[]) returns int language sql as 'select cardinality($1)';
create function api.with_default(p parents default null, out result uuid) language sql as 'select $1.id';
create procedure api.add(parents) language plpgsql as
    $$ begin insert into public.parents (n, note) values (($1).n, ($1).note); end $$;
comment on function api.label(parents) is 'it''s the label';
revoke execute on function api.label(parents) from public;
grant execute on function api.newest(int) to pg_monitor with grant option;
alter default privileges in schema api revoke execute on functions from public;

-- parsed bodies: replaced where they only read tables, created again where they call the above
create function api.how_many(at_least int) returns bigint stable
    begin atomic select count(*) from parents where n >= at_least; end;
create view counted as select api.how_many(0) as parents, api.how_many(10) as big;
create function api.labels() returns setof text
    begin atomic select api.label(p) from parents p order by p.n; end;
create procedure api.touch(wanted int)
    begin atomic
        update parents set n = n + 1 where n = wanted;
        insert into children (parent_id, n) select id, 0 from parents where n = wanted + 1;
    end;
comment on procedure api.touch(int) is 'touches';

-- views over functions that are created again, and what hangs on these
create view labelled with (security_barrier) as
    select p.id, api.label(p) as label, p.note collate "C" as note from parents p;
comment on view labelled is 'with labels';
grant select on labelled to public;
create view on_labelled as select label, count(*) from labelled group by label;
create function api.of_view(labelled) returns text language sql as 'select $1.label';
create function api.body_of_view() returns bigint begin atomic select count(*) from labelled; end;
create materialized view stored as select l.id, api."Label $it$"(p, '!') as label from parents p join labelled l using (id);
create index on stored (label);
create materialized view whole_rows as select p as whole, array[p] as listed from parents p;
create function api.of_stored(stored) returns text language sql as 'select $1.label';
create function api.stored_rows() returns bigint begin atomic select count(*) from stored; end;
create view from_stored as select api.of_stored(s) as label, s.id from stored s;
create rule labelled_insert as on insert to labelled do instead
    insert into parents (note) select api.label(p) from parents p where p.id = new.id;
create function note_parent() returns trigger language plpgsql as $$
declare
    seen public.parents;
begin
    seen := new;
    insert into public.children (parent_id, n) values (seen.id, length(api.label(seen)));
    return new;
end $$;
create trigger note_parent after insert on parents for each row execute function note_parent();

insert into parents (n, note) select i, 'note ' || i from generate_series(1, 50) i;
refresh materialized view stored;
refresh materialized view whole_rows;

-- while copying
call api.touch(5);
call api.add(null);
insert into labelled (id) select id from parents where n = 7;

-- after the cutover
do $$
declare
    one_row parents;
begin
    if (select parents from counted) <> (select count(*) from parents where n >= 0) then
        raise 'another table is counted';
    end if;
    if exists (select id from labelled except select id from parents)
        or exists (select id from from_stored except select id from parents)
        or exists (select id from api.newest(1000) except select id from parents) then
        raise 'old keys';
    end if;
    if exists (select (whole).id from whole_rows except select id from parents)
        or (select min(api.label(whole)) from whole_rows) is null then
        raise 'old rows';
    end if;
    if api.stored_rows() < 50 or api.body_of_view() < 50 or (select count(*) from api.labels()) < 50 then
        raise 'lost rows';
    end if;
    select * into strict one_row from parents where n = 20;
    if (api.one(one_row.id)).id <> one_row.id or api.with_default(one_row) <> one_row.id
        or api.label(one_row) <> 'note 20' || one_row.id or api.many(array[one_row, one_row], variadic null::children[]) <> 2
        or (select api.of_view(l) from labelled l where id = one_row.id) <> api.label(one_row) then
        raise 'not the row';
    end if;
    call api.add(one_row);
end $$;
call api.touch(6);
insert into labelled (id) select id from parents where n = 8;
refresh materialized view stored;
