-- Every shape of reference: composite, nullable, self, circular, chains, several to one root, all actions.
create table tenants (
    id uuid primary key default gen_random_uuid(),
    name text not null unique,
    created_at timestamptz not null default clock_timestamp()
);
create table projects (
    tenant_id uuid not null references tenants on update cascade on delete cascade,
    id uuid not null default gen_random_uuid(),
    title text,
    created_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, id)
);
create table tasks (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    project_id uuid,
    parent_id uuid,
    created_at timestamptz not null default clock_timestamp(),
    primary key (tenant_id, id),
    constraint tasks_project foreign key (tenant_id, project_id) references projects
        on update cascade on delete cascade,
    constraint tasks_parent foreign key (tenant_id, parent_id) references tasks
        on update cascade on delete set null (parent_id),
    foreign key (tenant_id) references tenants on update cascade on delete cascade
);
comment on constraint tasks_parent on tasks is 'it''s a tree';
create table badges (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid,
    project_id uuid,
    created_at timestamptz not null default clock_timestamp(),
    foreign key (tenant_id, project_id) references projects match full
        on update cascade on delete set null
);
create table eggs (
    id uuid primary key default gen_random_uuid(),
    hen_id uuid,
    created_at timestamptz default clock_timestamp()
);
create table hens (
    id uuid primary key default gen_random_uuid(),
    egg_id uuid not null references eggs deferrable initially deferred,
    created_at timestamptz default clock_timestamp()
);
alter table eggs add foreign key (hen_id) references hens deferrable initially immediate;
create table people (
    id uuid primary key default gen_random_uuid(),
    name text,
    boss_id uuid references people on update cascade on delete set null,
    created_at timestamptz not null default clock_timestamp()
);
create table employees (
    person_id uuid primary key references people on update cascade on delete cascade,
    salary int
);
create table managers (
    employee_id uuid primary key references employees on update cascade on delete cascade,
    level int
);
create table reviews (
    id bigint generated always as identity primary key,
    manager_id uuid references managers on update cascade on delete cascade,
    author_id uuid not null references people on update cascade on delete cascade,
    text text
);
create table accounts (
    id uuid primary key default gen_random_uuid(),
    number int not null unique,
    created_at timestamptz not null default clock_timestamp()
);
create table transfers (
    id uuid primary key default gen_random_uuid(),
    a uuid references accounts,
    b uuid references accounts on update no action on delete no action,
    c uuid references accounts on update restrict on delete restrict,
    d uuid references accounts on update cascade on delete cascade,
    e uuid references accounts on update set null on delete set null,
    f uuid default null references accounts on update set default on delete set default,
    g uuid constraint "twice" references accounts deferrable initially deferred
);
create table tags (id uuid primary key default gen_random_uuid(), label text);
create table person_tags (
    person_id uuid not null references people on update cascade on delete cascade,
    tag_id uuid not null references tags on update cascade on delete cascade,
    primary key (tag_id, person_id)
);
-- outside: references a column of the closure that is no key
create table invoices (
    id bigint primary key,
    account_number int constraint invoices_account references accounts (number)
        on update cascade on delete cascade
);
comment on constraint invoices_account on invoices is 'incoming';

insert into tenants (name) select 'tenant ' || i from generate_series(1, 5) i;
insert into projects (tenant_id, title)
select id, repeat('project ', 20) || i from tenants, generate_series(1, 30) i;
insert into tasks (tenant_id, project_id) select tenant_id, id from projects, generate_series(1, 3);
insert into tasks (tenant_id, parent_id)
select tenant_id, id from tasks where project_id is not null limit 100;
insert into badges (tenant_id, project_id) select tenant_id, id from projects limit 40;
insert into badges default values;
begin;
insert into eggs default values;
insert into eggs select from generate_series(1, 200);
insert into hens (egg_id) select id from eggs;
update eggs set hen_id = (select h.id from hens h where h.egg_id = eggs.id);
commit;
insert into people (name) select repeat('person ', 10) || i from generate_series(1, 300) i;
update people set boss_id = (select id from people order by name limit 1) where name like '%1';
insert into employees select id, 1 from people where name like '%1' or name like '%2';
insert into managers select person_id, 1 from employees limit 20;
insert into reviews (manager_id, author_id, text)
select m.employee_id, p.id, repeat('good ', 20) from managers m, people p limit 500;
insert into accounts (number) select generate_series(1, 200);
insert into transfers (a, b, c, d, e, f, g) select x.id, x.id, x.id, y.id, y.id, y.id, y.id
from accounts x join accounts y on y.number = 201 - x.number where x.number % 2 = 0;
insert into tags (label) select repeat('label ', 10) || i from generate_series(1, 200) i;
insert into person_tags select p.id, t.id from people p, tags t where p.name like '%7' and t.label like '%7';
insert into invoices select i, i from generate_series(1, 50) i;

-- while copying
insert into tenants (name) values ('late');
insert into projects (tenant_id, title) select id, 'late' from tenants where name = 'late';
insert into tasks (tenant_id, project_id) select tenant_id, id from projects where title = 'late';
update tenants set id = gen_random_uuid() where name = 'tenant 1';
update tenants set created_at = created_at - interval '3 days' where name = 'tenant 2';
update projects set created_at = created_at - interval '1 day' where title like '%7';
update projects set tenant_id = (select id from tenants where name = 'tenant 4')
where title like '%9' and tenant_id = (select id from tenants where name = 'tenant 3');
delete from projects where title like '%5';
delete from tenants where name = 'tenant 5';
update people set created_at = '2020-02-02' where name like '%2';
update people set id = gen_random_uuid() where name like '%21';
delete from people where name like '%31';
update accounts set number = 1000 + number where number % 10 = 1;
delete from accounts where id in (select d from transfers limit 3)
and id not in (select a from transfers) and id not in (select g from transfers where g is not null);
truncate reviews;
insert into reviews (manager_id, author_id) select employee_id, employee_id from managers;
update eggs set created_at = '1969-01-01' where id in (select id from eggs order by id limit 20);

-- after the cutover
insert into tenants (name) values ('new');
insert into projects (tenant_id, title) select id, 'new' from tenants where name in ('new', 'late');
insert into tasks (tenant_id, project_id, parent_id)
select p.tenant_id, p.id, (select t.id from tasks t where t.tenant_id = p.tenant_id limit 1)
from projects p where p.title in ('new', 'late');
update projects set title = 'changed' where title like '%8';
update tenants set created_at = '2001-01-01' where name = 'tenant 3';
delete from tenants where name = 'tenant 2';
delete from people where name like '%41';
update people set boss_id = (select id from people where name like '% 52') where name like '%6';
insert into people (name) values ('newcomer');
insert into employees select id, 7 from people where name = 'newcomer';
insert into managers select person_id, 7 from employees where salary = 7;
insert into reviews (manager_id, author_id, text)
select employee_id, employee_id, 'new' from managers where level = 7;
insert into accounts (number) values (5000);
insert into transfers (a, d) select id, id from accounts where number = 5000;
insert into invoices values (1000, 5000);
update person_tags set tag_id = (select id from tags where label like '% 42')
where tag_id = (select id from tags where label like '% 7');
