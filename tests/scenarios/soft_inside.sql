-- keys inside arrays and documents, in rows of an ordinary and of a partitioned table
create table users (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null default now(),
    name text not null
);
create table orders (
    id uuid primary key default gen_random_uuid(), user_id uuid not null references users,
    number int unique, "see also" uuid[]
);
create table events (
    number bigint, day date not null, kind text, user_id uuid references users, subjects uuid[] not null,
    labels text[], "the Data" jsonb not null default '{}', raw json,
    first_subject uuid generated always as (subjects[1]) stored,
    primary key (number, day)
) partition by range (day);
create table events_old partition of events for values from (minvalue) to ('2024-01-01');
create table events_new partition of events default;
create index on events using gin (subjects);
create index on events using gin ("the Data" jsonb_path_ops);
create index on events (("the Data" ->> 'order'));

insert into users (name) values ('ada'), ('bob'), ('eve');
insert into orders (user_id, number) select id, row_number() over (order by name) from users;
update orders o set "see also" = (select array_agg(p.id order by p.number) from orders p);
-- named before it is there
update orders set "see also" = "see also" || '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0001'::uuid where number = 1;
insert into events (number, day, kind, user_id, subjects, labels, "the Data", raw)
select
    o.number + d.n * 10, d.day, k.kind, o.user_id,
    array[o.id, null, '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0001', u.id, o.id],
    array['x', o.id::text, u.id::text, null],
    jsonb_build_object(
        'order', o.id, 'other', u.id,
        'lines', jsonb_build_array(jsonb_build_object('order', o.id, 'n', 2), u.id, null)
    ),
    ('{ "user" : "' || u.id || '", "a" : 1.0 }')::json
from orders o
join users u on u.id = o.user_id
cross join (values (1, '2023-05-01'::date), (2, '2025-05-01')) as d (n, day)
join (values (1, 'order'), (2, 'user'), (3, 'order')) as k (n, kind) on k.n = o.number;
insert into events (number, day, kind, subjects) values
(101, '2023-01-01', 'order', '{}'),
(102, '2025-01-01', 'order', '{{0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0001,0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0002}}'),
(103, '2025-01-01', 'user', '[0:1]={0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0002,0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0009}');

-- while copying
insert into users (id, name) values ('0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0002', 'late');
insert into orders (id, user_id, number)
select '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0001', id, 7 from users where name = 'late';
update users set created_at = '2021-01-01' where name = 'bob';
update orders set user_id = (select id from users where name = 'ada') where number = 3;
delete from orders where number = 2;
update events set kind = 'order' where number = 12;
update events set day = '2025-06-01' where number = 11;
update events set subjects = subjects || '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0002'::uuid where number = 22;
update events set "the Data" = jsonb_set("the Data", '{lines,0,order}', '"0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0001"')
where number = 23;

-- after the cutover
insert into orders (user_id, number) select id, 9 from users where name = 'ada';
insert into events (number, day, kind, subjects, "the Data")
select 60, '2025-01-01', 'order', array[id, user_id], jsonb_build_object('order', id) from orders where number = 9;
update events set labels = labels || 'touched'::text where number in (13, 21, 23);
update events set subjects = subjects[2:] where number = 11;
update events set raw = ('{ "user" : "' || u.id || '" }')::json from users u where number = 101 and u.name = 'bob';
delete from orders where number = 7;
