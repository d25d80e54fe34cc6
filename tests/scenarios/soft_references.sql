-- references that no foreign key declares: with and without a discriminator, dangling ones too
create type entity as enum ('order', 'it''s a place', 'other');
create table users (
    id uuid primary key default gen_random_uuid(), created_at timestamptz not null default now(),
    name text not null
);
create table profiles (user_id uuid primary key references users on delete cascade, note text);
create table "Odd Place" (id uuid primary key default gen_random_uuid(), name text);
create table orders (
    id uuid primary key default gen_random_uuid(), created_at timestamp not null default now(),
    user_id uuid not null references users, follows uuid, number int unique
);
create table audit_log (
    number bigint primary key, entity_type entity not null, entity_id uuid, actor uuid,
    what text
);
create index on audit_log (entity_id);
create schema "Other";
create table "Other"."Weird ""Name""" (
    a int, b text, "Kind Of" int, "the key" uuid,
    primary key (a, b)
);

insert into users (name) values ('ada'), ('bob'), ('eve');
insert into profiles select id from users where name <> 'eve';
insert into "Odd Place" (name) values ('here'), ('there');
insert into orders (user_id, number, created_at)
select id, row_number() over (order by name), '2023-05-01'::timestamp from users;
update orders o set follows = p.id from orders p where p.number = o.number - 1;
-- dangling: follows a row that comes while the copy runs
update orders set follows = '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0001' where number = 1;

insert into audit_log
select number, 'order', id, user_id, 'made' from orders;
insert into audit_log select 10 + row_number() over (order by name), 'it''s a place', id, null, name from "Odd Place";
-- a key of an order in a row that is about something else stays as it is
insert into audit_log select 20 + number, 'other', id, user_id, 'something else' from orders;
insert into audit_log values
(30, 'order', '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0001', '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0002', 'both come later'),
(31, 'order', '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0009', null, 'never comes'),
(32, 'order', null, null, 'nothing'),
(33, 'order', '0e6f7a1c-9d4b-7c55-8a11-5c1d6f0f0010', null, 'a version 7 key of nobody');
insert into audit_log select 34, 'order', id, null, 'goes' from orders where number = 3;
insert into "Other"."Weird ""Name""" select number, 'x', number, id from orders;

-- while copying
-- the targets come after the rows that name them
insert into users (id, name) values ('0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0002', 'late');
insert into orders (id, user_id, number)
select '0e6f7a1c-9d4b-4c55-8a11-5c1d6f0f0001', id, 7 from users where name = 'late';
-- one goes, and what names it outlives it
delete from orders where number = 3;
-- a target gets another time, so another key
update orders set created_at = '2022-02-02' where number = 1;
update users set created_at = '2021-01-01' where name = 'bob';
-- rows begin and cease to be about an order
update audit_log set entity_type = 'other' where number = 2;
update audit_log set entity_type = 'order' where number = 21;
update "Other"."Weird ""Name""" set "Kind Of" = 2 where a = 1;
update orders set number = 100 + number where number = 2;
insert into "Odd Place" (name) values ('new');
insert into audit_log select 50, 'it''s a place', id, null, 'new' from "Odd Place" where name = 'new';

-- after the cutover
insert into orders (user_id, number) select id, 9 from users where name = 'ada';
insert into audit_log select 60, 'order', id, user_id, 'after' from orders where number = 9;
update audit_log set what = 'touched' where number in (1, 11, 30, 31);
update audit_log set entity_id = (select id from orders where number = 9) where number = 33;
update orders set follows = (select id from orders where number = 9) where number = 7;
delete from orders where number = 102;
update "Other"."Weird ""Name""" set b = 'y' where a = 2;
