-- User triggers in every state; they see each change once.
create table calls (at bigserial, name text, op text, key uuid);
create function note_call() returns trigger language plpgsql as $$
begin
    insert into public.calls (name, op, key)
    values (tg_name, tg_op, case when tg_level = 'ROW' then coalesce(new.id, old.id) end);
    return coalesce(new, old);
end $$;
create table parents (
    id uuid primary key default gen_random_uuid(), n int,
    created_at timestamptz default clock_timestamp()
);
create table children (
    id uuid primary key default gen_random_uuid(),
    parent_id uuid references parents on delete cascade,
    n int
);
create trigger a_before before insert or update on parents for each row execute function note_call();
create trigger "B after :x %" after insert or delete or update of n on parents for each row
    when (pg_trigger_depth() < 5) execute function note_call('it''s', '\ %');
create trigger c_statement after update on parents referencing old table as before_rows
    for each statement execute function note_call();
create trigger d_truncate before truncate on children for each statement execute function note_call();
create constraint trigger e_constraint after insert on parents deferrable initially deferred
    for each row execute function note_call();
create trigger f_disabled before insert on parents for each row execute function note_call();
create trigger g_replica before insert on parents for each row execute function note_call();
create trigger h_always before insert on parents for each row execute function note_call();
create trigger "00_before_everything" before insert on children for each row execute function note_call();
create trigger see_key before insert or update on children for each row execute function note_call();
alter table parents disable trigger f_disabled;
alter table parents enable replica trigger g_replica;
alter table parents enable always trigger h_always;
comment on trigger a_before on parents is 'it''s first';
comment on trigger g_replica on parents is 'replica';
insert into parents (n) select generate_series(1, 300);
insert into children (parent_id, n) select id, n from parents;
truncate calls;

-- while copying
insert into parents (n) values (1000);
update parents set n = n + 1 where n < 10;
delete from parents where n = 50;

-- after the cutover
insert into parents (n) values (2000);
update parents set n = n + 1 where n < 10;
delete from parents where n = 60;
insert into children (parent_id, n) select id, 1 from parents where n = 2000;
