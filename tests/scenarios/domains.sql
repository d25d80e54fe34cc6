-- Keys of domain types: domains over domains, NOT NULL, with CHECK, with a default of their own.
create schema "Types";
create domain "Types"."Key" as uuid default gen_random_uuid();
create domain order_id as "Types"."Key" not null check (value <> '00000000-0000-0000-0000-000000000000');
create domain item_id as uuid constraint sane check (get_byte(uuid_send(value), 8) & 192 = 128);
create domain moment as timestamptz;
create domain code as varchar(10) not null check (value <> '');
create table orders (id order_id primary key, n int, made moment default clock_timestamp());
create table notes (id "Types"."Key" primary key, order_id uuid references orders, body text);
create table items (
    id item_id primary key default gen_random_uuid(),
    order_id order_id references orders on delete cascade,
    up item_id references items on delete set null,
    others order_id[], one_of item_id[], created_at timestamptz default clock_timestamp()
);
create table labels (order_id order_id references orders on delete cascade, code code, n int, primary key (order_id, code));
create table tags (name code unique not null, item item_id references items on delete set null);
insert into orders (n) select generate_series(1, 100);
insert into notes (order_id, body) select id, 'a' from orders where n % 2 = 0;
insert into items (order_id, others) select id, array[id] from orders;
insert into items (order_id, up) select order_id, id from items;
insert into labels select id, 'x', n from orders;
insert into labels select id, 'y', n from orders;
insert into tags select 't' || n, (select id from items limit 1 offset n) from orders;

-- while copying
update orders set made = made - interval '1 day' where n % 5 = 0;
delete from items where order_id in (select id from orders where n = 7);
insert into orders (n) values (1001);
insert into labels select id, 'z', 1 from orders where n > 90;
update labels set code = 'w' where n = 3 and code = 'x';
truncate tags;
insert into tags select 'new', min(id::text)::uuid from items;
update notes set order_id = (select id from orders where n = 1001) where ctid = '(0,1)';

-- after the cutover
insert into orders (n) values (2001), (2002);
insert into notes (order_id) select id from orders where n = 2001;
insert into items (order_id, up) select id, (select min(id::text)::uuid from items) from orders where n = 2002;
delete from labels where code = 'z';
truncate tags;
insert into tags select 'newer', id from items limit 1;
update orders set n = 0 where n = 9;
