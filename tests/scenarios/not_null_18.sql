-- NOT NULL constraints of PostgreSQL 18 with names, NO INHERIT, comments, not validated; checks that are not enforced.
create table named (
    id uuid constraint "a key" primary key default gen_random_uuid(),
    a int constraint "a is filled" not null, b int constraint filled not null no inherit, c int, d int,
    e int constraint positive check (e > 0) not enforced
);
comment on constraint "a is filled" on named is 'it is, 100 %';
comment on constraint filled on named is 'no inherit';
insert into named (a, b, c, d) select i, i, case when i % 2 = 0 then i end, case when i % 3 = 0 then i end from generate_series(1, 60) i;
update named set e = -1 where a = 2;
alter table named add constraint "c will be" not null c not valid;
alter table named add constraint d_filled not null d no inherit not valid;
alter table named add constraint small check (a < 50) not valid;
comment on constraint "c will be" on named is 'from now on';
comment on constraint positive on named is 'hint';
create table refers (id uuid primary key default gen_random_uuid(), n uuid constraint must not null references named);
insert into refers (n) select id from named;

-- while copying
insert into named (a, b, c, d, e) values (1, 1, 1, 1, -7);
update named set c = 1, d = 1 where a = 1;
delete from refers where n in (select id from named where a = 5);

-- after the cutover
insert into named (a, b, c, d, e) values (2, 2, 2, 2, -8);
update named set c = 1, d = 1 where a = 3;
